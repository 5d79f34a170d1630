"""What a supplier sold along its own hop: what it earned, by day, by goods and by buyer (INV-T3, INV-T4)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in, words
from admin.reading import reading
from admin.reports import questions
from admin.reports.asked import Asked, asked
from admin.reports.drawn import Cell, Line, Sheet, Tile, count_cell, money_cell, percent, tile
from admin.reports.ranges import Range
from bot.texts import mark
from core.parties.rules import PartyKind, Role

pages = Blueprint("earned", __name__, url_prefix="/earned")
SEE_EARNED = (Role.OWNER, Role.STOCK, Role.FINANCE)
SUPPLIERS = frozenset({PartyKind.SUPPLIER})
DAY_COLUMNS = (mark("Lines"), mark("Cards"), mark("Earned"), mark("Given back"))
COLUMNS = (*DAY_COLUMNS, mark("Delivered"), mark("after 10 min"), mark("Failed"))


@pages.get("/", endpoint="earned")
@for_roles(*SEE_EARNED, kinds=SUPPLIERS)
def earned() -> Response:
    """What was sold and earned, beside the days before; no price of a shop, no shopper, nobody beyond the own buyer."""
    with reading(signed_in()):
        one = asked(table="report_hop", party="seller_id")
        now, before = _days(one, one.range), _days(one, one.range.before)
        goods, buyers = one.rows(questions.HOP_GOODS), one.rows(questions.HOP_BUYERS)
    sheets = [_by_day(one, now, before), _by_goods(one, goods), _by_buyer(one, buyers)]
    tiles = _tiles(one, now, before) if one.currency else []
    return draw(
        "reports/report.html.jinja", one=one, tiles=tiles, sheets=sheets, titled=mark("Sold and earned"),
        exported=("exports.asked", "hops"),
    )  # fmt: skip


def _days(one: Asked, days: Range) -> list[tuple[Any, ...]]:
    found = {row[0]: row for row in one.rows(questions.HOP_DAYS, days)}
    return [found.get(day, (day, 0, 0, 0, 0)) for day in days.each()]


def _tiles(one: Asked, now: list[tuple[Any, ...]], before: list[tuple[Any, ...]]) -> list[Tile]:
    new, old = ([sum(row[at] for row in rows) for at in range(1, 5)] for rows in (now, before))
    return [
        tile(DAY_COLUMNS[2], new[2], old[2], (one.money(new[2]), one.money(old[2]))),
        tile(DAY_COLUMNS[1], new[1], old[1], (f"{new[1]:,}", f"{old[1]:,}")),
        tile(DAY_COLUMNS[3], new[3], old[3], (one.money(new[3]), one.money(old[3])), more_is_good=False),
    ]


def _by_day(one: Asked, now: list[tuple[Any, ...]], before: list[tuple[Any, ...]]) -> Sheet:
    lines = []
    for at, (day, count, cards, got, back) in enumerate(now if one.currency else []):
        then = before[at][3] if at < len(before) else 0
        money = [money_cell(minor, one.currency, one.money(minor)) for minor in (got, back, then)]
        lines.append(Line(words().day(day), (count_cell(count), count_cell(cards), *money), "", day.isoformat()))
    columns = (*DAY_COLUMNS, mark("Earned in the days before"))
    return Sheet("days", mark("By day"), mark("Day"), columns, lines, "bar", (2, 4))


def _by_goods(one: Asked, rows: list[tuple[Any, ...]]) -> Sheet:
    lines = []
    for _, *figures, code, product, sku in rows:
        called = words().goods(product or {}, sku or {}) or str(code)
        lines.append(Line(called, _cells(one, figures), "", str(code or "")))
    return Sheet("goods", mark("By goods"), mark("Goods"), COLUMNS, lines, "rank", (2,))


def _by_buyer(one: Asked, rows: list[tuple[Any, ...]]) -> Sheet:
    lines = [Line(words().name(names or {}) or f"#{buyer}", _cells(one, figures)) for buyer, *figures, names in rows]
    return Sheet("buyers", mark("By buyer"), mark("Buyer"), COLUMNS, lines)


def _cells(one: Asked, figures: Any) -> tuple[Cell, ...]:
    lines, cards, got, back, delivered, late, failed = figures
    return (
        count_cell(lines),
        count_cell(cards),
        *(money_cell(minor, one.currency, one.money(minor)) for minor in (got, back)),
        Cell(f"{delivered:,} · {percent(delivered, lines)}"),
        Cell(f"{late:,} · {percent(late, delivered)}"),
        Cell(f"{failed:,} · {percent(failed, lines)}"),
    )
