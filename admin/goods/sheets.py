"""Goods by a sheet: download what is sold, edit it, look at what it would change, apply it, undo it within a day."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import peewee
from flask import Blueprint, make_response, url_for
from flask_wtf.file import FileField, FileRequired
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import HiddenField

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.exports.asking import TOO_LONG, TYPES, no_room
from admin.exports.cells import Value
from admin.exports.workbook import MOST_ROWS as MOST_OF_WORKBOOK
from admin.exports.workbook import TooLong, write_workbook
from admin.goods.new import KEEPERS, MERCHANTS
from admin.goods.sheet_reasons import ROW_REASONS
from admin.panel import panel, request_time, signed_in, words
from admin.reading import panel_db, reading
from admin.rows import PanelRow
from bot.texts import mark
from core.catalog.rules import CATEGORY_NAMES, Category
from core.catalog.sheets.cells import LARGEST, MOST_ROWS, safe, written
from core.catalog.sheets.rows import HEADERS, Column, Kind, Outcome, digest
from core.catalog.sheets.service import UNDONE_WITHIN, apply_sheet, keep_sheet, plan_of, undo_sheet
from core.money import Money
from core.reports.exporting import ExportForm

pages = Blueprint("sheets", __name__, url_prefix="/goods/sheet")

LISTED = """
SELECT l.code, coalesce(nullif(s.names, '{}'), p.names), p.category, l.price_minor, l.currency, l.maximum_quantity,
       l.position, l.on_sale
FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
WHERE l.merchant_id = %(party)s AND l.archived_at IS NULL ORDER BY l.position, l.code
"""
SINCE = """
SELECT count(DISTINCT o.id) FROM order_line n JOIN shop_order o ON o.id = n.order_id
WHERE n.listing_id = ANY (%(listings)s) AND o.placed_at >= %(since)s AND o.merchant_id = %(party)s
"""
NUMBERS = frozenset({Column.PRICE, Column.MOST, Column.POSITION})
KINDS = {
    Kind.NEW: (mark("new"), "ok"),
    Kind.CHANGED: (mark("changed"), "warn"),
    Kind.SAME: (mark("as it is"), ""),
    Kind.WRONG: (mark("left out"), "bad"),
}
FIELDS = {
    "price": mark("Price"),
    "names": mark("Name"),
    "most": mark("At most in one order"),
    "position": mark("Place among others"),
    "on_sale": mark("On sale"),
}


class SheetFileRow(PanelRow):
    """A sheet that was looked at."""

    id = peewee.UUIDField(primary_key=True)
    merchant_id = peewee.BigIntegerField()
    file_name = peewee.TextField()
    before = BinaryJSONField(null=True, index=False)
    created_at = DateTimeTZField()
    applied_at = DateTimeTZField(null=True)
    undone_at = DateTimeTZField(null=True)

    class Meta:
        table_name = "goods_sheet"


class UploadForm(ActForm):
    """A file with goods."""

    file = FileField(validators=[FileRequired()])


class ApplyForm(ActForm):
    """What was seen of a plan; nothing else is done than that."""

    seen = HiddenField()


@pages.route("", methods=["GET", "POST"], endpoint="page")
@for_roles(*KEEPERS, kinds=MERCHANTS, largest=LARGEST + 64 * 1024)
def sheet() -> Response:
    """Download, upload, and the sheets of before."""
    form = UploadForm()
    if form.is_sent():
        with trying(form):
            kept = keep_sheet(
                actor=actor(),
                merchant_id=signed_in().party.id,
                file_name=form.file.data.filename or "",
                content=form.file.data.stream.read(LARGEST + 1),
                currency=panel().connecting.currency,
                now=request_time(),
            )
        if not form.problem:
            return done(url_for("sheets.look", sheet_id=kept), mark("Nothing was changed yet: look at the rows."))
    return _page(form)


def _page(form: UploadForm) -> Response:
    with reading(signed_in()):
        query = SheetFileRow.select().where(SheetFileRow.applied_at.is_null(False))
        before = list(query.order_by(SheetFileRow.applied_at.desc()).limit(10))
    return draw(
        "goods/sheet.html.jinja",
        status=form.status,
        form=form,
        before=before,
        can_undo=before[0].id if before and _can_be_undone(before[0]) else None,
        columns=_header(),
        most=MOST_ROWS,
    )


@pages.get("/goods.csv", endpoint="download")
@for_roles(*KEEPERS, kinds=MERCHANTS)
def download() -> Response:
    """What is sold, as a sheet that can be edited and uploaded again; no cell of it is a formula."""
    return _file(written([_header(), *_listed()]), "csv")


@pages.get("/goods.xlsx", endpoint="workbook")
@for_roles(*KEEPERS, kinds=MERCHANTS)
def workbook() -> Response:
    """The same as a workbook: the cells of the CSV, prices and counts as numbers."""
    try:
        with tempfile.TemporaryDirectory(prefix="keystall-goods-") as folder:
            file = Path(folder) / "goods.xlsx"
            write_workbook(
                file,
                _header(),
                [[[_typed(column, cell) for column, cell in zip(Column, row, strict=True)] for row in _listed()]],
            )
            return _file(file.read_bytes(), "xlsx")
    except TooLong:
        form = UploadForm()
        form.refuse(words().say(TOO_LONG, count=f"{MOST_OF_WORKBOOK:,}"))
    except OSError as error:
        form = UploadForm()
        no_room(form, error)
    return _page(form)


@pages.route("/<uuid:sheet_id>", methods=["GET", "POST"], endpoint="look")
@for_roles(*KEEPERS, kinds=MERCHANTS)
def look(sheet_id: UUID) -> Response:
    """What a sheet would do, row by row; sent, it is done."""
    kept, form, party = a_sheet(sheet_id), ApplyForm(), signed_in().party.id
    if kept.applied_at is not None:
        return done(url_for("sheets.page"), mark("This sheet was applied before."))
    currency = panel().connecting.currency
    if form.is_sent():
        with trying(form):
            new, changed = apply_sheet(
                actor=actor(),
                merchant_id=party,
                sheet_id=sheet_id,
                seen=form.seen.data or "",
                currency=currency,
                now=request_time(),
            )
        if not form.problem:
            said = mark("New goods: {new}; changed goods: {changed}. It can be undone for a day.")
            return done(url_for("sheets.page"), said, new=new, changed=changed)
    plan = plan_of(actor=actor(), merchant_id=party, sheet_id=sheet_id, currency=currency)
    form.seen.data = digest(plan)
    return draw(
        "goods/sheet_look.html.jinja",
        status=form.status,
        form=form,
        kept=kept,
        plan=plan,
        counts={kind: sum(1 for one in plan if one.kind is kind) for kind in Kind},
        kinds=KINDS,
        said=said_of,
        Kind=Kind,
    )


@pages.route("/<uuid:sheet_id>/undo", methods=["GET", "POST"], endpoint="undo")
@for_roles(*KEEPERS, kinds=MERCHANTS)
def undo(sheet_id: UUID) -> Response:
    """Everything as it was before a sheet; the page says what stays."""
    kept, form, party = a_sheet(sheet_id), ActForm(), signed_in().party.id
    if kept.applied_at is None:
        raise NotFound()
    if form.is_sent():
        with trying(form):
            undone = undo_sheet(actor=actor(), merchant_id=party, sheet_id=sheet_id, now=request_time())
        if not form.problem:
            said = mark("Values that are as they were: {restored}. Changed since, and left so: {left}.")
            return done(url_for("sheets.page"), said, restored=undone.restored, left=undone.left)
    listings = [one["listing"] for one in kept.before]
    with reading(signed_in()):
        asked = {"listings": listings, "since": kept.applied_at, "party": party}
        ordered = panel_db.execute_sql(SINCE, asked).fetchone()[0]
    return draw(
        "goods/sheet_undo.html.jinja",
        status=form.status,
        form=form,
        kept=kept,
        ordered=ordered,
        new=sum(1 for one in kept.before if one["new"]),
        changed=sum(1 for one in kept.before if not one["new"]),
        can_undo=_can_be_undone(kept),
    )


def a_sheet(sheet_id: UUID) -> SheetFileRow:
    """A sheet of the party that somebody acts for. Raises NotFound."""
    with reading(signed_in()):
        query = SheetFileRow.select().where(
            SheetFileRow.id == sheet_id, SheetFileRow.merchant_id == signed_in().party.id
        )
        found: SheetFileRow | None = query.first()
    if found is None:
        raise NotFound()
    return found


def said_of(one: Outcome) -> Sequence[tuple[str, str, str]]:
    """What changes of a row: called, was, becomes; or why it is left out."""
    said = words()
    if one.wrong is not None:
        return [("", "", said.say(ROW_REASONS[one.wrong]))]
    if one.kind is Kind.NEW and one.row.price is not None:
        return [(said.say(FIELDS["price"]), "", said.money(Money(one.row.price, panel().connecting.currency)))]
    return [
        (said.say(FIELDS[name]), _said(name, old, one), _said(name, new, one))
        for name, (old, new) in one.changes.items()
    ]


def _said(name: str, value: Any, one: Outcome) -> str:
    if name == "price" and one.standing is not None:
        return words().money(Money(value, one.standing.currency))
    if name == "names":
        return words().name(value)
    return words().say(mark("yes") if value else mark("no")) if name == "on_sale" else str(value)


def _can_be_undone(kept: SheetFileRow) -> bool:
    applied: datetime | None = kept.applied_at
    return applied is not None and kept.undone_at is None and request_time() - applied <= UNDONE_WITHIN


def _header() -> list[str]:
    place = 0 if words().locale.startswith("zh") else 1
    return [HEADERS[column][place].capitalize() for column in Column]


def _listed() -> list[list[str]]:
    with reading(signed_in()):
        return [_line(row) for row in panel_db.execute_sql(LISTED, {"party": signed_in().party.id}).fetchall()]


def _typed(column: Column, cell: str) -> Value:
    return Decimal(cell) if column in NUMBERS else safe(cell)


def _file(content: bytes, form: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = TYPES[ExportForm(form)]
    response.headers["Content-Disposition"] = f'attachment; filename="goods.{form}"'
    return response


def _line(row: Sequence[Any]) -> list[str]:
    code, names, category, minor, currency, most, position, on_sale = row
    said = words()
    return [
        code,
        names.get("zh-CN", ""),
        names.get("en", ""),
        said.name(CATEGORY_NAMES[Category(category)]),
        Money(minor, currency).decimal(),
        str(most),
        str(position),
        ("是" if on_sale else "否") if said.locale.startswith("zh") else ("yes" if on_sale else "no"),
    ]
