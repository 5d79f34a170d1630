"""A card by its secret, which a shopper or a colleague sent: whose it was, where it came from, to whom it was sold.

What is typed goes to the vault alone, sealed, and is drawn on no answer; the vault judges the code, counts questions
and says which cards this party may see. Another party's card is answered like one that never was.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, trying
from admin.arriving import NoVaultKey
from admin.asked import ask
from admin.declared import for_roles
from admin.drawing import draw
from admin.orders import sayings
from admin.orders.moments import called
from admin.panel import panel, signed_in, waiting_elsewhere, words
from admin.reading import reading
from admin.second_words import AWAY, status_of, why_not
from bot.texts import mark
from core.errors import Invalid
from core.ids import Prefix, public
from core.parties.rules import PartyKind, Role
from core.vault.client import VaultAway, VaultCode, VaultRefused
from core.vault.payout_requests import Person
from core.vault.trace_requests import sealed_question, typed_secret

pages = Blueprint("tracing", __name__, url_prefix="/cards")
ASKERS = (Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR, Role.OWNER, Role.SUPPORT, Role.STOCK)
KINDS = frozenset({PartyKind.PLATFORM, PartyKind.MERCHANT, PartyKind.SUPPLIER})

TOO_MANY = mark(
    "You or your colleagues have asked too often in this hour. Go on in the next one; nothing was looked for."
)
NOT_ONE = mark("This is no card's secret: it is empty or longer than 4096 bytes.")
NOT_NOW = mark("The vault looks nothing up just now. Nothing was changed; try again in a minute.")

FOUND = """
SELECT k.*, b.source_name, b.created_at AS imported_at, o.names AS owner, s.names AS supplier, m.names AS merchant,
       r.placed_at, r.shopper_id
FROM panel_card k JOIN batch b ON b.id = k.batch_id JOIN party o ON o.id = b.owner_id
LEFT JOIN party s ON s.id = b.supplier_id LEFT JOIN shop_order r ON r.id = k.order_id
LEFT JOIN party m ON m.id = r.merchant_id
WHERE k.id = ANY (%(cards)s) ORDER BY k.batch_no, k.id
"""
FOUND_OF_ONE = """
SELECT k.*, r.placed_at, r.shopper_id FROM panel_card k LEFT JOIN shop_order r ON r.id = k.order_id
WHERE k.id = ANY (%(cards)s) ORDER BY k.batch_no, k.id
"""
HOPS = "SELECT * FROM panel_card_hop WHERE line_id = ANY (%(lines)s::uuid[]) ORDER BY line_id, position"


class QuestionForm(ActForm):
    """A secret, which no answer repeats, and a code."""

    secret = PasswordField(validators=[InputRequired()])
    code = StringField(validators=[InputRequired()])


@dataclass(frozen=True, slots=True)
class Copy:
    """One card that has the secret, as far as who asks may know it."""

    row: dict[str, Any]
    hops: list[dict[str, Any]]

    @property
    def token(self) -> str:
        """Its public name."""
        return public(Prefix.CARD, self.row["id"])

    @property
    def order(self) -> str:
        """The number of the order that has it; empty where there is none to be seen."""
        return public(Prefix.ORDER, self.row["order_id"]) if self.row["order_id"] else ""

    @property
    def shopper(self) -> str:
        """Who has it, as that party's people name them."""
        return public(Prefix.SHOPPER, self.row["shopper_id"]) if self.row["shopper_id"] else ""

    @property
    def batch(self) -> str:
        """The number of its batch."""
        return public(Prefix.BATCH, self.row["batch_id"])


@pages.route("/by-secret", methods=["GET", "POST"], endpoint="by_secret")
@for_roles(*ASKERS, kinds=KINDS)
def by_secret() -> Response:
    """Ask the vault for cards that have a secret; what it finds stands on this one answer."""
    form, copies = QuestionForm(), None
    if form.is_sent():
        found = _asked(form)
        copies = None if form.problem else _copies(found)
    form.code.data = ""
    return draw(
        "orders/by_secret.html.jinja",
        status=form.status,
        form=form,
        copies=copies,
        has_second=signed_in().has_second,
        called=called,
        said=sayings,
        price=lambda hop: f"{Decimal(hop['price_micro']).scaleb(-6).normalize():f} {hop['currency']}",
    )


def _asked(form: QuestionForm) -> list[UUID]:
    """The vault's answer; its no stands above the form."""
    session = signed_in()
    person = Person(session.staff_id, session.party.id, form.code.data or "")
    with trying(form):
        public_key = panel().vault_public()
        if public_key is None:
            raise NoVaultKey()
        try:
            secret = typed_secret((form.secret.data or "").encode())
        except (Invalid, UnicodeEncodeError):
            form.refuse(words().say(NOT_ONE))
            return []
        sealed = sealed_question(person, secret, vault_public=public_key)
        try:
            with waiting_elsewhere():
                return panel().vault.trace_by_code(person, sealed)
        except (VaultAway, VaultRefused) as no:
            said, status = _no(no)
            form.refuse(words().say(said), status=status)
    return []


def _no(no: VaultAway | VaultRefused) -> tuple[str, int]:
    if isinstance(no, VaultAway):
        return AWAY, 503
    if no.vault_code is VaultCode.OVER_BUDGET:
        return TOO_MANY, 429
    if no.vault_code in {VaultCode.SECOND_REFUSED, VaultCode.TOO_OFTEN}:
        return why_not(no), status_of(no)
    return NOT_NOW, 503


def _sees_all() -> bool:
    return signed_in().party.kind is PartyKind.PLATFORM


def _copies(found: list[UUID]) -> list[Copy]:
    with reading(signed_in()):
        rows = ask(FOUND if _sees_all() else FOUND_OF_ONE, cards=found)
        lines = [row["line_id"] for row in rows if row["line_id"]]
        hops = ask(HOPS, lines=lines) if _sees_all() else []
    return [Copy(row, [hop for hop in hops if hop["line_id"] == row["line_id"]]) for row in rows]
