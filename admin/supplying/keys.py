"""Keys of a party's other systems: made once, shown once, ended at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField, TextAreaField, widgets
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, signed_in, words
from admin.reading import panel_db, reading
from bot.texts import mark
from core.errors import Invalid
from core.parties.api_keys import LONGEST_LIFE, SCOPES_OF, Scope, make_key, revoke_key
from core.parties.rules import PartyKind, Role

pages = Blueprint("api_keys", __name__, url_prefix="/api-keys")
KINDS = frozenset({PartyKind.SUPPLIER, PartyKind.MERCHANT})

SCOPES = {
    Scope.STOCK_READ: mark("read the stock by SKU"),
    Scope.BATCHES_READ: mark("read the batches"),
    Scope.SALES_READ: mark("read the sales by day and SKU"),
}
LIST = """
SELECT id, called, ending, scopes, networks::text[], made_at, expires_at, used_on, revoked_at FROM api_key
WHERE party_id = %(party)s ORDER BY revoked_at IS NOT NULL, made_at DESC LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One key as it is listed: how it ends is all that is known of its secret."""

    id: UUID
    called: str
    ending: str
    scopes: list[str]
    networks: list[str]
    made_at: datetime
    expires_at: datetime
    used_on: date | None
    revoked_at: datetime | None

    @property
    def may(self) -> str:
        """Its scopes in words."""
        return words().beside(*(words().say(SCOPES[Scope(one)]) for one in self.scopes))


class KeyForm(ActForm):
    """A new key."""

    called = StringField(validators=[InputRequired()])
    scopes = SelectMultipleField(widget=widgets.ListWidget(prefix_label=False), option_widget=widgets.CheckboxInput())
    days = StringField(default="90", validators=[InputRequired()])
    networks = TextAreaField()


class RevokeForm(ActForm):
    """A button that ends a key."""


@pages.get("/", endpoint="list")
@for_roles(Role.OWNER, kinds=KINDS)
def list_page() -> Response:
    """The party's keys, those that count first."""
    return draw("supplying/keys.html.jinja", keys=_keys(), longest=LONGEST_LIFE)


@pages.route("/new", methods=["GET", "POST"], endpoint="new")
@for_roles(Role.OWNER, kinds=KINDS, steps_up=True)
def new_page() -> Response:
    """Make a key; its secret stands on the answer, this one time."""
    form, party = KeyForm(), signed_in().party
    form.scopes.choices = [(one.value, words().say(SCOPES[one])) for one in sorted(SCOPES_OF[party.kind])]
    if form.is_sent():
        with trying(form):
            new = make_key(
                actor=actor(),
                party_id=party.id,
                called=form.called.data or "",
                scopes=frozenset(form.scopes.data or ()),
                networks=(form.networks.data or "").split()[:50],
                days=_days(form.days.data or ""),
                now=request_time(),
            )
        if not form.problem:
            return draw("supplying/key_made.html.jinja", called=form.called.data, whole=new.whole.reveal().decode())
    return draw("supplying/key_new.html.jinja", status=form.status, form=form, longest=LONGEST_LIFE)


@pages.route("/<uuid:key_id>/revoke", methods=["GET", "POST"], endpoint="revoke")
@for_roles(Role.OWNER, kinds=KINDS, steps_up=True)
def revoke_page(key_id: UUID) -> Response:
    """End a key at once."""
    key = next((one for one in _keys() if one.id == key_id and one.revoked_at is None), None)
    if key is None:
        raise NotFound()
    form = RevokeForm()
    if form.is_sent():
        with trying(form):
            revoke_key(actor=actor(), party_id=signed_in().party.id, key_id=key_id, now=request_time())
        if not form.problem:
            return done(url_for("api_keys.list"), mark("The key “{called}” opens nothing any more."), called=key.called)
    return draw("supplying/key_revoke.html.jinja", status=form.status, form=form, key=key)


def _keys() -> list[Key]:
    with reading(signed_in()):
        rows = panel_db.execute_sql(LIST, {"party": signed_in().party.id}).fetchall()
    return [Key(*row) for row in rows]


def _days(said: str) -> int:
    said = said.strip()
    if not (said.isascii() and said.isdecimal() and len(said) < 4):
        raise Invalid(what="days")
    return int(said)
