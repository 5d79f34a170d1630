"""What has happened for good until a moment, counted, summed and marked per invariant: a checkpoint seals it.

Rows that ended are not read one by one again by `verify`; that none is gone, was added or says something else shows in
these totals. Each statement reads one table once, by columns that nothing changes after their time: `rows`, sums in
minor units by currency, and `mark`, a sum over hashes of the rows that is the same in whatever order they are read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import peewee

from core.db import atomic, execute, sqlstate
from core.ledger.checkpoints import Checkpoint

LAG = timedelta(hours=1)
"""Times come from the clocks of several processes, and rows are committed after them: so much is not ended yet."""

CANCELED = "57014"

Total = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted for an invariant: in words, and from which rows (`money` is a column in `currency`, if any)."""

    what: str
    rows: str
    said: str
    money: str | None = None

    def statement(self) -> str:
        """One row: how many, the mark, and the sums as a JSON object."""
        mark = f"bit_xor(hash_record_extended(ROW({self.said}), 0))"
        if self.money is None:
            return f"SELECT count(*), coalesce({mark}, 0), '{{}}'::jsonb FROM {self.rows}"  # noqa: S608 - constants only
        return f"""
            SELECT coalesce(sum(rows), 0)::bigint, coalesce(bit_xor(mark), 0),
                   coalesce(jsonb_object_agg(currency, total), '{{}}')
            FROM (SELECT currency, count(*) AS rows, {mark} AS mark, sum({self.money})::bigint AS total
                  FROM {self.rows} GROUP BY currency) AS by_currency
        """  # noqa: S608 - constants only


COUNTED: Mapping[str, Counted] = {
    "INV-S2": Counted(
        "cards opened",
        "card WHERE opened_at <= %(until)s",
        "id, line_id, sku_id, opened_at, state IN ('free', 'held', 'withdrawn')",
    ),
    "INV-S1": Counted(
        "cards delivered",
        "card WHERE delivered_at <= %(until)s",
        "id, line_id, delivered_at, state IN ('delivered', 'void')",
    ),
    "INV-S3": Counted(
        "cards of finished batches",
        "card WHERE batch_no IN (SELECT batch_no FROM checkpoint_batch WHERE number <= %(number)s)",
        "id, batch_no, owner_id, sku_id",
    ),
    "INV-O2": Counted(
        "orders paid",
        "shop_order WHERE paid_at <= %(until)s",
        "id, merchant_id, identity_id, currency, total_minor, paid_minor, paid_at, seal",
        "total_minor",
    ),
    "INV-O3": Counted(
        "lines delivered",
        "delivery WHERE delivered_at <= %(until)s",
        "id, line_id, order_id, state, delivered_at",
    ),
    "INV-S5": Counted(
        "holds that ended",
        "hold WHERE settled_at <= %(until)s",
        "id, line_id, order_id, sku_id, quantity, state, settled_at",
    ),
    "INV-M10": Counted(
        "refunds that ended",
        "refund WHERE ended_at <= %(until)s",
        "id, order_id, payment_id, event_id, line_id, to_wallet, amount_minor, currency, state, ended_at",
        "amount_minor",
    ),
    "INV-M12": Counted(
        "costs held on trade accounts and settled",
        "trade_hold WHERE settled_at <= %(until)s",
        "hold_id, line_id, position, account_id, offer_id, amount, captured, released, state, settled_at",
    ),
    "INV-M5": Counted(
        "wallet money set aside and settled",
        "money_hold WHERE settled_at <= %(until)s",
        "id, order_id, amount, captured, released, state, settled_at",
    ),
    "INV-M13": Counted(
        "events that gateways sent",
        "payment_event WHERE received_at <= %(until)s",
        "id, gateway_account_id, external_id, kind, amount_minor, currency, received_at",
        "amount_minor",
    ),
    "INV-M8": Counted(
        "payments that came in",
        "payment WHERE succeeded_at <= %(until)s",
        "id, order_id, merchant_id, rail, gateway_account_id, amount_minor, currency, succeeded_at",
        "amount_minor",
    ),
    "INV-M7": Counted(
        "lines of paid orders",
        "(SELECT o.currency, l.id, l.order_id, l.sku_id, l.quantity, l.list_price_minor, l.discount_minor,"
        " l.total_minor FROM order_line l JOIN shop_order o ON o.id = l.order_id WHERE o.paid_at <= %(until)s) AS paid",
        "id, order_id, sku_id, quantity, list_price_minor, discount_minor, total_minor",
        "total_minor",
    ),
}
"""By invariant, cards first and what takes longest last: there may be too little time for it. Transfers, balances and
frozen shares have hashes in the checkpoint; the audit has its chain."""


@dataclass(frozen=True, slots=True)
class Differing:
    """A total that is not as a checkpoint sealed it."""

    invariant: str
    what: str
    sealed: Total
    found: Total


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs from a checkpoint's totals, and what was not counted in the time there was (words)."""

    differing: tuple[Differing, ...] = ()
    uncounted: tuple[str, ...] = ()


def totals(*, number: int, at: datetime) -> dict[str, Total]:
    """Everything that ended by an hour before `at`, in the caller's moment; what checkpoint `number` is to seal."""
    return {invariant: _count(counted, number, at) for invariant, counted in COUNTED.items()}


def compare(one: Checkpoint, *, seconds: float | None = None) -> Compared:
    """Count again what a checkpoint sealed, in the caller's moment; what `seconds` are too short for is not counted."""
    end = None if seconds is None else time.monotonic() + seconds
    differing, uncounted = [], []
    for invariant, counted in COUNTED.items():
        sealed = one.totals.get(invariant)
        found = _in_time(counted, one, end) if sealed is not None else None
        if found is None:
            uncounted.append(counted.what)
        elif sealed is not None and found != sealed:
            differing.append(Differing(invariant, counted.what, sealed, found))
    return Compared(tuple(differing), tuple(uncounted))


def _in_time(counted: Counted, one: Checkpoint, end: float | None) -> Total | None:
    if end is None:
        return _count(counted, one.number, one.at)
    left = int((end - time.monotonic()) * 1000)
    if left < 1:
        return None
    try:
        with atomic():
            execute(f"SET LOCAL statement_timeout = {left}")
            return _count(counted, one.number, one.at)
    except peewee.OperationalError as error:
        if sqlstate(error) != CANCELED:
            raise
        return None


def _count(counted: Counted, number: int, at: datetime) -> Total:
    asked: dict[str, Any] = {"number": number, "until": at - LAG}
    rows, mark, sums = execute(counted.statement(), asked)[0]
    return {"rows": int(rows), "mark": int(mark), **sums}
