"""One listing: its price, its limits, whether it is on sale, and putting it away."""

from __future__ import annotations

from flask import Blueprint, url_for
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, SwitchForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.goods.fields import whole
from admin.goods.rows import PriceRow
from admin.panel import request_time, signed_in, words
from admin.reading import reading
from admin.rows import ListingRow, PartyRow, ProductRow, SkuRow
from admin.scoped import SELLING
from bot.texts import mark
from core.catalog.changes import set_on_sale, set_price
from core.catalog.editing import archive_listing, change_listing
from core.money import Money, from_decimal
from core.parties.rules import Role

pages = Blueprint("selling", __name__, url_prefix="/goods")
SELLERS = (Role.OWNER, Role.CATALOG, Role.PLATFORM_OWNER)


class PriceForm(ActForm):
    """What one costs, in units of the listing's currency."""

    price = StringField(validators=[InputRequired()])


class LimitsForm(ActForm):
    """How many one order may have, and its place among others."""

    most = StringField(validators=[InputRequired()])
    position = StringField(validators=[InputRequired()])


@pages.route("/<int:number>/price", methods=["GET", "POST"], endpoint="price")
@for_roles(*SELLERS, kinds=SELLING)
def price_page(number: int) -> Response:
    """Another price, from the next order on."""
    listing, form = a_listing(number), PriceForm()
    if form.is_sent():
        with trying(form):
            price = from_decimal((form.price.data or "").strip(), str(listing.currency))
            set_price(actor=actor(), listing_id=number, price=price, now=request_time())
        if not form.problem:
            said = words().money(price)
            return done(
                url_for("listings.index_view"), mark("{code} costs {price} now."), code=listing.code, price=said
            )
    return draw("goods/price.html.jinja", status=form.status, form=form, listing=listing, money=money_of(listing))


@pages.post("/<int:number>/switch", endpoint="switch")
@for_roles(*SELLERS, kinds=SELLING)
def switch(number: int) -> Response:
    """On sale, or off: shoppers see the change in their next message."""
    listing, form = a_listing(number), SwitchForm()
    if not form.is_sent():
        raise BadRequest()
    on_sale = form.turns_on(is_on=listing.on_sale)
    with trying(form):
        set_on_sale(actor=actor(), listing_id=number, on_sale=on_sale, now=request_time())
    said = mark("{code} is on sale now.") if on_sale else mark("{code} is off sale now.")
    return done(url_for("listings.index_view"), form.problem or said, code=listing.code)


@pages.route("/<int:number>/limits", methods=["GET", "POST"], endpoint="limits")
@for_roles(*SELLERS, kinds=SELLING)
def limits(number: int) -> Response:
    """How many one order may have, and where it stands."""
    listing, form = a_listing(number), LimitsForm()
    if not form.is_submitted():
        row = limits_of(number)
        form.most.data, form.position.data = str(row.maximum_quantity), str(row.position)
    if form.is_sent():
        with trying(form):
            change_listing(
                actor=actor(),
                listing_id=number,
                maximum_quantity=whole(form.most.data, what="quantity"),
                position=whole(form.position.data, what="position"),
                now=request_time(),
            )
        if not form.problem:
            return done(
                url_for("listings.details_view", id=number), mark("{code} has its new limits."), code=listing.code
            )
    return draw("goods/limits.html.jinja", status=form.status, form=form, listing=listing)


@pages.route("/<int:number>/archive", methods=["GET", "POST"], endpoint="archive")
@for_roles(*SELLERS, kinds=SELLING)
def archive(number: int) -> Response:
    """Put a listing away, or bring it back off sale; the page says what that means."""
    listing, form = a_listing(number), SwitchForm()
    is_away = form.turns_on(is_on=limits_of(number).archived_at is None)
    if form.is_sent():
        with trying(form):
            archive_listing(actor=actor(), listing_id=number, archived=not is_away, now=request_time())
        if not form.problem:
            said = mark("{code} is back, off sale.") if is_away else mark("{code} is put away.")
            return done(url_for("listings.details_view", id=number), said, code=listing.code)
    return draw("goods/archive_listing.html.jinja", status=form.status, form=form, listing=listing, is_away=is_away)


def limits_of(number: int) -> PriceRow:
    """The listing's limits; it was found before."""
    with reading(signed_in()):
        found: PriceRow = PriceRow.get_by_id(number)
    return found


def a_listing(number: int) -> ListingRow:
    """A listing of the party that somebody acts for, with its names. Raises NotFound, also for a foreign one."""
    joined = ListingRow.select(ListingRow, PartyRow, SkuRow, ProductRow).join(PartyRow).switch(ListingRow)
    query = joined.join(SkuRow).join(ProductRow).where(ListingRow.id == number)
    with reading(signed_in()):
        found: ListingRow | None = query.first()
    if found is None:
        raise NotFound()
    return found


def money_of(listing: ListingRow) -> Money:
    """The price that stands."""
    return Money(listing.price_minor, listing.currency)
