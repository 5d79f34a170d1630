"""Orders of a merchant, as a list."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from admin.panel import words
from admin.rows import OrderRow, PartyRow
from admin.scoped import SELLING, ScopedView
from admin.shown import pill, when
from bot.texts import mark
from core.errors import NotFound
from core.ids import Prefix, parse, public
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, Role


class Orders(ScopedView):
    """Orders of a merchant, the newest first."""

    roles = PLATFORM_ROLES | {Role.OWNER, Role.SUPPORT, Role.FINANCE}
    kinds = SELLING
    own = "merchant"
    titled = mark("Orders")
    empty = mark("Nobody has ordered yet. Open the shop and buy something yourself, to see how it goes.")
    columns = (
        ("number", mark("Order")),
        ("state", mark("State")),
        ("total", mark("Total")),
        ("merchant_name", mark("Merchant")),
        ("placed", mark("Placed")),
    )
    is_searched = True

    def rows(self) -> Any:
        return OrderRow.select(OrderRow, PartyRow).join(PartyRow).order_by(OrderRow.id.desc())

    def get_list(self, page: Any, *asked: Any, **more: Any) -> Any:
        """A page; searched by the whole number of an order."""
        query, search = self.get_query(), asked[2]
        if search:
            try:
                query = query.where(OrderRow.id == parse(Prefix.ORDER, search.strip()))
            except NotFound:
                return None, []
        return None, list(query.limit(self.page_size).offset((page or 0) * self.page_size))

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
