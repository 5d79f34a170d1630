"""Protections around connections and shops that merchants set up themselves, taken away one at a time."""

from tests.mutations.mutation import Mutation

DOOR = "tests/doors/panel/test_setting_up.py"
HANDED_IN = "core/connections/handed_in.py"
JOINING = "core/connections/joining.py"

MUTATIONS = [
    Mutation(
        rows=("INV-K2",),
        removed="that only secrets which people type are taken in by the panel",
        file=HANDED_IN,
        old="    return sealed.startswith(MARK) and (kind.value, name, holder.value) in MAY_BE_HANDED_IN",
        new="    return sealed.startswith(MARK)",
        test=DOOR,
    ),
    Mutation(
        rows=("INV-K2",),
        removed="that a secret which was typed for one account opens for no other, under no other name",
        file=HANDED_IN,
        old="    return framed(PURPOSE, kind.value, account_id, name, holder.value)",
        new="    return framed(PURPOSE)",
        test=DOOR,
    ),
    Mutation(
        rows=("INV-T1",),
        removed="that a bot which serves one merchant is taken by no other",
        file=JOINING,
        old="    if found.merchant_id != merchant_id:\n        raise AccountElsewhere()",
        new="    if False:\n        raise AccountElsewhere()",
        test=DOOR,
    ),
    Mutation(
        rows=("INV-K1",),
        removed="that a bot that was disconnected leaves no secret",
        file=JOINING,
        old="        drop_credentials(kind=AccountKind.CHAT, account_id=account_id)\n",
        new="",
        test=DOOR,
    ),
    Mutation(
        rows=("INV-T1",),
        removed="that the panel reads bots of one merchant only",
        file="ops/migrations/0036_setting_up.sql",
        old="('chat_account', 'merchant_id = panel_party()'),",
        new="('chat_account', 'true'),",
        test=DOOR,
    ),
]
