"""Reports of sales: by day, best sellers, and what is left of the money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in, words
from admin.reading import reading
from admin.reports import questions
from admin.reports.asked import Asked, asked, number
from admin.reports.drawn import Cell, Line, Sheet, Tile, count_cell, money_cell, percent, tile
from admin.reports.ranges import Range
from admin.scoped import SELLING
from bot.texts import mark
from core.parties.rules import PLATFORM_ROLES, Role

pages = Blueprint("reports", __name__, url_prefix="/reports")
SEE_MONEY = (Role.OWNER, Role.FINANCE, *sorted(PLATFORM_ROLES))
SEE_GOODS = (*SEE_MONEY, Role.CATALOG)
SEE_QUALITY = (*SEE_GOODS, Role.SUPPORT)

TERMS = {
    "own": mark("Own cards and services"),
    "owned": mark("Bought out"),
    "consigned": mark("Consigned"),
    "mixed": mark("From several sources"),
}
TOGETHER = mark("Together")
COMPOSED_COLUMNS = (
    mark("Sales"),
    mark("Refunded"),
    mark("Sellers' part"),
    mark("Cost of own cards"),
    mark("Fees"),
    mark("Profit"),
    mark("Margin"),
)
MONEY_COLUMNS = (mark("Orders"), mark("Pieces"), mark("Sales"), mark("Refunded"), mark("Profit"))


@pages.get("/", endpoint="sales")
@for_roles(*SEE_QUALITY, kinds=SELLING)
def sales() -> Response:
    """Sales by day, beside those of the days before."""
    with reading(signed_in()):
        one = asked()
        now, before = _days(one, one.range), _days(one, one.range.before)
        sheets = [_by_day(one, now, before)]
        if one.merchants:
            sheets.append(_by_merchant(one))
    return draw(
        "reports/report.html.jinja", one=one, tiles=_tiles(one, now, before), sheets=sheets, titled=mark("Sales"),
        exported=("exports.asked", "sales"),
    )  # fmt: skip


@pages.get("/goods", endpoint="goods")
@for_roles(*SEE_GOODS, kinds=SELLING)
def goods() -> Response:
    """Best sellers, by money, pieces or profit; of one channel or one source where asked for."""
    by = request.args.get("by", "")
    by = by if by in questions.GOODS_BY else "revenue"
    with reading(signed_in()):
        one = narrowed(asked(), by=by)
        rows = one.rows(questions.GOODS_BY[by])
    lines = [_goods_line(one, row) for row in rows]
    columns = (mark("Pieces"), mark("Sales"), mark("Refunded"), mark("Profit"), mark("Margin"))
    drawn = {"quantity": 0, "revenue": 1, "profit": 3}[by]
    sheet = Sheet("goods", mark("Best sellers"), mark("Goods"), columns, lines, "rank", (drawn,))
    choices = [(mark("By sales"), "revenue"), (mark("By pieces"), "quantity"), (mark("By profit"), "profit")]
    return draw(
        "reports/report.html.jinja", one=one, tiles=[], sheets=[sheet], titled=mark("Best sellers"),
        exported=("exports.report", "goods"),
        choices=[(called, one.link("reports.goods", by=name), name == by) for called, name in choices],
    )  # fmt: skip


@pages.get("/profit", endpoint="profit")
@for_roles(*SEE_MONEY, kinds=SELLING)
def profit() -> Response:
    """What became of what shoppers paid: own goods, bought-out and consigned ones apart."""
    with reading(signed_in()):
        one = asked(table="report_sale")
        rows, before = one.rows(questions.COMPOSED), one.rows(questions.COMPOSED, one.range.before)
    lines = [_composed(one, words().say(TERMS[row[0]]), row[1:], terms=row[0]) for row in rows]
    if len(rows) > 1:
        lines.append(_composed(one, words().say(TOGETHER), [sum(row[at] for row in rows) for at in range(1, 8)]))
    sheet = Sheet("composed", mark("What is left"), mark("Source"), COMPOSED_COLUMNS, lines, "stack", (2, 3, 4, 5))
    tiles = _composed_tiles(one, _sums(rows), _sums(before)) if one.currency else []
    return draw(
        "reports/report.html.jinja", one=one, tiles=tiles, sheets=[sheet], titled=mark("Profit"),
        exported=("exports.report", "profit"),
    )  # fmt: skip


def _composed_tiles(one: Asked, totals: list[int], then: list[int]) -> list[Tile]:
    called = (mark("Sales"), mark("Refunded"), mark("Cost of goods"), mark("Fees"), mark("Profit"))
    good = (True, False, None, None, True)
    return [
        tile(name, totals[at], then[at], (one.money(totals[at]), one.money(then[at])), more_is_good=good[at])
        for at, name in enumerate(called)
    ]


def sees_profit() -> bool:
    """Whether somebody is told what is left of a sale; who answers shoppers is not."""
    return told_profit(signed_in().roles)


def told_profit(roles: frozenset[str]) -> bool:
    """The same of somebody with these roles."""
    return bool(roles & set(SEE_GOODS))


def narrowed(one: Asked, **more: str) -> Asked:
    """The same question, of one channel, one kind of source or one seller only, as the address says."""
    channel, terms = (request.args.get(name, "")[:20].replace("\0", "") for name in ("channel", "terms"))
    supplier = number(request.args.get("supplier", ""))
    filters = {**one.filters, **more, "channel": channel, "terms": terms if terms in TERMS else ""}
    filters |= {"supplier": "" if supplier is None else str(supplier)}
    params = {**one.params, "channel": channel, "terms": filters["terms"], "supplier": supplier}
    return replace(one, params=params, filters=filters)


def _days(one: Asked, days: Range) -> list[tuple[Any, ...]]:
    """Figures of each day, zeros where nothing was sold."""
    found = {row[0]: row for row in one.rows(questions.DAYS, days)}
    return [found.get(day, (day, 0, 0, 0, 0, 0)) for day in days.each()]


def _tiles(one: Asked, now: list[tuple[Any, ...]], before: list[tuple[Any, ...]]) -> list[Tile]:
    if not one.currency:
        return []
    new, old = ([sum(row[at] for row in rows) for at in range(1, 6)] for rows in (now, before))
    said = [(f"{new[at]:,}", f"{old[at]:,}") for at in (0, 1)] + [
        (one.money(new[at]), one.money(old[at])) for at in (2, 3, 4)
    ]
    good = (True, True, True, False, True)
    order = (2, 0, 1, 4, 3) if sees_profit() else (2, 0, 1, 3)
    return [tile(MONEY_COLUMNS[at], new[at], old[at], said[at], more_is_good=good[at]) for at in order]


def _by_day(one: Asked, now: list[tuple[Any, ...]], before: list[tuple[Any, ...]]) -> Sheet:
    then = {at: row[3] for at, row in enumerate(before)}
    lines = (
        [
            Line(
                words().day(row[0]),
                (*_money_cells(one, row[1:]), money_cell(then.get(at, 0), one.currency, one.money(then.get(at, 0)))),
                one.link("reports.orders", range="custom", since=row[0].isoformat(), until=row[0].isoformat()),
                row[0].isoformat(),
            )
            for at, row in enumerate(now)
        ]
        if one.currency
        else []
    )
    columns = (*_columns(), mark("Sales in the days before"))
    return Sheet("days", mark("By day"), mark("Day"), columns, lines, "bar", (2, len(columns) - 1))


def _by_merchant(one: Asked) -> Sheet:
    lines = [
        Line(words().name(names or {}), _money_cells(one, figures), one.link("reports.sales", merchant=party))
        for party, names, *figures in one.rows(questions.PARTIES)
    ]
    return Sheet("merchants", mark("By merchant"), mark("Merchant"), _columns(), lines)


def _money_cells(one: Asked, figures: Any) -> tuple[Cell, ...]:
    orders, pieces, *money = figures
    return (
        count_cell(orders),
        count_cell(pieces),
        *(money_cell(minor, one.currency, one.money(minor)) for minor in money[: len(_columns()) - 2]),
    )


def _columns() -> tuple[str, ...]:
    return MONEY_COLUMNS if sees_profit() else MONEY_COLUMNS[:-1]


def _goods_line(one: Asked, row: tuple[Any, ...]) -> Line:
    listing, code, product, sku, quantity, revenue, refunded, earned, _ = row
    called = words().goods(product or {}, sku or {}) or str(code or listing)
    cells = (
        count_cell(quantity),
        *(money_cell(minor, one.currency, one.money(minor)) for minor in (revenue, refunded, earned)),
        Cell(percent(earned, revenue - refunded)),
    )
    return Line(called, cells, one.link("reports.orders", listing=listing), str(code or ""))


def _composed(one: Asked, called: str, figures: Any, *, terms: str = "") -> Line:
    revenue, refunded, hops, own, fees, earned, _ = figures
    cells = [
        money_cell(minor, one.currency, one.money(minor)) for minor in (revenue, refunded, hops, own, fees, earned)
    ]
    url = one.link("reports.goods", terms=terms) if terms else ""
    return Line(called, (*cells, Cell(percent(earned, revenue - refunded))), url)


def _sums(rows: list[tuple[Any, ...]]) -> list[int]:
    """Sales, refunds, cost of goods, fees, profit of all sources."""
    sums = [sum(row[at] for row in rows) for at in range(1, 7)]
    return [sums[0], sums[1], sums[2] + sums[3], sums[4], sums[5]]
