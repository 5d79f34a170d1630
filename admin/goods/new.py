"""New goods in one form: name, price, cards; on sale as soon as the vault has the cards."""

from __future__ import annotations

import io
from typing import Any, BinaryIO
from uuid import UUID

from flask import Blueprint, request, url_for
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField, StringField, validators
from wtforms.validators import InputRequired, Length

from admin.acting import actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.goods.fields import NamesForm, Unread, price_of, shelf_field
from admin.goods.rows import BroughtRow, GoodRow, IssuerRow, PriceRow, VariantRow
from admin.panel import panel, request_time, signed_in, words
from admin.reading import panel_db, reading
from admin.setup.progress import asks_set_up
from bot.texts import mark
from core.catalog.goods import NewGoods, create_goods, suggested_code
from core.catalog.rules import Category
from core.conversations.handing import find_handed
from core.conversations.new_goods import bring_goods
from core.errors import Unavailable
from core.ids import new_id
from core.parties.rules import PartyKind, Role

pages = Blueprint("new_goods", __name__, url_prefix="/goods/new")
KEEPERS = (Role.OWNER, Role.CATALOG)
MERCHANTS = frozenset({PartyKind.MERCHANT})
LARGEST = 8 * 1024 * 1024
"""Bytes of cards that come with new goods; larger files come by the import page."""

PROGRESS = "SELECT state, rows_done, rows_about FROM import_job WHERE restock_id = %s"
REASONS = {
    "not_allowed": mark("Your role may not bring cards any more."),
    "too_often": mark("Too many files were brought today: go on tomorrow."),
    "lost": mark("The sealed file is not whole any more: bring it again."),
    "empty": mark("There was not one card in it."),
    "too_many_rows": mark("It has more rows than may come at once: use the import page."),
}


def brands() -> list[tuple[str, str]]:
    """Who may redeem the cards: the merchant itself, or a shared brand."""
    own = [("", words().say(mark("We ourselves, or no known brand")))]
    with reading(signed_in()):
        found = list(IssuerRow.select().where(IssuerRow.owner_id.is_null()).order_by(IssuerRow.code).limit(500))
    return own + sorted(((str(one.id), words().name(one.names)) for one in found), key=lambda pair: pair[1])


class NewForm(NamesForm):
    """What is wanted for goods to be sold. The cards' field keeps nothing: nothing draws them again."""

    category = shelf_field()
    price = StringField(validators=[InputRequired(), Length(max=40)])
    code = StringField(validators=[InputRequired(), Length(max=16)])
    issuer = SelectField(choices=brands)
    unit_cost = StringField(validators=[Length(max=40)])
    file = FileField()
    cards = Unread()
    submission = HiddenField(validators=[InputRequired(), validators.UUID()])


@pages.route("", methods=["GET", "POST"], endpoint="form")
@for_roles(*KEEPERS, kinds=MERCHANTS, largest=LARGEST)
def new() -> Response:
    """The form; sent, the goods are made, their cards sealed, and its progress is shown."""
    form, who = NewForm(), signed_in()
    if form.is_sent():
        before = _handed(form)
        if before is not None:
            return _on(before)
        with trying(form):
            made, restock = _made(form, who.party.id)
        before = _handed(form) if form.problem else None
        if before is not None:
            return _on(before)
        if not form.problem:
            if restock is not None:
                return _on(restock)
            said = mark("{code} is there; it sells as soon as it has cards.")
            return done(url_for("product.page", number=made.product_id), said, code=form.code.data)
    if not form.is_submitted():
        form.submission.data = str(new_id())
        form.code.data = suggested_code(merchant_id=who.party.id)
    has_cards = bool(request.form.get("cards", "").strip() or _file(form))
    return draw(
        "goods/new.html.jinja",
        status=form.status,
        form=form,
        currency=panel().connecting.currency,
        lost_cards=form.status != 200 and has_cards,
    )


@pages.get("/<uuid:restock>", endpoint="progress")
@for_roles(*KEEPERS, kinds=MERCHANTS)
def progress(restock: UUID) -> Response:
    """How far the cards are; the page asks again by itself until they are on sale."""
    with reading(signed_in()):
        query = BroughtRow.select(BroughtRow, VariantRow, GoodRow).join(VariantRow).join(GoodRow)
        brought: BroughtRow | None = query.where(
            BroughtRow.id == restock, BroughtRow.party_id == signed_in().party.id
        ).first()
        if brought is None:
            raise NotFound()
        job = panel_db.execute_sql(PROGRESS, (restock,)).fetchone()
        listing = PriceRow.select().where(PriceRow.sku == brought.sku_id).first()
    return draw(
        "goods/progress.html.jinja",
        brought=brought,
        listing=listing,
        percent=_percent(job),
        reason=REASONS.get(brought.problem or "", mark("The file could not be read. Check it, and bring it again.")),
        setting_up=asks_set_up(signed_in()),
        is_late=brought.state == "asked" and (request_time() - brought.asked_at).total_seconds() > 60,
    )


def _handed(form: NewForm) -> UUID | None:
    """What this form brought when its button was pressed before, or in the same moment."""
    return find_handed(actor=actor(), submission_id=str(form.submission.data))


def _made(form: NewForm, merchant_id: int) -> tuple[Any, UUID | None]:
    """The goods, and the restock of their cards where any came."""
    goods = NewGoods(
        names=form.names,
        category=Category(form.category.data),
        code=(form.code.data or "").strip().upper(),
        price=price_of(form.price.data, panel().connecting.currency),
        issuer_id=int(form.issuer.data) if form.issuer.data else None,
    )
    cards = _cards(form)
    if cards is None:
        return create_goods(actor=actor(), merchant_id=merchant_id, goods=goods, now=request_time()), None
    public = panel().vault_public()
    if public is None:
        raise Unavailable
    file, name = cards
    return bring_goods(
        actor=actor(),
        merchant_id=merchant_id,
        goods=goods,
        file=file,
        name=name,
        unit_cost=(form.unit_cost.data or "").strip(),
        submission_id=str(form.submission.data),
        vault_public=public,
        seal_key=panel().seal_key,
        now=request_time(),
    )


def _cards(form: NewForm) -> tuple[BinaryIO, str] | None:
    """What was chosen, else what was pasted, as a file; None where neither came."""
    file = _file(form)
    if file is not None:
        return file.stream, file.filename or "file"  # type: ignore[return-value]
    pasted = request.form.get("cards", "")
    return (io.BytesIO(pasted.encode("utf-8", "surrogatepass")), "pasted.txt") if pasted.strip() else None


def _file(form: NewForm) -> FileStorage | None:
    chosen = form.file.data
    return chosen if isinstance(chosen, FileStorage) and chosen.filename else None


def _percent(job: Any) -> int:
    if job is None:
        return 0
    state, rows_done, rows_about = job
    if state == "done":
        return 100
    return min(99, 100 * rows_done // rows_about) if rows_about else 0


def _on(restock: UUID) -> Response:
    return done(url_for("new_goods.progress", restock=restock), mark("The goods are there, their cards are sealed."))
