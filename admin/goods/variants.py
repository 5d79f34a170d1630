"""Variants of a product: their names, what their buyers are asked for, putting them on sale or away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, SwitchForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.goods.fields import NamesForm, Unread, price_of, sent, whole
from admin.goods.products import KEEPERS, axes_of, is_own
from admin.goods.rows import FieldRow, GoodRow, IssuerRow, VariantRow
from admin.panel import panel, request_time, signed_in
from admin.reading import reading
from admin.scoped import SELLING
from bot.texts import mark
from core.catalog.changes import create_listing, set_on_sale
from core.catalog.editing import archive_sku, change_sku
from core.catalog.fields import MOST_FIELDS, BuyerField, FieldFormat, set_fields
from core.catalog.goods import suggested_code
from core.db import atomic
from core.parties.rules import PartyKind, Role

pages = Blueprint("variants", __name__, url_prefix="/variant")
FORMATS = {
    FieldFormat.DIGITS: mark("digits (a QQ number, a game id)"),
    FieldFormat.PHONE: mark("a mobile number"),
    FieldFormat.ACCOUNT: mark("one word (a name, an e-mail address)"),
    FieldFormat.TEXT: mark("a line of text (a password)"),
}


class VariantForm(NamesForm):
    """How a variant is called, and how long its cards must still be good."""

    life = StringField(default="1", validators=[InputRequired()])


class SellForm(ActForm):
    """A code and a price for what is not sold yet."""

    code = StringField(validators=[InputRequired(), Length(max=16)])
    price = StringField(validators=[InputRequired(), Length(max=40)])
    most = StringField(default="100", validators=[InputRequired()])
    on_sale = BooleanField(default=True)


class FieldsForm(ActForm):
    """Rows of fields; they are read by their names, row by row."""

    asked = Unread()


@pages.route("/<int:number>/edit", methods=["GET", "POST"], endpoint="edit")
@for_roles(*KEEPERS, kinds=SELLING)
def edit(number: int) -> Response:
    """Another name for one variant."""
    variant, form = an_own_variant(number), VariantForm()
    if not form.is_submitted():
        form.name_zh.data, form.name_en.data = variant.names.get("zh-CN", ""), variant.names.get("en", "")
        form.life.data = str(variant.minimum_life_days)
    if form.is_sent():
        with trying(form):
            change_sku(
                actor=actor(),
                sku_id=number,
                names=form.names,
                minimum_life_days=whole(form.life.data, what="life"),
                now=request_time(),
            )
        if not form.problem:
            return _back(variant, mark("{code} has its new name."), code=variant.code)
    return draw("goods/variant.html.jinja", status=form.status, form=form, variant=variant, axes=axes_of(variant))


@pages.route("/<int:number>/sell", methods=["GET", "POST"], endpoint="sell")
@for_roles(Role.OWNER, Role.CATALOG, kinds=frozenset({PartyKind.MERCHANT}))
def sell(number: int) -> Response:
    """Put a shared or an own variant on sale under a code."""
    variant, form, who = a_variant(number), SellForm(), signed_in()
    if not form.is_submitted():
        form.code.data = suggested_code(merchant_id=who.party.id)
    if form.is_sent():
        with trying(form), atomic():
            listing = create_listing(
                actor=actor(),
                merchant_id=who.party.id,
                sku_id=number,
                code=(form.code.data or "").strip().upper(),
                price=price_of(form.price.data, panel().connecting.currency),
                maximum_quantity=whole(form.most.data, what="quantity"),
                now=request_time(),
            )
            if not form.on_sale.data:
                set_on_sale(actor=actor(), listing_id=listing, on_sale=False, now=request_time())
        if not form.problem:
            return _back(variant, mark("{code} is listed."), code=(form.code.data or "").upper())
    return draw(
        "goods/sell.html.jinja",
        status=form.status,
        form=form,
        variant=variant,
        axes=axes_of(variant),
        currency=panel().connecting.currency,
    )


@pages.route("/<int:number>/archive", methods=["GET", "POST"], endpoint="archive")
@for_roles(*KEEPERS, kinds=SELLING)
def archive(number: int) -> Response:
    """Put one variant away, or bring it back."""
    variant, form = an_own_variant(number), SwitchForm()
    is_away = form.turns_on(is_on=variant.archived_at is None)
    if form.is_sent():
        with trying(form):
            archive_sku(actor=actor(), sku_id=number, archived=not is_away, now=request_time())
        if not form.problem:
            said = mark("{code} is back.") if is_away else mark("{code} is put away.")
            return _back(variant, said, code=variant.code)
    return draw("goods/archive_variant.html.jinja", status=form.status, form=form, variant=variant, is_away=is_away)


@pages.route("/<int:number>/fields", methods=["GET", "POST"], endpoint="fields")
@for_roles(*KEEPERS, kinds=SELLING)
def fields(number: int) -> Response:
    """What buyers of a variant have to tell: account, server, phone; secret ones are sealed as they are typed."""
    variant, form = an_own_variant(number), FieldsForm()
    typed = _typed_rows() if form.is_submitted() else _stored_rows(number)
    if form.is_sent():
        with trying(form):
            set_fields(actor=actor(), sku_id=number, fields=[_field(row) for row in typed], now=request_time())
        if not form.problem:
            return _back(variant, mark("Buyers of {code} are asked for this from now on."), code=variant.code)
    rows = typed + [EMPTY] * (MOST_FIELDS - len(typed))
    return draw("goods/fields.html.jinja", status=form.status, form=form, variant=variant, rows=rows, formats=FORMATS)


EMPTY = {"name": "", "zh": "", "en": "", "format": FieldFormat.ACCOUNT.value, "is_secret": False}


def a_variant(number: int) -> VariantRow:
    """A variant that somebody may see, with its product. Raises NotFound."""
    query = (
        VariantRow.select(VariantRow, GoodRow, IssuerRow).join(GoodRow).switch(VariantRow).join(IssuerRow, "LEFT JOIN")
    )
    with reading(signed_in()):
        found: VariantRow | None = query.where(VariantRow.id == number).first()
    if found is None:
        raise NotFound()
    return found


def an_own_variant(number: int) -> VariantRow:
    """A variant of a product of the party that somebody acts for. Raises NotFound, also for a shared one."""
    found = a_variant(number)
    if not is_own(found.product):
        raise NotFound()
    return found


def _typed_rows() -> list[dict[str, Any]]:
    """The rows that say anything; what else was sent is not looked at."""
    rows = []
    for place in range(MOST_FIELDS):
        given = {part: sent("asked", place, part) for part in ("name", "zh", "en", "format")}
        if given["name"] or given["zh"] or given["en"]:
            rows.append({**given, "is_secret": bool(sent("asked", place, "secret"))})
    return rows


def _stored_rows(number: int) -> list[dict[str, Any]]:
    with reading(signed_in()):
        stored = list(FieldRow.select().where(FieldRow.sku == number).order_by(FieldRow.position))
    return [
        {
            "name": one.name,
            "zh": one.labels.get("zh-CN", ""),
            "en": one.labels.get("en", ""),
            "format": one.format,
            "is_secret": one.is_secret,
        }
        for one in stored
    ]


def _field(row: dict[str, Any]) -> BuyerField:
    labels = {"zh-CN": row["zh"], **({"en": row["en"]} if row["en"] else {})}
    form = FieldFormat(row["format"]) if row["format"] in set(FieldFormat) else FieldFormat.TEXT
    return BuyerField(row["name"], labels, form, row["is_secret"])


def _back(variant: VariantRow, said: str, **values: object) -> Response:
    return done(url_for("product.page", number=variant.product_id), said, **values)
