"""How fast and how surely goods were delivered: by channel, and by where they came from."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in, words
from admin.reading import reading
from admin.reports import questions, sales
from admin.reports.asked import Asked, asked
from admin.reports.drawn import Cell, Line, Sheet, count_cell, money_cell, percent, share_cell
from admin.reports.sales import SEE_QUALITY, TERMS, sees_profit
from admin.scoped import SELLING
from bot.texts import mark

pages = sales.pages

CHANNELS = {"web": mark("Web chat"), "telegram": "Telegram", "wechat": mark("WeChat")}
COLUMNS = (
    mark("Lines"),
    mark("Delivered"),
    mark("within 10 s"),
    mark("within 1 min"),
    mark("within 10 min"),
    mark("within 1 h"),
    mark("Failed"),
    mark("Refunded"),
    mark("Waiting"),
)
NOTE = mark("Times are from paid to delivered, in parts of what was delivered.")


@pages.get("/channels", endpoint="channels")
@for_roles(*SEE_QUALITY, kinds=SELLING)
def channels() -> Response:
    """Each channel: what was sold there, how fast it arrived, what failed or went back."""
    with reading(signed_in()):
        one = asked(table="report_sale")
        rows = one.rows(questions.CHANNELS)
    lines = [_line(one, _channel(row[0]), row[1:], one.link("reports.goods", channel=row[0])) for row in rows]
    sheet = Sheet("channels", mark("By channel"), mark("Channel"), _columns(), lines, "group", (2, 3, 4, 5), NOTE)
    return _drawn(one, sheet, mark("Channels"), "channels")


@pages.get("/suppliers", endpoint="suppliers")
@for_roles(*SEE_QUALITY, kinds=SELLING)
def suppliers() -> Response:
    """Each source of goods: own ones, bought out of and consigned by whom; how fast it arrived, what failed."""
    with reading(signed_in()):
        one = asked(table="report_sale")
        rows = one.rows(questions.SOURCES)
    lines = [
        _line(one, _source(terms, names), figures, one.link("reports.goods", terms=terms, supplier=supplier or ""))
        for terms, supplier, *figures, names in rows
    ]
    sheet = Sheet("sources", mark("By source"), mark("Source"), _columns(), lines, "group", (2, 3, 4, 5), NOTE)
    return _drawn(one, sheet, mark("Suppliers"), "suppliers")


def _drawn(one: Asked, sheet: Sheet, titled: str, exported: str) -> Response:
    return draw(
        "reports/report.html.jinja",
        one=one,
        tiles=[],
        sheets=[sheet],
        titled=titled,
        exported=("exports.report", exported),
    )


def _columns() -> tuple[str, ...]:
    return (*COLUMNS, mark("Sales"), mark("Profit")) if sees_profit() else COLUMNS


def _channel(name: str) -> str:
    called = CHANNELS.get(name, name)
    return words().say(called) if name in CHANNELS else called


def _source(terms: str, names: dict[str, str] | None) -> str:
    called = words().say(TERMS[terms])
    return words().beside(words().name(names), called) if names else called


def _line(one: Asked, called: str, figures: Any, url: str) -> Line:
    lines, delivered, *within, failed, refunded, revenue, earned = figures
    cells = [
        count_cell(lines),
        Cell(f"{delivered:,} · {percent(delivered, lines)}"),
        *(share_cell(part, delivered) for part in within),
        Cell(f"{failed:,} · {percent(failed, lines)}"),
        Cell(f"{refunded:,} · {percent(refunded, lines)}"),
        count_cell(lines - delivered - failed),
    ]
    if sees_profit():
        cells += [money_cell(minor, one.currency, one.money(minor)) for minor in (revenue, earned)]
    return Line(called, cells, url if sees_profit() else "")
