"""Offers as a seller's own people make them: to a party whose code they know, of goods that are theirs to sell."""

from __future__ import annotations

from datetime import datetime

from core.actor import Actor
from core.catalog.service import access_sku, find_sku
from core.db import execute
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.money import micro_from_decimal
from core.parties.rules import CODE, PartyKind, Role
from core.parties.service import access_party, require_change
from core.supply.service import make_offer, withdraw_offer

BUYER = "SELECT id FROM party WHERE code = %s AND status = 'active' AND kind IN ('merchant', 'supplier')"
BUYS = "SELECT 1 FROM offer WHERE buyer_id = %s AND sku_id = %s AND valid_to IS NULL"
MINE = "SELECT buyer_id, sku_id FROM offer WHERE id = %s AND seller_id = %s AND valid_to IS NULL"
OFFERED = """
SELECT price_micro, currency FROM offer WHERE seller_id = %s AND buyer_id = %s AND sku_id = %s AND valid_to IS NULL
"""


class NoSuchBuyer(NotFound):
    """No merchant or supplier that is let in has this code."""


class NotYoursToOffer(Conflict):
    """The SKU is neither shared, nor one's own, nor offered to the seller by anybody."""


class SuppliersOffer(NotAllowed):
    """Only suppliers sell to other parties; a merchant sells to shoppers."""


def offer_to(
    *, actor: Actor, seller_id: int, buyer_code: str, sku_code: str, price_micro: int, currency: str, now: datetime
) -> int:
    """Offer a SKU to a party by its code, at `price_micro` (10⁻⁶ of the major unit) a card. Returns the offer's id.

    It replaces what stands between the two. Raises `NotFound`, `NotAllowed`, `SuppliersOffer`, `NoSuchBuyer`,
    `NotYoursToOffer`, `Invalid`, `OfferMakesCircle`.
    """
    require_change(actor, seller_id, Role.STOCK, what="party")
    if access_party(actor=actor, party_id=seller_id).kind is not PartyKind.SUPPLIER:
        raise SuppliersOffer()
    rows = execute(BUYER, (buyer_code,)) if CODE.fullmatch(buyer_code) else []
    if not rows:
        raise NoSuchBuyer("buyer")
    buyer_id, sku_id = int(rows[0][0]), _sku_of(actor, seller_id, sku_code)
    return make_offer(
        actor=actor,
        seller_id=seller_id,
        buyer_id=buyer_id,
        sku_id=sku_id,
        price_micro=price_micro,
        currency=currency,
        now=now,
    )


def reprice_offer(*, actor: Actor, seller_id: int, offer_id: int, price_micro: int, now: datetime) -> int:
    """Another price from the next order on; returns the id of the offer that stands then, the same for the same price.

    Raises `NotFound` for a foreign, unknown or ended one, `NotAllowed`, `Invalid`.
    """
    buyer_id, sku_id = _mine(actor, seller_id, offer_id)
    ((standing, currency),) = execute(OFFERED, (seller_id, buyer_id, sku_id))
    if standing == price_micro:
        return offer_id
    return make_offer(
        actor=actor,
        seller_id=seller_id,
        buyer_id=buyer_id,
        sku_id=sku_id,
        price_micro=price_micro,
        currency=currency,
        now=now,
    )


def end_offer(*, actor: Actor, seller_id: int, offer_id: int, now: datetime) -> None:
    """End an offer of one's own. Raises `NotFound` for a foreign, unknown or ended one, `NotAllowed`."""
    buyer_id, sku_id = _mine(actor, seller_id, offer_id)
    if not withdraw_offer(actor=actor, seller_id=seller_id, buyer_id=buyer_id, sku_id=sku_id, now=now):
        raise NotFound("offer")


def _mine(actor: Actor, seller_id: int, offer_id: int) -> tuple[int, int]:
    require_change(actor, seller_id, Role.STOCK, what="offer")
    rows = execute(MINE, (offer_id, seller_id))
    if not rows:
        raise NotFound("offer")
    return int(rows[0][0]), int(rows[0][1])


def _sku_of(actor: Actor, seller_id: int, code: str) -> int:
    """The SKU of this code as far as the seller may sell it. Raises `Invalid`, `NotYoursToOffer`."""
    try:
        sku_id = find_sku(code=code)
    except NotFound:
        raise NotYoursToOffer() from None  # missing and foreign are not told apart
    try:
        access_sku(actor=actor, sku_id=sku_id)
    except NotFound:
        if not execute(BUYS, (seller_id, sku_id)):
            raise NotYoursToOffer() from None
    return sku_id


def price_of(text: str) -> int:
    """A price a card as people type it, in 10⁻⁶ of the major unit. Raises `Invalid(what="price")`."""
    try:
        return micro_from_decimal(text.strip())
    except Invalid:
        raise Invalid(what="price") from None
