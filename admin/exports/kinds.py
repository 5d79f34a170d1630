"""What can be exported: columns in words, and how a row of the database becomes a row of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from admin.exports import questions
from admin.exports.cells import Value, amount
from admin.reports.quality import CHANNELS
from admin.reports.quality import COLUMNS as QUALITY_COLUMNS
from admin.reports.sales import COMPOSED_COLUMNS, TOGETHER
from admin.reports.sales import TERMS as SOURCES
from admin.shown import STATES, TERMS
from bot.texts import Texts, mark
from core.ids import Prefix, public
from core.reports.exporting import ExportKind

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Sort:
    """`columns` are message ids; `row` makes what stands in them; no statement: rows come from a use case.

    The last `profits` columns are for those who are told what is left of a sale, as on the page of it.
    """

    called: str
    tells: str
    columns: Sequence[str]
    statement: str
    row: Callable[[Row, Texts], list[Value]]
    profits: int = 0


def _moment(at: datetime | None, said: Texts) -> str:
    """A time as the store's clock has it, in a form that sorts: 2026-03-02 12:00:00."""
    return at.astimezone(said.zone).strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""


def _day(on: date | None) -> str:
    return on.isoformat() if on is not None else ""


def _state(name: str | None, said: Texts) -> str:
    return said.say(STATES[name][0]) if name in STATES else name or ""


def _goods(product: Mapping[str, str] | None, sku: Mapping[str, str] | None, said: Texts) -> str:
    return said.beside(said.name(product or {}), said.name(sku or {}))


def _order(row: Row, said: Texts) -> list[Value]:
    order, merchant, state, currency, total, paid, refunded, placed, paid_at, ended, position, *line = row
    code, names, quantity, price, discount, line_total, gate, delivery, delivered = line
    return [
        public(Prefix.ORDER, order), merchant, _state(state, said), currency,
        *(amount(minor, currency) for minor in (total, paid, refunded)),
        *(_moment(at, said) for at in (placed, paid_at, ended)),
        position + 1, code, said.name(names), quantity,
        *(amount(minor, currency) for minor in (price, discount, line_total)),
        "" if gate == "none" else gate, _state(delivery, said), _moment(delivered, said),
    ]  # fmt: skip


def _sale(row: Row, said: Texts) -> list[Value]:
    day, merchant, listing, sku, product, names, channel, terms, supplier, currency, lines, quantity, *rest = row
    money, counts = rest[:8], rest[8:]
    return [
        _day(day), merchant, listing or "", sku or "", _goods(product, names, said), channel, said.say(SOURCES[terms]),
        supplier or "", currency, lines, quantity, *(amount(minor, currency) for minor in money), *counts,
    ]  # fmt: skip


def _seller(row: Row, said: Texts) -> list[Value]:
    currency, listing, code, product, names, quantity, revenue, refunded, profit = row
    money = [amount(minor, currency) for minor in (revenue, refunded, profit)]
    called = _goods(product, names, said) or str(code or listing)
    return [currency, code or "", called, quantity, *money, _margin(profit, revenue - refunded)]


def _composed(row: Row, said: Texts) -> list[Value]:
    currency, terms, revenue, refunded, *rest = row
    money = [amount(minor, currency) for minor in (revenue, refunded, *rest)]
    return [currency, said.say(SOURCES[terms] if terms else TOGETHER), *money, _margin(rest[-1], revenue - refunded)]


def _channel(row: Row, said: Texts) -> list[Value]:
    currency, channel, *figures = row
    called = said.say(CHANNELS[channel]) if channel in CHANNELS else channel
    return [currency, called, *_quality(currency, figures)]


def _source(row: Row, said: Texts) -> list[Value]:
    currency, terms, names, *figures = row
    return [currency, said.say(SOURCES[terms]), said.name(names) if names else "", *_quality(currency, figures)]


def _quality(currency: str, figures: Row) -> list[Value]:
    *counts, revenue, profit = figures
    lines, delivered, failed = counts[0], counts[1], counts[6]
    return [*counts, lines - delivered - failed, amount(revenue, currency), amount(profit, currency)]


def _margin(profit: int, kept: int) -> Decimal | None:
    return (Decimal(100 * profit) / Decimal(kept)).quantize(Decimal("0.1")) if kept else None


def _hop(row: Row, said: Texts) -> list[Value]:
    day, buyer, sku, product, names, currency, lines, cards, earned, returned, *counts = row
    money = [amount(minor, currency) for minor in (earned, returned)]
    return [_day(day), buyer or "", sku or "", _goods(product, names, said), currency, lines, cards, *money, *counts]


def _entry(row: Row, said: Texts) -> list[Value]:
    number, at, kind, actor, party, *deed = row
    return [number, _moment(at, said), kind, str(actor or ""), party or "", *deed]


def _batch(row: Row, said: Texts) -> list[Value]:
    batch, sku, owner, supplier, terms, state, source, cards, expires, came, finished = row
    return [
        public(Prefix.BATCH, batch), sku, owner or "", supplier or "", said.say(TERMS[terms]), _state(state, said),
        source, cards, _day(expires), _moment(came, said), _moment(finished, said),
    ]  # fmt: skip


def _line(row: Row, said: Texts) -> list[Value]:
    debtor, currency, day, code, count, came, went = row
    return [debtor, currency, _day(day), code, count, amount(came, currency), amount(went, currency)]


ORDER_COLUMNS = (
    mark("Order"), mark("Merchant"), mark("State"), mark("Currency"), mark("Total"), mark("Paid in"), mark("Refunded"),
    mark("Placed"), mark("Paid"), mark("Ended"), mark("Line"), mark("Code"), mark("Goods"), mark("Pieces"),
    mark("Price a piece"), mark("Discount"), mark("Line's total"), mark("Waits for"), mark("Delivery"),
    mark("Delivered at"),
)  # fmt: skip
SALE_COLUMNS = (
    mark("Day"), mark("Merchant"), mark("Code"), mark("SKU"), mark("Goods"), mark("Channel"), mark("Source"),
    mark("Supplier"), mark("Currency"), mark("Lines"), mark("Pieces"), mark("At list price"), mark("Discounts"),
    mark("Sales"), mark("Refunded"), mark("Sellers' part"), mark("Cost of own cards"), mark("Fees"), mark("Profit"),
    mark("Refunded lines"), mark("Delivered"), mark("within 10 s"), mark("within 1 min"), mark("within 10 min"),
    mark("within 1 h"), mark("Failed"),
)  # fmt: skip
SELLER_COLUMNS = (
    mark("Currency"), mark("Code"), mark("Goods"), mark("Pieces"), mark("Sales"), mark("Refunded"), mark("Profit"),
    mark("Margin in %"),
)  # fmt: skip
PROFIT_COLUMNS = (mark("Currency"), mark("Source"), *COMPOSED_COLUMNS[:-1], mark("Margin in %"))
QUALITY = (*QUALITY_COLUMNS, mark("Sales"), mark("Profit"))
HOP_COLUMNS = (
    mark("Day"), mark("Buyer"), mark("SKU"), mark("Goods"), mark("Currency"), mark("Lines"), mark("Cards"),
    mark("Earned"), mark("Given back"), mark("Refunded lines"), mark("Delivered"), mark("after 10 min"), mark("Failed"),
)  # fmt: skip
AUDIT_COLUMNS = (
    mark("Number"), mark("When"), mark("Who"), mark("Who exactly"), mark("Party"), mark("Did"), mark("To what"),
    mark("Which"), mark("Details"),
)  # fmt: skip
BATCH_COLUMNS = (
    mark("Batch"), mark("SKU"), mark("Owner"), mark("Supplier"), mark("Terms"), mark("State"), mark("File"),
    mark("Cards"), mark("Ends on"), mark("Came"), mark("Finished"),
)  # fmt: skip
STATEMENT_COLUMNS = (
    mark("Debtor"), mark("Currency"), mark("Day"), mark("Why"), mark("Transfers"), mark("Came in"), mark("Went out"),
)  # fmt: skip

SORTS: Mapping[ExportKind, Sort] = {
    ExportKind.ORDERS: Sort(
        mark("Orders"), mark("each line of each order, with state and money"), ORDER_COLUMNS, questions.ORDERS, _order
    ),
    ExportKind.SALES: Sort(
        mark("Sales by day"), mark("by goods, channel and source, with cost, profit and delivery times"), SALE_COLUMNS,
        questions.SALES, _sale,
    ),
    ExportKind.GOODS: Sort(
        mark("Best sellers"), mark("pieces, sales and profit of each of the goods"), SELLER_COLUMNS, questions.GOODS,
        _seller,
    ),
    ExportKind.PROFIT: Sort(
        mark("Profit"), mark("what became of the money, by source"), PROFIT_COLUMNS, questions.PROFIT, _composed
    ),
    ExportKind.CHANNELS: Sort(
        mark("Channels"), mark("how much was sold where, how fast and how surely it arrived"),
        (mark("Currency"), mark("Channel"), *QUALITY), questions.CHANNELS, _channel, profits=2,
    ),
    ExportKind.SUPPLIERS: Sort(
        mark("Suppliers"), mark("where goods came from, how fast and how surely they arrived"),
        (mark("Currency"), mark("Source"), mark("Supplier"), *QUALITY), questions.SUPPLIERS, _source, profits=2,
    ),
    ExportKind.HOPS: Sort(
        mark("Sold and earned"), mark("by day, goods and buyer"), HOP_COLUMNS, questions.HOPS, _hop
    ),
    ExportKind.STATEMENT: Sort(
        mark("Statement"), mark("what changed your claims, by day and reason"), STATEMENT_COLUMNS, "", _line
    ),
    ExportKind.AUDIT: Sort(mark("Audit"), mark("who did what, and when"), AUDIT_COLUMNS, questions.AUDIT, _entry),
    ExportKind.BATCHES: Sort(
        mark("Batches"), mark("files, terms and counts; no card"), BATCH_COLUMNS, questions.BATCHES, _batch
    ),
}  # fmt: skip
