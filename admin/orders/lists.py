"""Orders of a merchant, as a list: cut by state, by day, by what waits for somebody; each cut stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from markupsafe import Markup
from peewee import SQL

from admin.kept import Shelf, shelf
from admin.panel import request_time, words
from admin.rows import OrderRow, PartyRow
from admin.scoped import SELLING, ScopedView
from admin.shown import STATES, pill, when
from bot.texts import mark
from core.errors import NotFound
from core.ids import STRAY, Prefix, first_id, parse, public
from core.money import Money
from core.orders.rules import OrderState
from core.parties.rules import PLATFORM_ROLES, Role

WAITS = SQL("EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = t1.id AND l.gate IN ('review', 'task'))")
A_MINUTE = timedelta(minutes=1)
"""Whatever was paid longer ago than this and is not delivered wants somebody to look."""

FIRST_YEAR, LAST_YEAR = 2000, 2999


@dataclass(frozen=True, slots=True)
class Cut:
    """What of the orders is asked for; anything in the address that is no state or day cuts nothing."""

    state: OrderState | None
    first: date | None
    last: date | None
    needs: bool

    @property
    def is_any(self) -> bool:
        """Whether it cuts anything."""
        return bool(self.state or self.first or self.last or self.needs)

    @property
    def words(self) -> dict[str, str]:
        """As it stands in an address, what cuts nothing left out."""
        days = {"from": self.first, "to": self.last}
        found = {name: day.isoformat() for name, day in days.items() if day is not None}
        return found | ({"state": self.state.value} if self.state else {}) | ({"needs": "1"} if self.needs else {})


def cut_of(said: Mapping[str, str]) -> Cut:
    """What an address asks for."""
    state = said.get("state", "")
    return Cut(
        state=OrderState(state) if state in set(OrderState) else None,
        first=_day(said.get("from", "")),
        last=_day(said.get("to", "")),
        needs=said.get("needs") == "1",
    )


class Orders(ScopedView):
    """Orders of a merchant, the newest first."""

    roles = PLATFORM_ROLES | {Role.OWNER, Role.SUPPORT, Role.FINANCE}
    kinds = SELLING
    own = "merchant"
    titled = mark("Orders")
    empty = mark("Nobody has ordered yet. Open the shop and buy something yourself, to see how it goes.")
    next_steps = (("channels.index", mark("Channels and payment")), ("listings.index_view", mark("Goods on sale")))
    columns = (
        ("number", mark("Order")),
        ("state", mark("State")),
        ("total", mark("Total")),
        ("merchant_name", mark("Merchant")),
        ("placed", mark("Placed")),
    )
    is_searched = True
    list_template = "orders/list.html.jinja"

    def rows(self) -> Any:
        return OrderRow.select(OrderRow, PartyRow).join(PartyRow).order_by(OrderRow.id.desc())

    def get_list(self, page: Any, *asked: Any, **more: Any) -> Any:
        """A page; searched by the whole number of an order, and cut as the address says."""
        query, search = _cut(self.get_query(), self.cut()), asked[2]
        if search:
            try:
                query = query.where(OrderRow.id == parse(Prefix.ORDER, search.strip()))
            except NotFound:
                return None, []
        return None, list(query.limit(self.page_size).offset((page or 0) * self.page_size))

    @expose("/details/")
    def details_view(self) -> Any:
        """An order by its id: its page is at its number."""
        return redirect(url_for("order.order", number=self.number(self.get_one(request.args.get("id", "")))))

    def cut(self) -> Cut:
        """What this request asks for."""
        return cut_of(request.args.to_dict())

    def kept(self) -> Shelf:
        """The filters of orders that somebody keeps."""
        return shelf("orders", self.cut().words)

    def states(self) -> list[tuple[str, str]]:
        """Every state with its name, to choose from."""
        return [(one.value, words().say(STATES[one.value][0])) for one in OrderState]

    def number(self, row: OrderRow) -> str:
        return public(Prefix.ORDER, row.id)

    def state(self, row: OrderRow) -> Markup:
        return pill(row.state)

    def total(self, row: OrderRow) -> str:
        return words().money(Money(row.total_minor, row.currency))

    def merchant_name(self, row: OrderRow) -> str:
        return words().name(row.merchant.names)

    def placed(self, row: OrderRow) -> str:
        return when(row.placed_at)


def _cut(query: Any, cut: Cut) -> Any:
    if cut.state is not None:
        query = query.where(OrderRow.state == cut.state.value)
    if cut.first is not None:
        begin = _begin(cut.first)
        query = query.where(OrderRow.placed_at >= begin, OrderRow.id >= first_id(begin - STRAY))
    if cut.last is not None:
        end = _begin(cut.last + timedelta(days=1))
        query = query.where(OrderRow.placed_at < end, OrderRow.id < first_id(end + STRAY))
    if cut.needs:
        long_ago = OrderRow.paid_at < request_time() - A_MINUTE
        query = query.where((OrderRow.state == OrderState.PAID.value) & (long_ago | WAITS))
    return query


def _begin(day: date) -> datetime:
    """When a day begins as the store's clock on the wall has it."""
    return datetime.combine(day, time(), words().zone).astimezone(UTC)


def _day(said: str) -> date | None:
    if len(said) != len("2026-01-01") or not said.isascii():
        return None
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
