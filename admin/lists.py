"""The lists of the panel: orders, goods on sale, batches, parties, audit."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup

from admin.panel import request_time, words
from admin.rows import AuditRow, BatchRow, ListingRow, OrderRow, PartyRow, ProductRow, SkuRow
from admin.scoped import ScopedView
from bot.texts import mark
from core.errors import NotFound
from core.ids import Prefix, parse, public
from core.money import Money
from core.parties.rules import PartyKind, Role

PLATFORM = frozenset({Role.PLATFORM_OWNER, Role.PLATFORM_SUPPORT})
SELLING = frozenset({PartyKind.MERCHANT, PartyKind.PLATFORM})

STATES = {
    "awaiting_payment": (mark("awaiting payment"), "warn"),
    "paid": (mark("paid"), "ok"),
    "closed": (mark("closed"), "ok"),
    "expired": (mark("expired"), ""),
    "cancelled": (mark("cancelled"), ""),
    "returned": (mark("refunded"), ""),
    "selling": (mark("selling"), "ok"),
    "off_sale": (mark("off sale"), ""),
    "importing": (mark("importing"), "warn"),
    "locked": (mark("locked"), "bad"),
    "recalled": (mark("recalled"), "bad"),
    "abandoned": (mark("abandoned"), ""),
    "active": (mark("active"), "ok"),
    "applied": (mark("applied"), "warn"),
    "suspended": (mark("suspended"), "bad"),
    "left": (mark("left"), ""),
}
TERMS = {"own": mark("own"), "owned": mark("bought out"), "consigned": mark("consigned")}


def pill(state: str) -> Markup:
    """A state as people read it, coloured by what it asks of them."""
    called, colour = STATES.get(state, (state, ""))
    return Markup('<span class="pill {}">{}</span>').format(colour, words().say(called))


def when(at: Any) -> str:
    """A time in the store's zone; empty for none."""
    return words().short_time(at, now=request_time()) if at is not None else ""


class Orders(ScopedView):
    """Orders of a merchant, the newest first."""

    roles = PLATFORM | {Role.OWNER, Role.ORDERS, Role.FINANCE}
    kinds = SELLING
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

    def get_query(self) -> Any:
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


class Listings(ScopedView):
    """What a merchant sells."""

    roles = PLATFORM | {Role.OWNER, Role.CATALOG}
    kinds = SELLING
    titled = mark("Goods on sale")
    empty = mark("Nothing is on sale yet.")
    columns = (
        ("code", mark("Code")),
        ("called", mark("Goods")),
        ("price", mark("Price")),
        ("sold", mark("State")),
        ("merchant_name", mark("Merchant")),
    )

    def get_query(self) -> Any:
        joined = ListingRow.select(ListingRow, PartyRow, SkuRow, ProductRow).join(PartyRow).switch(ListingRow)
        return joined.join(SkuRow).join(ProductRow).order_by(ListingRow.code, ListingRow.id)

    def called(self, row: ListingRow) -> str:
        return words().beside(words().name(row.sku.product.names), words().name(row.sku.names))

    def price(self, row: ListingRow) -> str:
        return words().money(Money(row.price_minor, row.currency))

    def sold(self, row: ListingRow) -> Markup:
        return (
            pill("selling") if row.on_sale else Markup('<span class="pill">{}</span>').format(words().say("off sale"))
        )

    def merchant_name(self, row: ListingRow) -> str:
        return words().name(row.merchant.names)


class Batches(ScopedView):
    """Cards that came together, the newest first."""

    roles = PLATFORM | {Role.OWNER, Role.STOCK}
    titled = mark("Batches")
    empty = mark("No cards yet.")
    columns = (
        ("number", mark("Batch")),
        ("sku_code", mark("SKU")),
        ("state", mark("State")),
        ("card_count", mark("Cards")),
        ("how", mark("Terms")),
        ("source_name", mark("File")),
        ("came", mark("Came")),
    )

    def get_query(self) -> Any:
        joined = BatchRow.select(BatchRow, PartyRow, SkuRow).join(PartyRow).switch(BatchRow)
        return joined.join(SkuRow).order_by(BatchRow.no.desc())

    def number(self, row: BatchRow) -> str:
        return public(Prefix.BATCH, row.id)

    def sku_code(self, row: BatchRow) -> str:
        return str(row.sku.code)

    def state(self, row: BatchRow) -> Markup:
        return pill(row.state)

    def how(self, row: BatchRow) -> str:
        return words().say(TERMS[row.terms])

    def came(self, row: BatchRow) -> str:
        return when(row.created_at)


class Parties(ScopedView):
    """Who takes part in this installation."""

    roles = PLATFORM
    titled = mark("Parties")
    empty = mark("Nobody takes part yet.")
    columns = (
        ("code", mark("Code")),
        ("called", mark("Name")),
        ("what", mark("Kind")),
        ("status", mark("State")),
        ("since", mark("Since")),
    )
    KINDS: ClassVar = {
        "platform": mark("platform"),
        "merchant": mark("merchant"),
        "supplier": mark("supplier"),
        "promoter": mark("promoter"),
    }

    def get_query(self) -> Any:
        return PartyRow.select().order_by(PartyRow.kind, PartyRow.code)

    def called(self, row: PartyRow) -> str:
        return words().name(row.names)

    def what(self, row: PartyRow) -> str:
        return words().say(self.KINDS[row.kind])

    def status(self, row: PartyRow) -> Markup:
        return pill(row.status)

    def since(self, row: PartyRow) -> str:
        return when(row.created_at)


class Audit(ScopedView):
    """Who did what, the newest first."""

    roles = PLATFORM | {Role.OWNER}
    titled = mark("Audit")
    empty = mark("Nothing has been done yet.")
    columns = (
        ("done", mark("When")),
        ("actor", mark("Who")),
        ("action", mark("Did")),
        ("what", mark("To what")),
    )
    read = frozenset({"index_view"})
    ACTORS: ClassVar = {
        "shopper": mark("a shopper"),
        "staff": mark("staff"),
        "api_key": mark("another system"),
        "system": mark("the store"),
        "operator": mark("the command line"),
    }

    def get_query(self) -> Any:
        return AuditRow.select().order_by(AuditRow.id.desc())

    def done(self, row: AuditRow) -> str:
        return when(row.at)

    def actor(self, row: AuditRow) -> str:
        return words().say(self.ACTORS.get(row.actor_kind, row.actor_kind))

    def what(self, row: AuditRow) -> str:
        return f"{row.object_kind} {row.object_id}"


def all_lists() -> list[ScopedView]:
    """Every list with its place in the panel."""
    return [
        Orders(OrderRow, endpoint="orders", url="/orders"),
        Listings(ListingRow, endpoint="listings", url="/goods"),
        Batches(BatchRow, endpoint="batches", url="/batches"),
        Parties(PartyRow, endpoint="parties", url="/parties"),
        Audit(AuditRow, endpoint="audit", url="/audit"),
    ]
