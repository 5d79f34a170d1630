"""The page that asks what to export, and the file that answers it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from datetime import date

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse
from wtforms import RadioField, StringField
from wtforms.validators import AnyOf, InputRequired, Optional, Regexp

from admin.acting import ActForm, actor, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.exports.kinds import SORTS, Sort
from admin.exports.making import Export, leaving, slots
from admin.exports.workbook import MOST_ROWS, TooLong
from admin.panel import panel, request_time, signed_in, words
from admin.reading import panel_db, reading
from admin.reports.asked import number, today
from admin.reports.quality import CHANNELS
from admin.reports.questions import GOODS_BY
from admin.reports.ranges import Range, chosen
from admin.reports.sales import SEE_QUALITY, TERMS
from admin.scoped import SELLING
from bot.texts import mark
from core.errors import error_id
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role
from core.reports.exporting import LONGEST_DAYS, MAY, ExportForm, ExportKind, begin_export

pages = Blueprint("exports", __name__, url_prefix="/exports")
log = structlog.get_logger()

OF_REPORTS = frozenset({ExportKind.GOODS, ExportKind.PROFIT, ExportKind.CHANNELS, ExportKind.SUPPLIERS})
OF_SELLERS = frozenset({ExportKind.ORDERS, ExportKind.SALES}) | OF_REPORTS
FILTERS = frozenset({"currency", "merchant", "channel", "terms", "supplier", "by"})
KINDS: Mapping[str, Mapping[str, str]] = {"channel": CHANNELS, "terms": TERMS}
NAMED = "SELECT names FROM party WHERE id = %(party)s"
TYPES = {
    ExportForm.CSV: "text/csv; charset=utf-8",
    ExportForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WRONG_DAYS = mark("Give both days, the first before the last, at most 366 days. Nothing was exported.")
WRONG_CHOICE = mark("Choose what to export, and as which file. Nothing was exported.")
TOO_LONG = mark("These are more than {count} rows, which a workbook does not take: choose CSV, or fewer days.")
BUSY = mark("Other exports are under way. Nothing was exported: try again in a minute.")
NO_ROOM = mark("The store may not write workbooks on this machine. Nothing was exported: choose CSV.")
DISK_FULL = mark("The disk of the store is full. Nothing was exported: tell who runs it.")
"""Fault 14: selling goes on meanwhile, and nothing of the file stays behind."""


class AskedForm(ActForm):
    """What, of which days, as which file."""

    what = RadioField(validators=[InputRequired()])
    since = StringField(validators=[InputRequired()])
    until = StringField(validators=[InputRequired()])
    form = StringField(validators=[AnyOf([form.value for form in ExportForm])])
    currency = StringField(validators=[Optional(), Regexp(r"[A-Z]{3,5}\Z")])
    merchant = StringField(validators=[Optional(), Regexp(r"[0-9]{1,18}\Z")])
    supplier = StringField(validators=[Optional(), Regexp(r"[0-9]{1,18}\Z")])
    channel = StringField(validators=[Optional(), AnyOf(list(CHANNELS))])
    terms = StringField(validators=[Optional(), AnyOf(list(TERMS))])
    by = StringField(validators=[Optional(), AnyOf(list(GOODS_BY))])

    def only(self) -> dict[str, str]:
        """The filters of the report from which somebody comes; they count for reports alone."""
        given = {name: (self[name].data or "").strip() for name in FILTERS} if self.is_submitted() else request.args
        mine = FILTERS if signed_in().roles & PLATFORM_ROLES else FILTERS - {"merchant"}
        return {name: given[name] for name in sorted(mine) if given.get(name)}


@pages.route("/", methods=["GET", "POST"], endpoint="asked")
@for_roles(*sorted(frozenset[Role]().union(*(roles for kind, roles in MAY.items() if kind not in OF_REPORTS))))
def asked() -> AnyResponse:
    """What leaves as a file, of which days; who asked for it, and how many rows left, stands in the audit."""
    return _asked({kind: sort for kind, sort in own_sorts().items() if kind not in OF_REPORTS})


@pages.route("/report", methods=["GET", "POST"], endpoint="report")
@for_roles(*SEE_QUALITY, kinds=SELLING)
def report() -> AnyResponse:
    """The same of a report, as its page shows it: with its filters, and the profit for those who are told it."""
    return _asked({kind: sort for kind, sort in own_sorts().items() if kind in OF_REPORTS})


def _asked(sorts: Mapping[ExportKind, Sort]) -> AnyResponse:
    form = AskedForm()
    form.what.choices = [(kind.value, kind.value) for kind in sorts]
    if form.is_sent():
        answer = _answered(form)
        if answer is not None:
            return answer
    elif form.is_submitted():
        form.refuse(words().say(WRONG_DAYS if form.since.errors or form.until.errors else WRONG_CHOICE))
    days = chosen(request.args, today())
    what = form.what.data or request.args.get("what", "")
    return draw(
        "exports/asked.html.jinja", status=form.status, form=form, sorts=sorts, days=days, most=f"{MOST_ROWS:,}",
        only=form.only(), narrowed=_narrowed(form.only()) if sorts.keys() & OF_REPORTS else "",
        what=what if what in {kind.value for kind in sorts} else next(iter(sorts)).value if sorts else "",
    )  # fmt: skip


def own_sorts() -> dict[ExportKind, Sort]:
    """What somebody may export: by role, and by what kind of party they act for."""
    session = signed_in()
    is_supplier = session.party.kind is PartyKind.SUPPLIER
    sells = session.party.kind in {PartyKind.MERCHANT, PartyKind.PLATFORM}
    fits = {
        kind: kind not in OF_SELLERS | {ExportKind.HOPS}
        or (kind in OF_SELLERS and sells)
        or (kind is ExportKind.HOPS and is_supplier)
        for kind in ExportKind
    }
    return {kind: sort for kind, sort in SORTS.items() if fits[kind] and session.roles & MAY[kind]}


def _answered(form: AskedForm) -> AnyResponse | None:
    """The file; None where `form` says why there is none."""
    days = chosen({"range": "custom", "since": form.since.data, "until": form.until.data}, today())
    if days.problem or days.days > LONGEST_DAYS:
        form.refuse(words().say(WRONG_DAYS))
        return None
    if not slots.acquire(blocking=False):
        form.refuse(words().say(BUSY), status=ServiceUnavailable.code or 503)
        return None
    kind, file_form = ExportKind(form.what.data), ExportForm(form.form.data)
    try:
        with trying(form):
            export = _begun(kind, file_form, days, form.only() if kind in OF_REPORTS else {})
    except BaseException:
        slots.release()
        raise
    if form.problem:
        slots.release()
        return None
    return _file(form, export, file_form)


def _begun(kind: ExportKind, file_form: ExportForm, days: Range, only: Mapping[str, str]) -> Export:
    export_id = begin_export(
        actor=actor(), kind=kind, form=file_form, first=days.first, last=days.last, only=only, now=request_time()
    )
    gone = leaving(request.environ.get("wsgi.input"))
    return Export(signed_in(), words(), export_id, kind, days.first, days.last, only, panel().now, gone)


def _narrowed(only: Mapping[str, str]) -> str:
    """The filters in words; a party that somebody does not see by its number."""
    said = words()
    told = [only.get("currency", "")]
    told += [said.say(kinds[only[name]]) for name, kinds in KINDS.items() if only.get(name) in kinds]
    for name in ("merchant", "supplier"):
        if (party := number(only.get(name, ""))) is not None:
            with reading(signed_in()):
                found = panel_db.execute_sql(NAMED, {"party": party}).fetchone()
            told.append(said.name(found[0]) if found else str(party))
    return " · ".join(one for one in told if one)


def _file(form: AskedForm, export: Export, file_form: ExportForm) -> AnyResponse | None:
    try:
        pieces = export.pieces() if file_form is ExportForm.CSV else export.workbook()
    except TooLong:
        form.refuse(words().say(TOO_LONG, count=f"{MOST_ROWS:,}"))
        return None
    except OSError as error:
        no_room(form, error, export=str(export.id))
        return None
    answer = Response(pieces, content_type=TYPES[file_form])
    answer.call_on_close(export.end)  # also where nobody takes the first piece
    name = f"keystall-{export.kind.value}-{_named(export.first, export.last)}.{file_form.value}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def no_room(form: ActForm, error: OSError, **logged: str) -> None:
    """Say why no workbook was written."""
    form.error_id = error_id()
    log.error("no room for an export", error_id=form.error_id, problem=error.errno, **logged)
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    form.refuse(words().say(DISK_FULL if is_full else NO_ROOM), status=507)


def _named(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()}-{last.isoformat()}"
