"""The orders behind a figure: those that were paid in some days, of one merchant or one listing where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in, words
from admin.reading import reading
from admin.reports import sales
from admin.reports.asked import Asked, ask, asked, number
from admin.reports.ranges import begin_of
from admin.reports.sales import SEE_QUALITY
from admin.scoped import LAST_PAGE, SELLING
from admin.shown import pill, when
from core.ids import Prefix, first_id, public
from core.money import Money

pages = sales.pages

PAGE = 25
PAID_LATE = timedelta(days=8)
"""An order may be paid so long after it was placed; orders lie in the order of their placing."""

ORDERS = """
SELECT o.id, o.state, o.currency, o.total_minor, o.refunded_minor, o.paid_at, p.names
FROM shop_order o JOIN party p ON p.id = o.merchant_id
WHERE o.id >= %(from_id)s AND o.id < %(to_id)s AND o.paid_at >= %(begin)s AND o.paid_at < %(end)s
  AND (%(all)s OR o.merchant_id = %(party)s) AND (%(merchant)s::bigint IS NULL OR o.merchant_id = %(merchant)s)
  AND (%(currency)s = '' OR o.currency = %(currency)s)
  AND (%(listing)s::bigint IS NULL OR EXISTS (
      SELECT 1 FROM order_line l WHERE l.order_id = o.id AND l.listing_id = %(listing)s))
ORDER BY o.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
LISTING = "SELECT code FROM listing WHERE id = %(listing)s"


@dataclass(frozen=True, slots=True)
class Found:
    """One order as the list shows it."""

    number: str
    url: str
    state: Markup
    total: str
    refunded: str
    merchant: str
    paid: str


@pages.get("/orders", endpoint="orders")
@for_roles(*SEE_QUALITY, kinds=SELLING)
def orders() -> Response:
    """Orders that were paid in the days of a report, the youngest first."""
    page = min(number(request.args.get("page", "")) or 0, LAST_PAGE)
    listing = number(request.args.get("listing", ""))
    with reading(signed_in()):
        one = asked()
        code = ask(LISTING, {"listing": listing}) if listing is not None else []
        found = _found(one, listing, page)
    extra = {"listing": listing} if listing is not None else {}
    return draw(
        "reports/orders.html.jinja", one=one, found=found, listing=code[0][0] if code else "", page=page,
        newer=one.link("reports.orders", page=page - 1, **extra) if page else "",
        older=one.link("reports.orders", page=page + 1, **extra) if len(found) == PAGE else "",
    )  # fmt: skip


def _found(one: Asked, listing: int | None, page: int) -> Sequence[Found]:
    zone = words().zone
    begin = begin_of(one.range.first, zone)
    end = begin_of(one.range.last + timedelta(days=1), zone)
    between = {"from_id": first_id(begin - PAID_LATE), "to_id": first_id(end), "begin": begin, "end": end}
    cut = {"listing": listing, "limit": PAGE, "offset": page * PAGE, "currency": one.currency}
    return [_shown(*row) for row in ask(ORDERS, {**one.params, **between, **cut})]


def _shown(order: Any, state: str, currency: str, total: int, refunded: int, paid: Any, names: Any) -> Found:
    said = words()
    return Found(
        public(Prefix.ORDER, order),
        url_for("orders.details_view", id=order),
        pill(state),
        said.money(Money(total, currency)),
        said.money(Money(refunded, currency)) if refunded else "",
        said.name(names),
        when(paid),
    )
