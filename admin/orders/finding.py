"""The search box of every page: whole numbers and codes, each found by an index; what is one thing is gone to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from admin.asked import ask
from admin.declared import for_signed_in
from admin.drawing import draw
from admin.menu import opens
from admin.panel import signed_in, words
from admin.reading import reading
from admin.shown import gateway
from bot.texts import mark
from core.errors import NotFound
from core.ids import Prefix, parse, public
from core.parties.rules import PLATFORM_ROLES

pages = Blueprint("search", __name__)
LONGEST = 100

ORDER = "SELECT id FROM shop_order WHERE id = %(id)s"
SHOPPER = "SELECT id FROM panel_shopper WHERE id = %(id)s"
CARD = "SELECT id FROM panel_card WHERE id = %(id)s"
BATCH = "SELECT id FROM batch WHERE id = %(id)s"
PAYMENT = "SELECT order_id AS id FROM panel_payment WHERE id = %(id)s AND order_id IS NOT NULL"
REFUND = "SELECT order_id AS id FROM panel_refund WHERE id = %(id)s AND order_id IS NOT NULL"
BATCH_NO = "SELECT id, no FROM batch WHERE no = %(no)s"
LISTINGS = """
SELECT l.id, l.code, p.names FROM listing l JOIN party p ON p.id = l.merchant_id
WHERE l.code = ANY (%(codes)s) AND (%(all)s OR l.merchant_id = %(party)s) ORDER BY l.id LIMIT 20
"""
PARTIES = "SELECT id, code, names FROM party WHERE code = %(code)s"
TRANSACTIONS = """
SELECT e.order_id AS id, e.gateway FROM gateway_account g
JOIN panel_payment_event e ON e.gateway_account_id = g.id AND e.external_id = %(said)s
WHERE e.order_id IS NOT NULL LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that fits: what it is (a message id), how it is called, where it is."""

    kind: str
    called: str
    address: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What a public number's prefix leads to: a page, the statement that finds it for this party, the address."""

    prefix: Prefix
    endpoint: str
    called: str
    statement: str
    address: Callable[[UUID], str]


def _order(order_id: UUID) -> str:
    return url_for("order.order", number=public(Prefix.ORDER, order_id))


KINDS = (
    Kind(Prefix.ORDER, "order.order", mark("Order"), ORDER, _order),
    Kind(Prefix.PAYMENT, "order.order", mark("Order"), PAYMENT, _order),
    Kind(Prefix.REFUND, "order.order", mark("Order"), REFUND, _order),
    Kind(Prefix.SHOPPER, "shoppers.shopper", mark("Shopper"), SHOPPER,
         lambda one: url_for("shoppers.shopper", number=public(Prefix.SHOPPER, one))),
    Kind(Prefix.CARD, "cards.card", mark("Card"), CARD,
         lambda one: url_for("cards.card", token=public(Prefix.CARD, one))),
    Kind(Prefix.BATCH, "batches.details_view", mark("Batch"), BATCH,
         lambda one: url_for("batches.details_view", id=one)),
)  # fmt: skip


@pages.get("/search", endpoint="search")
def search() -> Response:
    """What fits the words of the box; gone to at once where it is one thing."""
    said = request.args.get("q", "").replace("\0", "").strip()[:LONGEST]
    found = _found(said) if said else []
    if len(found) == 1:
        return redirect(found[0].address)
    return draw("orders/search.html.jinja", asked=said, found=found)


for_signed_in(search)


def _found(said: str) -> list[Found]:
    """Everything that this person may open and that is called so."""
    with reading(signed_in()):
        return list(_numbered(said) if "_" in said else _coded(said))


def _numbered(said: str) -> Iterator[Found]:
    head = said.lower().partition("_")[0]
    for kind in KINDS:
        if kind.prefix.value != head or not opens(kind.endpoint, signed_in()):
            continue
        try:
            number = parse(kind.prefix, said.lower())
        except NotFound:
            return
        for row in ask(kind.statement, id=number):
            yield Found(kind.called, said.lower(), kind.address(row["id"]))
    yield from _transactions(said)


def _coded(said: str) -> Iterator[Found]:
    session = signed_in()
    is_all = bool(session.roles & PLATFORM_ROLES)
    if opens("batches.details_view", session) and said.isascii() and said.isdecimal() and len(said) < 10:
        for row in ask(BATCH_NO, no=int(said)):
            yield Found(mark("Batch"), f"№ {row['no']}", url_for("batches.details_view", id=row["id"]))
    if opens("listings.details_view", session):
        for row in ask(LISTINGS, codes=[said, said.upper(), said.lower()], all=is_all, party=session.party.id):
            yield _named(mark("Goods on sale"), row, url_for("listings.details_view", id=row["id"]))
    if opens("party.show", session):
        for row in ask(PARTIES, code=said.lower()):
            yield _named(mark("Party"), row, url_for("party.show", number=row["id"]))
    yield from _transactions(said)


def _transactions(said: str) -> Iterator[Found]:
    """A gateway's own number of a payment, as shoppers copy it out of their app."""
    if opens("order.order", signed_in()):
        for row in ask(TRANSACTIONS, said=said):
            yield Found(mark("Order"), f"{gateway(row['gateway'])} {said}", _order(row["id"]))


def _named(kind: str, row: dict[str, Any], address: str) -> Found:
    return Found(kind, f"{row['code']} · {words().name(row['names'])}", address)
