"""Two holders become one: everything in the bounded accounts of one moves into the other's, held money included."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core.db import changed, execute
from core.ledger import service, sql
from core.ledger.rules import BOUNDED, AccountKind, TransferCode

ACCOUNTS = """
SELECT id, kind, currency FROM account
WHERE holder = %s AND counterparty = %s AND kind = ANY (%s) ORDER BY id
"""
HAS = """
SELECT currency, sum(balance)::bigint FROM account
WHERE holder = %s AND counterparty = %s AND kind = ANY (%s) GROUP BY currency HAVING sum(balance) > 0 ORDER BY currency
"""
BALANCES = "SELECT id, balance FROM account WHERE id = ANY (%s::bigint[])"
MOVE_HOLDS = """
UPDATE money_hold SET account_id = to_account.id, held_in_id = to_held.id
FROM unnest(%(old)s::bigint[], %(new)s::bigint[]) AS to_account (old, id),
     unnest(%(old)s::bigint[], %(new)s::bigint[]) AS to_held (old, id)
WHERE money_hold.state = 'open' AND money_hold.account_id = to_account.old AND money_hold.held_in_id = to_held.old
"""


def move_everything(*, holder: str, into: str, counterparty: str, reference: UUID, now: datetime) -> int:
    """Move what the bounded accounts of `holder` with one counterparty have to those of `into`, in every currency.

    One transfer an account, under the locks of all of them; money that is held for unpaid orders stays held for them.
    Call it last in the caller's transaction; returns how many accounts had anything.
    """
    rows = execute(ACCOUNTS, (holder, counterparty, [kind.value for kind in BOUNDED]))
    moved = {
        account_id: service.open_account(
            kind=AccountKind(kind), holder=into, counterparty=counterparty, currency=currency
        )
        for account_id, kind, currency in rows
    }
    if not moved:
        return 0
    execute(sql.LOCK_ACCOUNTS, ([*moved, *moved.values()],))
    changed(MOVE_HOLDS, {"old": list(moved), "new": list(moved.values())})
    balances: Mapping[int, int] = dict(execute(BALANCES, (list(moved),)))
    currencies = {account_id: currency for account_id, _, currency in rows}
    transfers = [
        service.NewTransfer(old, new, balances[old], currencies[old], TransferCode.MERGED, reference)
        for old, new in moved.items()
        if balances[old] > 0
    ]
    service.post(transfers=transfers, now=now)
    return len(transfers)


def everything_of(*, holder: str, counterparty: str) -> list[tuple[str, int]]:
    """What `move_everything` would move now: currency and minor units, money that is held included."""
    return [(currency, int(minor)) for currency, minor in execute(HAS, (holder, counterparty, [*map(str, BOUNDED)]))]
