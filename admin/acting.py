"""Pages that change something: a form, one use case in the name of whoever is signed in, and what became of it.

A page first fetches what it is about through `reading` (a foreign row is one that is not there), then tries the use
case: its no is a sentence above the form, with an error id; its yes is a redirect with a notice, so that a reload
does nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import structlog
from flask import flash, redirect, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import AnyOf

from admin.panel import signed_in, words
from admin.refusals import sentence
from core.actor import Actor
from core.errors import Invalid, Refusal, error_id

log = structlog.get_logger()

FIELDS = {"listing": "code", "shop_contact": "contact", "password_same": "new"}
"""Fields that are called otherwise than what `Invalid` names."""


class ActForm(FlaskForm):
    """A form that changes something; `problem` is why it did not, `status` the answer's."""

    problem: str = ""
    error_id: str = ""
    status: int = 200

    def refuse(self, said: str, *, status: int = 422) -> None:
        """Say above the form why nothing was changed."""
        self.problem, self.status = said, status

    def point_at(self, part: str, said: str) -> None:
        """Say it at the field too that was refused, where it is one of this form's."""
        if (field := self._fields.get(FIELDS.get(part, part))) is not None:
            field.errors = [said]

    def is_sent(self) -> bool:
        """Whether it was sent and every field can be taken; where not, its answer says 422."""
        if not self.is_submitted():
            return False
        strangers = {name.partition("-")[0] for name in request.form} - set(self._fields) - {"csrf_token"}
        if strangers:  # nothing reads them; whoever adds one by hand tries something
            log.warning("a form came with fields that it does not have", fields=sorted(strangers)[:10])
        if self.validate():
            return True
        self.status = 422
        return False


class SwitchForm(ActForm):
    """A form that turns something on or off; it says which, so that sent twice, or by two people, it does that once."""

    to = HiddenField(validators=[AnyOf(("on", "off"))])

    def turns_on(self, *, is_on: bool) -> bool:
        """What the form that was sent wants; before that, the other of what is."""
        return self.to.data == "on" if self.is_submitted() else not is_on


def actor() -> Actor:
    """Who is signed in, as the one who acts for a party with the roles of this moment."""
    return signed_in().actor


@contextlib.contextmanager
def trying(form: ActForm) -> Iterator[None]:
    """A use case in a block: what it refuses becomes the form's `problem`; anything else is a mistake of ours."""
    try:
        yield
    except Refusal as refusal:
        form.error_id = error_id()
        log.info("an act was refused", error_id=form.error_id, reason=refusal.reason, about=refusal.params)
        said = sentence(refusal, words())
        form.refuse(said, status=refusal.http)
        if isinstance(refusal, Invalid):
            form.point_at(str(refusal.params.get("what")), said)


def done(address: str, said: str, /, **values: object) -> Response:
    """It is done: go on there, where `said` (a message id) stands once at the top."""
    flash(words().say(said, **values))
    return redirect(address)
