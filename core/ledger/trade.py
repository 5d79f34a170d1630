"""Trade accounts as the order path touches them: shared, hot rows, so one statement, in id order, last.

What is set aside for unpaid orders stands in `account.aside`; only money that moved makes transfers. Where a
transaction also changes shoppers' wallets, those come after: two classes of accounts, always in this order, each in id
order.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.db import changed
from core.errors import Conflict

HOLD = """
WITH wanted AS (
    SELECT account_id, change FROM unnest(%(accounts)s::bigint[], %(changes)s::bigint[]) AS w (account_id, change)
), locked AS (
    SELECT id, balance - aside - floor AS room FROM account WHERE id = ANY (%(accounts)s::bigint[])
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE account SET aside = aside + w.change FROM wanted w JOIN locked l ON l.id = w.account_id
WHERE account.id = l.id AND account.id = ANY (ARRAY(SELECT id FROM locked)) AND (w.change < 0 OR w.change <= l.room)
"""
"""Hold on several accounts, or give back (a change below 0). `locked` has the rows as they are once the lock is got,
which the row count is judged by: the plain columns would be those of the statement's start."""


class TradeShort(Conflict):
    """A trade account has less room than an order costs; the whole transaction is to be given up (INV-M11)."""


def hold(amounts: Mapping[int, int]) -> None:
    """Set minor units aside on trade accounts, all or none. Call it last. Raises `TradeShort`."""
    _change(amounts)


def let_go(amounts: Mapping[int, int]) -> None:
    """Give back what ended orders had set aside (minor units by account). Call it last."""
    _change({account_id: -amount for account_id, amount in amounts.items()})


def _change(changes: Mapping[int, int]) -> None:
    moved = {account_id: change for account_id, change in sorted(changes.items()) if change}
    if moved and changed(HOLD, {"accounts": list(moved), "changes": list(moved.values())}) != len(moved):
        raise TradeShort
