"""Keep the filter of a list under a name, and forget it: what an address asks for is cleaned by its list first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Blueprint, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_signed_in
from admin.drawing import draw
from admin.kept import LISTS, at
from admin.menu import opens
from admin.orders.lists import cut_of
from admin.orders.shoppers import blocked_cut
from admin.panel import request_time, signed_in
from admin.platform.trail import Asked
from admin.reports.kept import report_cut
from bot.texts import mark
from core.parties.kept_filters import KEYS, LONGEST_NAME, forget_filter, keep_filter

pages = Blueprint("filters", __name__, url_prefix="/filters")

CLEANED: Mapping[str, Callable[[Mapping[str, str]], dict[str, str]]] = {
    "orders": lambda given: cut_of(given).words,
    "shoppers": blocked_cut,
    "audit": lambda given: Asked.read(given).words,
}
"""What each list makes of an address; reports have one way for all of them."""


class KeepForm(ActForm):
    """What a filter is to be called."""

    name = StringField(validators=[InputRequired()])


@pages.route("/<listed>/keep", methods=["GET", "POST"], endpoint="keep")
def keep_page(listed: str) -> Response:
    """Give the filter in this address a name; then the list stands there, cut so."""
    if listed not in LISTS or not opens(LISTS[listed][0], signed_in()):
        raise NotFound()
    form, cut = KeepForm(), cleaned(listed, request.args)
    if not cut and not form.is_submitted():
        return redirect(at(listed, {}))
    if form.is_sent():
        with trying(form):
            keep_filter(actor=actor(), listed=listed, name=form.name.data or "", cut=cut, now=request_time())
        if not form.problem:
            return done(at(listed, cut), mark("It is kept: one press opens it."))
    return draw(
        "keep.html.jinja",
        status=form.status,
        form=form,
        called=LISTS[listed][1],
        back=at(listed, cut),
        longest=LONGEST_NAME,
    )


@pages.post("/<uuid:filter_id>/forget", endpoint="forget")
def forget_page(filter_id: UUID) -> Response:
    """Forget one of one's own filters; somebody else's is one that is not there."""
    listed = forget_filter(actor=actor(), filter_id=filter_id, now=request_time())
    return done(at(listed, {}), mark("The filter is forgotten."))


def cleaned(listed: str, given: Mapping[str, str]) -> dict[str, str]:
    """Of an address what this list filters by: no page, no junk, no key that is not its own."""
    found = CLEANED[listed](given) if listed in CLEANED else report_cut(listed, given)
    return {name: found[name] for name in sorted(found) if found[name] and name in KEYS[listed]}


for_signed_in(keep_page)
for_signed_in(forget_page)
