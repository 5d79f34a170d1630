"""What a merchant sells, as a list."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from admin.goods.rows import PriceRow
from admin.panel import words
from admin.rows import ListingRow, PartyRow, ProductRow, SkuRow
from admin.scoped import SELLING, ScopedView
from admin.shown import pill
from bot.texts import mark
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, Role


class Listings(ScopedView):
    """What a merchant sells."""

    roles = PLATFORM_ROLES | {Role.OWNER, Role.CATALOG}
    kinds = SELLING
    own = "merchant"
    titled = mark("Goods on sale")
    empty = mark("Nothing is on sale yet. What shoppers can buy stands here, with its price and whether it is on sale.")
    next_steps = (("new_goods.form", mark("New goods")), ("offered.page", mark("From suppliers' offers")))
    shows_steps = True
    columns = (
        ("code", mark("Short code")),
        ("called", mark("Goods")),
        ("price", mark("Price")),
        ("sold", mark("State")),
        ("merchant_name", mark("Merchant")),
    )
    details_template = "goods/listing.html.jinja"

    def rows(self) -> Any:
        joined = ListingRow.select(ListingRow, PartyRow, SkuRow, ProductRow).join(PartyRow).switch(ListingRow)
        return joined.join(SkuRow).join(ProductRow).order_by(ListingRow.code, ListingRow.id)

    def called(self, row: ListingRow) -> str:
        return words().goods(row.sku.product.names, row.sku.names)

    def further(self, row: ListingRow) -> PriceRow:
        """Its limits, and whether it was put away; in the page's own read transaction."""
        found: PriceRow = PriceRow.get_by_id(row.id)
        return found

    def price(self, row: ListingRow) -> str:
        return words().money(Money(row.price_minor, row.currency))

    def sold(self, row: ListingRow) -> Markup:
        return (
            pill("selling") if row.on_sale else Markup('<span class="pill">{}</span>').format(words().say("off sale"))
        )

    def merchant_name(self, row: ListingRow) -> str:
        return words().name(row.merchant.names)
