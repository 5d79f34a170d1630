"""One brought file: what the vault saw in it, the yes that has it imported, its progress, its report; or no."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from uuid import UUID

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.imports import reasons
from admin.imports.bringing import BRINGERS, BRINGING, pages
from admin.imports.rows import BroughtFile, a_file, refused_rows
from admin.imports.standing import STAGES
from admin.panel import panel, request_time, signed_in, words
from bot.texts import mark
from core.conversations.brought_files import bring_file, confirm_file, leave_file
from core.parties.rules import PartyKind

__all__ = ["pages"]  # with the routes of this module

ROWS_SHOWN = 20
ROWS_REPORTED = 200_000


class ConfirmForm(ActForm):
    """What the cards have cost, where that is for the bringer to say."""

    unit_cost = StringField(validators=[Length(max=40)])


class ColumnForm(ActForm):
    """Which column holds the secrets: its name, or its number from 1."""

    submission = HiddenField(validators=[InputRequired(), Length(max=64)])
    column = StringField(validators=[InputRequired(), Length(max=200)])


class LeaveForm(ActForm):
    """A button."""


@pages.route("/<uuid:file_id>/", methods=["GET", "POST"], endpoint="file")
@for_roles(*BRINGERS, kinds=BRINGING)
def file_page(file_id: UUID) -> AnyResponse:
    """How it stands; while it waits for a yes, with the form that says it."""
    file, form = a_file(file_id), ConfirmForm()
    if form.is_sent():
        with trying(form):
            confirm_file(
                actor=actor(),
                file_id=file_id,
                unit_cost=(form.unit_cost.data or "").strip(),
                seal_key=panel().seal_key,
                now=request_time(),
            )
        if not form.problem:
            return redirect(url_for("imports.file", file_id=file_id))
    return _drawn("imports/file.html.jinja", file, form=form, column=ColumnForm(), status=form.status)


@pages.get("/<uuid:file_id>/standing", endpoint="standing")
@for_roles(*BRINGERS, kinds=BRINGING)
def standing(file_id: UUID) -> AnyResponse:
    """The part of the page that moves; once nothing moves any more the whole page is asked for again."""
    file = a_file(file_id)
    answer = _drawn("imports/standing.html.jinja", file)
    if not file.moves:
        answer.headers["HX-Refresh"] = "true"
    return answer


@pages.post("/<uuid:file_id>/column", endpoint="column")
@for_roles(*BRINGERS, kinds=BRINGING)
def another_column(file_id: UUID) -> AnyResponse:
    """The same sealed file looked at once more, with its secrets in the column that a person names."""
    file, form = a_file(file_id), ColumnForm()
    if form.is_sent():
        with trying(form):
            again = bring_file(
                actor=actor(),
                sku_id=file.sku_id,
                upload_id=file.upload_id,
                column=(form.column.data or "").strip(),
                submission_id=form.submission.data or "",
                seal_key=panel().seal_key,
                now=request_time(),
            )
        if not form.problem:
            return redirect(url_for("imports.file", file_id=again))
    return _drawn("imports/file.html.jinja", file, form=ConfirmForm(), column=form, status=form.status)


@pages.route("/<uuid:file_id>/leave", methods=["GET", "POST"], endpoint="leave")
@for_roles(*BRINGERS, kinds=BRINGING)
def leave_page(file_id: UUID) -> AnyResponse:
    """Nobody wants it any more: what that means, then the button."""
    file, form = a_file(file_id), LeaveForm()
    if form.is_sent():
        is_taken_back = False
        with trying(form):
            is_taken_back = leave_file(actor=actor(), file_id=file_id, now=request_time())
        if not form.problem:
            if is_taken_back:
                return redirect(url_for("imports.file", file_id=file_id))
            return done(
                url_for("imports.list"), mark("{name} is left: nothing of it is imported."), name=file.file_name
            )
    return _drawn("imports/leave.html.jinja", file, form=form, status=form.status)


@pages.get("/<uuid:file_id>/report.csv", endpoint="report")
@for_roles(*BRINGERS, kinds=BRINGING)
def report(file_id: UUID) -> AnyResponse:
    """The refused rows as a file: place, reason, shape; no secret, no formula."""
    file = a_file(file_id)
    rows = refused_rows(file, ROWS_REPORTED)
    said = words()
    head = [said.say(mark("Row")), said.say(mark("Reason")), said.say(mark("Shape"))]
    lines = ([reasons.place(at, said), reasons.row_reason(why, said), shape] for at, why, shape in rows)
    answer = Response(_csv([head, *lines]), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="refused-{str(file_id)[-8:]}.csv"'
    return answer


def _drawn(template: str, file: BroughtFile, *, status: int = 200, **values: object) -> Response:
    return draw(
        template,
        status=status,
        file=file,
        stage=STAGES[file.stage],
        rows=refused_rows(file, ROWS_SHOWN) if file.stage in ("looked", "done") else [],
        reasons=reasons,
        drawing=lambda shape: shape.partition(" (")[0],
        is_merchant=signed_in().party.kind is PartyKind.MERCHANT,
        **values,
    )


def _csv(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """With a byte order mark, so that Excel reads it as UTF-8; a cell that could be a formula gets a sign before it."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in row])
        yield line.getvalue()
