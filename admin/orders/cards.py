"""One card by its token: where it came from and went, as far as who asks may know; never its secret."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.asked import ask, ask_one
from admin.declared import for_roles
from admin.drawing import draw
from admin.orders import sayings
from admin.orders.facts import an_id
from admin.orders.moments import called
from admin.panel import signed_in
from admin.reading import reading
from core.ids import Prefix, public
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role

pages = Blueprint("cards", __name__, url_prefix="/cards")
READERS = PLATFORM_ROLES | {Role.OWNER, Role.SUPPORT, Role.CATALOG, Role.STOCK}
KINDS = frozenset({PartyKind.PLATFORM, PartyKind.MERCHANT, PartyKind.SUPPLIER})

ONE = "SELECT * FROM panel_card WHERE id = %(card)s"
DEEDS = """
SELECT at, action FROM audit_entry WHERE object_kind = 'line' AND object_id = %(line)s ORDER BY id LIMIT 100
"""


@pages.get("/<token>", endpoint="card")
@for_roles(*READERS, kinds=KINDS)
def card_page(token: str) -> Response:
    """Its shape, its batch, its order and its openings."""
    card_id = an_id(Prefix.CARD, token)
    with reading(signed_in()):
        card = ask_one(ONE, card=card_id)
        if card is None:
            raise NotFound()
        deeds = ask(DEEDS, line=str(card["line_id"])) if card["line_id"] else []
    return draw(
        "orders/card.html.jinja",
        card=card,
        token=token,
        order=public(Prefix.ORDER, card["order_id"]) if card["order_id"] else "",
        batch=public(Prefix.BATCH, card["batch_id"]),
        deeds=[one for one in deeds if one["action"] in sayings.DEEDS],
        called=called,
        said=sayings,
    )
