"""What a line costs each buyer along its chain, on their trade accounts: held, captured, given back (INV-M11, INV-M12).

A captured hop moves its cost from the buyer's trade account to what its seller sold through it. The shares of the
sellers upstream, which every sale books as claims on the merchant, are thereby paid: the merchant keeps their money.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import execute
from core.orders.shares import Seller, cost_groups
from core.pricing.rules import ShareRole, chain_costs
from core.stock.service import HeldGroup

_SHARES = """s AS (
    SELECT account_id, amount_minor, line_id FROM line_share
    WHERE hold_id IN (SELECT hold_id FROM t) AND (role = 'upstream' OR (role = 'platform_fee' AND hold_id IN (
        SELECT hold_id FROM t WHERE offer_id IS NULL)))
), kept AS (
    SELECT a.id FROM account a WHERE a.kind = 'pending' AND a.holder = 'party:' || %(merchant)s::bigint
        AND a.counterparty = a.holder AND a.currency = %(currency)s
)"""
"""The shares that the hops of `t` pay upstream, and the merchant's own account, from which those were booked."""

CAPTURE = f"""
WITH t AS (
    UPDATE trade_hold SET state = 'captured', captured = amount, settled_at = %(now)s
    WHERE hold_id = ANY (%(holds)s) AND state = 'open' RETURNING hold_id, line_id, account_id, offer_id, amount
), {_SHARES}, moved AS (
    INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, line_id, at)
    SELECT t.account_id, a.sales_id, t.amount, %(currency)s, 'traded', %(order)s, t.line_id, %(now)s
    FROM t JOIN trade_account a USING (account_id)
    UNION ALL
    SELECT CASE WHEN s.amount_minor > 0 THEN s.account_id ELSE kept.id END,
           CASE WHEN s.amount_minor > 0 THEN kept.id ELSE s.account_id END,
           abs(s.amount_minor), %(currency)s, 'trade_kept', %(order)s, s.line_id, %(now)s
    FROM s CROSS JOIN kept
    RETURNING 1
), paid AS (
    SELECT account_id, sum(amount)::bigint AS amount FROM t GROUP BY account_id
), locked AS (
    SELECT id FROM account WHERE id IN (SELECT account_id FROM paid) ORDER BY id FOR NO KEY UPDATE
), done AS (
    UPDATE account SET balance = balance - paid.amount, aside = aside - paid.amount FROM paid
    WHERE account.id = paid.account_id AND account.id = ANY (ARRAY(SELECT id FROM locked)) RETURNING 1
)
SELECT (SELECT count(*) FROM t) - (SELECT count(*) FROM trade_hold WHERE hold_id = ANY (%(holds)s)),
       (SELECT count(*) FROM moved) - (SELECT count(*) FROM t) - (SELECT count(*) FROM s),
       (SELECT count(*) FROM done) - (SELECT count(*) FROM paid)
"""  # noqa: S608 - constants of this module only
"""What was held for a paid order is used, once; the shared rows are locked in id order. Gives by how much each count is
off: hops that were held, transfers for them and for the shares that they pay, accounts that they stand on."""

GIVE_BACK = f"""
WITH t AS (
    UPDATE trade_hold SET returned = captured
    WHERE line_id = %(line)s AND state = 'captured' AND returned = 0 RETURNING hold_id, account_id, offer_id, amount
), {_SHARES}, moved AS (
    INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, line_id, at)
    SELECT a.sales_id, t.account_id, t.amount, %(currency)s, 'trade_returned', %(reference)s, %(line)s, %(now)s
    FROM t JOIN trade_account a USING (account_id)
    UNION ALL
    SELECT CASE WHEN s.amount_minor > 0 THEN kept.id ELSE s.account_id END,
           CASE WHEN s.amount_minor > 0 THEN s.account_id ELSE kept.id END,
           abs(s.amount_minor), %(currency)s, 'trade_returned', %(reference)s, s.line_id, %(now)s
    FROM s CROSS JOIN kept
    RETURNING 1
), back AS (
    SELECT account_id, sum(amount)::bigint AS amount FROM t GROUP BY account_id
), locked AS (
    SELECT id FROM account WHERE id IN (SELECT account_id FROM back) ORDER BY id FOR NO KEY UPDATE
), done AS (
    UPDATE account SET balance = balance + back.amount FROM back
    WHERE account.id = back.account_id AND account.id = ANY (ARRAY(SELECT id FROM locked)) RETURNING 1
)
SELECT (SELECT count(*) FROM t)
           - (SELECT count(*) FROM trade_hold WHERE line_id = %(line)s AND state = 'captured'),
       (SELECT count(*) FROM moved) - (SELECT count(*) FROM t) - (SELECT count(*) FROM s),
       (SELECT count(*) FROM done) - (SELECT count(*) FROM back)
"""  # noqa: S608 - constants of this module only
"""What a refunded line captured goes back along the chain, once and whole; the counts are as those of `CAPTURE`."""


def hop_rows(
    *, seller: Seller, groups: Sequence[HeldGroup], shares: Sequence[dict[str, Any]], hold_id: UUID, line_id: UUID
) -> list[dict[str, Any]]:
    """Rows of `trade_hold` for a held line: each hop's cost, and the platform's fee where it has an account for it."""
    accounts: dict[int | None, int | None] = {hop.offer_id: hop.account_id for group in groups for hop in group.hops}
    costs: dict[int | None, int] = {}
    for chain in chain_costs(currency=seller.currency, groups=cost_groups(groups)):
        for offer_id, _, minor in chain:
            costs[offer_id] = costs.get(offer_id, 0) + minor
    if seller.fee_account_id is not None:
        accounts[None] = seller.fee_account_id
        costs[None] = sum(row["amount_minor"] for row in shares if row["role"] == ShareRole.PLATFORM_FEE)
    rows = [
        {"offer_id": offer_id, "account_id": accounts[offer_id], "amount": minor}
        for offer_id, minor in costs.items()
        if minor
    ]
    if rows:
        seller.merchants_account()  # where the money stays that the trade accounts pay instead
    whose = {"hold_id": str(hold_id), "line_id": str(line_id)}
    return [whose | {"position": position} | row for position, row in enumerate(rows)]


def per_account(rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """What rows of `trade_hold` take of each account, in minor units."""
    amounts: dict[int, int] = {}
    for row in rows:
        amounts[row["account_id"]] = amounts.get(row["account_id"], 0) + row["amount"]
    return amounts


def capture(*, holds: Sequence[UUID], order_id: UUID, merchant_id: int, currency: str, now: datetime) -> None:
    """Use what the captured holds of a paid order set aside on trade accounts. Call it last but for wallets.

    What does not fit raises RuntimeError, which rolls the caller's transaction back.
    """
    which = {"holds": list(holds), "order": order_id, "merchant": merchant_id}
    _check(execute(CAPTURE, which | {"currency": currency, "now": now})[0])


def give_back(*, line_id: UUID, reference: UUID, merchant_id: int, currency: str, now: datetime) -> None:
    """Undo what a line captured, for its refund `reference`. Call it last but for wallets.

    What does not fit raises RuntimeError, which rolls the caller's transaction back.
    """
    which = {"line": line_id, "reference": reference, "merchant": merchant_id}
    _check(execute(GIVE_BACK, which | {"currency": currency, "now": now})[0])


def _check(off_by: Sequence[int]) -> None:
    if any(off_by):
        raise RuntimeError("a line's holds and its trade accounts disagree")
