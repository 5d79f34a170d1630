"""Protections of parties as they come, are suspended and go, taken away one at a time."""

from tests.mutations.mutation import Mutation

STANDING = "tests/flows/test_standing.py"
SUSPENDED = "tests/flows/test_suspended.py"
PAGES = "tests/doors/panel/test_platform_pages.py"

MUTATIONS = [
    Mutation(
        rows=("INV-T2",),
        removed="that a party which is not active is in no chain",
        file="core/supply/service.py",
        old="    JOIN party s ON s.id = o.seller_id AND s.status = 'active'\n    WHERE o.sku_id",
        new="    JOIN party s ON s.id = o.seller_id\n    WHERE o.sku_id",
        test=STANDING,
    ),
    Mutation(
        rows=("INV-T2",),
        removed="that offers with a party that is let in count from then on",
        file="core/settlement/suspending.py",
        old="fee_basis_points=fee_basis_points, now=now)\n        rebuild_sources_of(party_id=party_id)",
        new="fee_basis_points=fee_basis_points, now=now)",
        test=f"{STANDING}::test_offers_that_were_made_with_a_party_before_it_is_let_in_count_from_then_on",
    ),
    Mutation(
        rows=("INV-T2",),
        removed="that an offer and a suspension wait for each other",
        file="core/supply/service.py",
        old='    execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (PARTIES_LOCK,))',
        new='    execute("SELECT 1")',
        test=STANDING,
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that only the platform's owner sets a fee",
        file="core/parties/standing.py",
        old="    require_platform(actor)\n    if not 0 <= fee_basis_points",
        new="    if not 0 <= fee_basis_points",
        test=STANDING,
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that nobody of a suspended party stays signed in",
        file="core/parties/standing.py",
        old="        changed(END_SESSIONS, (now, party_id))",
        new="        pass",
        test=PAGES,
    ),
    Mutation(
        rows=("INV-O1",),
        removed="that a party is closed only once nothing of it is under way",
        file="core/settlement/leaving.py",
        old="        if open_now.total:",
        new="        if False:",
        test=PAGES,
    ),
    Mutation(
        rows=("INV-O1",),
        removed="that nobody is asked to pay a suspended merchant at a gateway",
        file="core/payments/intents.py",
        old=" or not order.is_shop_open:",
        new=":",
        test=SUSPENDED,
    ),
    Mutation(
        rows=("INV-O1",),
        removed="that a suspended merchant is not paid from wallets",
        file="core/payments/wallet.py",
        old="    if not order.is_shop_open:",
        new="    if False:",
        test=SUSPENDED,
    ),
    Mutation(
        rows=("INV-O1",),
        removed="that imports of a suspended party are taken back",
        file="core/settlement/suspending.py",
        old="        take_back_imports(party_id=party_id, now=now)",
        new="        pass",
        test="tests/flows/restock/test_restock_suspended.py",
    ),
]
