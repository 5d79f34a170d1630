"""Protections of suppliers and of money in the panel, taken away one at a time."""

from tests.mutations.mutation import Mutation

TEST = "tests/doors/panel/test_supplying.py"
KEYS = "tests/doors/test_web_keys.py"

MUTATIONS = [
    Mutation(
        rows=("INV-D2",),
        removed="that a login of a party that was not let in opens nothing",
        file="admin/guard.py",
        old="    if session.is_waiting and not declared.while_waiting:",
        new="    if False:",
        test=TEST,
    ),
    Mutation(
        rows=("INV-T4", "INV-T1"),
        removed="that an offer is looked for among one's own",
        file="core/supply/offering.py",
        old="WHERE id = %s AND seller_id = %s AND valid_to IS NULL",
        new="WHERE id = %s AND %s > 0 AND valid_to IS NULL",
        test=f"{TEST}::test_a_supplier_ends_no_offer_of_others",
    ),
    Mutation(
        rows=("INV-T4", "INV-T1"),
        removed="that the panel reads no partner's fee",
        file="ops/migrations/0040_own_fee.sql",
        old="REVOKE SELECT ON party FROM keystall_panel;",
        new="",
        test=f"{TEST}::test_inv_t4_the_panels_login_reads_no_partners_fee",
    ),
    Mutation(
        rows=("106",),
        removed="that the vault judges the code before money moves",
        file="core/settlement/behind_vault.py",
        old="            if refusal is not None:",
        new="            if False:",
        test=TEST,
    ),
    Mutation(
        rows=("106",),
        removed="that web has no right to let a payout go",
        file="ops/migrations/0037_supplying.sql",
        old="ended_at, bank_reference, reason) ON payout\n    TO keystall_vault;",
        new="ended_at, bank_reference, reason) ON payout\n    TO keystall_vault, keystall_shop;",
        test="tests/flows/payouts/test_payout_rights.py",
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that a key does only what its scopes say",
        file="channels/web/api/keyed.py",
        old="    if scope not in holder.scopes:",
        new="    if False:",
        test=KEYS,
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that a key counts from its networks only",
        file="core/parties/api_keys.py",
        old="    if not networks:\n        return True",
        new="    return True",
        test=KEYS,
    ),
]
