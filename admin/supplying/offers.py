"""A supplier's offers: to whom it sells which SKU at what price a card, and from whom it buys; its own hops only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in, words
from admin.reading import panel_db, reading
from admin.supplying.shown import decimal, price
from bot.texts import mark
from core.parties.rules import PartyKind, Role
from core.parties.service import platform_id
from core.supply.offering import end_offer, offer_to, price_of, reprice_offer

pages = Blueprint("offers", __name__, url_prefix="/offers")
WHO = (Role.OWNER, Role.STOCK)
KINDS = frozenset({PartyKind.SUPPLIER})

SELECT = """
SELECT o.id, k.code, p.names, k.names, b.code, b.names, o.price_micro, o.currency, o.valid_from
FROM offer o JOIN sku k ON k.id = o.sku_id JOIN product p ON p.id = k.product_id JOIN party b ON b.id = {other}
WHERE {own} = %(party)s AND o.valid_to IS NULL
"""
SOLD = SELECT.format(other="o.buyer_id", own="o.seller_id") + " ORDER BY k.code, b.code LIMIT 500"
BOUGHT = SELECT.format(other="o.seller_id", own="o.buyer_id") + " ORDER BY k.code, b.code LIMIT 500"
ONE = SELECT.format(other="o.buyer_id", own="o.seller_id") + " AND o.id = %(offer)s"
GOODS = """
SELECT k.code, p.names, k.names FROM sku k JOIN product p ON p.id = k.product_id
WHERE p.owner_id IN (%(party)s, %(platform)s)
   OR k.id IN (SELECT o.sku_id FROM offer o WHERE o.buyer_id = %(party)s AND o.valid_to IS NULL)
ORDER BY k.code LIMIT 300
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """One hop: a SKU, the other party of it, the price a card."""

    id: int
    sku: str
    product_names: dict[str, str]
    sku_names: dict[str, str]
    other: str
    other_names: dict[str, str]
    price_micro: int
    currency: str
    since: datetime

    @property
    def price(self) -> str:
        return price(self.price_micro, self.currency)


class OfferForm(ActForm):
    """A new offer."""

    sku = StringField(validators=[InputRequired()])
    buyer = StringField(validators=[InputRequired()])
    price = StringField(validators=[InputRequired()])


class PriceForm(ActForm):
    """Another price."""

    price = StringField(validators=[InputRequired()])


class EndForm(ActForm):
    """A button that ends an offer."""


@pages.get("/", endpoint="list")
@for_roles(*WHO, kinds=KINDS)
def list_page() -> Response:
    """What one sells to whom, and what one buys from whom."""
    with reading(signed_in()):
        sold, bought = _offers(SOLD), _offers(BOUGHT)
    return draw("supplying/offers.html.jinja", sold=sold, bought=bought)


@pages.route("/new", methods=["GET", "POST"], endpoint="new")
@for_roles(*WHO, kinds=KINDS)
def new_page() -> Response:
    """Offer a SKU to a party whose code one knows."""
    form = OfferForm()
    if request.method == "GET":
        form.sku.data = request.args.get("sku", "")[:40]
        form.buyer.data = request.args.get("buyer", "")[:40]
    if form.is_sent():
        sku, buyer = (form.sku.data or "").strip(), (form.buyer.data or "").strip().lower()
        with trying(form):
            micro = price_of(form.price.data or "")
            offer_to(
                actor=actor(),
                seller_id=signed_in().party.id,
                buyer_code=buyer,
                sku_code=sku,
                price_micro=micro,
                currency=panel().connecting.currency,
                now=request_time(),
            )
        if not form.problem:
            said = price(micro, panel().connecting.currency)
            told = {"sku": sku, "buyer": buyer, "price": said}
            return done(url_for("offers.list"), mark("{sku} is offered to {buyer} at {price} a card."), **told)
    named = {"goods": _goods(), "currency": panel().connecting.currency}
    return draw("supplying/offer_new.html.jinja", status=form.status, form=form, **named)


@pages.route("/<int:number>/price", methods=["GET", "POST"], endpoint="price")
@for_roles(*WHO, kinds=KINDS)
def price_page(number: int) -> Response:
    """Another price from the next order on."""
    offer, form = _offer(number), PriceForm()
    if request.method == "GET":
        form.price.data = decimal(offer.price_micro)
    if form.is_sent():
        with trying(form):
            micro = price_of(form.price.data or "")
            reprice_offer(
                actor=actor(), seller_id=signed_in().party.id, offer_id=number, price_micro=micro, now=request_time()
            )
        if not form.problem:
            said = price(micro, offer.currency)
            told = {"sku": offer.sku, "buyer": offer.other, "price": said}
            return done(url_for("offers.list"), mark("{sku} costs {buyer} {price} a card from now on."), **told)
    return draw("supplying/offer_price.html.jinja", status=form.status, form=form, offer=offer)


@pages.route("/<int:number>/end", methods=["GET", "POST"], endpoint="end")
@for_roles(*WHO, kinds=KINDS)
def end_page(number: int) -> Response:
    """End an offer; the page says what that does."""
    offer, form = _offer(number), EndForm()
    if form.is_sent():
        with trying(form):
            end_offer(actor=actor(), seller_id=signed_in().party.id, offer_id=number, now=request_time())
        if not form.problem:
            told = {"sku": offer.sku, "buyer": offer.other}
            return done(url_for("offers.list"), mark("{sku} is not offered to {buyer} any more."), **told)
    return draw("supplying/offer_end.html.jinja", status=form.status, form=form, offer=offer)


def _offers(statement: str, **named: Any) -> list[Offer]:
    asked = {"party": signed_in().party.id, **named}
    return [Offer(*row) for row in panel_db.execute_sql(statement, asked).fetchall()]


def _offer(number: int) -> Offer:
    """An offer of one's own that stands. Raises `NotFound`, also for a foreign one."""
    if number >= 1 << 63:
        raise NotFound()
    with reading(signed_in()):
        found = _offers(ONE, offer=number)
    if not found:
        raise NotFound()
    return found[0]


def _goods() -> list[tuple[str, str]]:
    """SKUs that one may offer: shared ones, one's own, and what one buys."""
    asked = {"party": signed_in().party.id, "platform": platform_id()}
    with reading(signed_in()):
        rows = panel_db.execute_sql(GOODS, asked).fetchall()
    said = words()
    return [(code, said.beside(said.name(product), said.name(sku))) for code, product, sku in rows]
