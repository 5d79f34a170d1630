"""Cards that two parties brought: the platform sees that there are some, whose, since when, and decides."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in
from admin.platform.rows import party_names
from admin.reading import panel_db, reading
from admin.shown import when
from bot.texts import mark
from core.ids import Prefix, public
from core.parties.rules import PLATFORM_ROLES, Role
from core.stock.contested import Contest, GivenTo, open_contests
from core.stock.contested_wishes import LONGEST_REASON, wish_decision

pages = Blueprint("contested", __name__, url_prefix="/contested")
DECIDED_SHOWN = 20
DECISIONS = """
SELECT w.batch_id, w.given_to, w.reason, w.asked_at, w.state, w.decided, w.held, w.sold, s.name
FROM contested_wish w JOIN staff s ON s.id = w.staff_id ORDER BY w.asked_at DESC LIMIT %s
"""


class DecisionForm(ActForm):
    """Whose the cards are, and why."""

    given_to = RadioField(choices=[one.value for one in GivenTo], validators=[InputRequired()])
    reason = StringField(validators=[InputRequired(), Length(max=LONGEST_REASON)])


@pages.get("/", endpoint="list")
@for_roles(*PLATFORM_ROLES)
def list_page() -> Response:
    """What waits for a decision, and the last decisions."""
    with reading(signed_in()):
        decided = panel_db.execute_sql(DECISIONS, (DECIDED_SHOWN,)).fetchall()
    contests = open_contests()
    return draw(
        "stock/contests.html.jinja",
        contests=contests,
        called=_owners(contests),
        decided=decided,
        number=number,
        when=when,
    )


@pages.route("/<uuid:batch_id>", methods=["GET", "POST"], endpoint="decide")
@for_roles(Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR)
def decide(batch_id: UUID) -> Response:
    """Whose the contested cards of one batch (the later copies) are: what each answer means, then the button."""
    contests, form = _of(batch_id), DecisionForm()
    if form.is_sent():
        with trying(form):
            wish_decision(
                actor=actor(),
                batch_id=batch_id,
                given_to=GivenTo(form.given_to.data),
                reason=form.reason.data or "",
                seal_key=panel().seal_key,
                now=request_time(),
            )
        if not form.problem:
            said = mark("Decided: the vault carries it out now. What became of it stands below.")
            return done(url_for("contested.list"), said)
    return draw(
        "stock/decide.html.jinja",
        status=form.status,
        form=form,
        contests=contests,
        called=_owners(contests),
        batch_id=batch_id,
        number=number,
        when=when,
    )


def number(batch_id: UUID) -> str:
    """A batch as people name it."""
    return public(Prefix.BATCH, batch_id)


def _owners(contests: list[Contest]) -> Callable[[str], str]:
    return party_names(code for one in contests for code in (one.later_owner, one.earlier_owner))


def _of(batch_id: UUID) -> list[Contest]:
    found = [one for one in open_contests() if one.later == batch_id]
    if not found:
        raise NotFound()
    return found
