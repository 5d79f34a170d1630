"""Products: the list, and one with its variants, words, and what becomes of it when it is put away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from admin.acting import SwitchForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.goods.fields import NamesForm, shelf_field, whole
from admin.goods.rows import FieldRow, GoodRow, PriceRow, VariantRow
from admin.goods.selling import money_of
from admin.panel import request_time, signed_in, words
from admin.reading import reading
from admin.rows import PartyRow
from admin.scoped import SELLING, ScopedView
from bot.texts import mark
from core.catalog.editing import LONGEST_ALIASES, archive_product, change_product
from core.catalog.rules import CATEGORY_NAMES, Category, axis_name, axis_value
from core.parties.rules import PLATFORM_ROLES, Role

pages = Blueprint("product", __name__, url_prefix="/product")
SEERS = (*sorted(PLATFORM_ROLES), Role.OWNER, Role.CATALOG)
KEEPERS = (Role.OWNER, Role.CATALOG, Role.PLATFORM_OWNER)
MOST_SHOWN = 500
TEXTS = ("summary", "redeem", "refund")


class Products(ScopedView):
    """What a merchant may sell: its own products, and those that all share."""

    roles = PLATFORM_ROLES | {Role.OWNER, Role.CATALOG}
    kinds = SELLING
    titled = mark("Products")
    empty = mark("No products yet. Name one, give it a price, paste its cards: it is on sale within a minute.")
    columns = (
        ("called", mark("Product")),
        ("shelf", mark("Shelf")),
        ("whose", mark("Whose")),
        ("state", mark("State")),
    )
    read = frozenset({"index_view"})
    list_template = "goods/products.html.jinja"

    def get_query(self) -> Any:
        return GoodRow.select(GoodRow.id, GoodRow.names, GoodRow.category, GoodRow.owner, GoodRow.archived_at).order_by(
            GoodRow.archived_at.is_null(False), GoodRow.owner != signed_in().party.id, GoodRow.position, GoodRow.id
        )

    def called(self, row: GoodRow) -> Markup:
        address = url_for("product.page", number=row.id)
        return Markup('<a href="{}">{}</a>').format(address, words().name(row.names) or "—")

    def shelf(self, row: GoodRow) -> str:
        return shelf_name(row)

    def whose(self, row: GoodRow) -> str:
        return words().say("own") if row.owner_id == signed_in().party.id else words().say("shared")

    def state(self, row: GoodRow) -> Markup:
        return put_away() if row.archived_at else Markup("")


class WordsForm(NamesForm):
    """What people read of a product, and by what they find it."""

    category = shelf_field()
    aliases = StringField(validators=[Length(max=LONGEST_ALIASES)])
    position = StringField(default="0")
    summary_zh = TextAreaField(validators=[Length(max=4000)])
    summary_en = TextAreaField(validators=[Length(max=4000)])
    redeem_zh = TextAreaField(validators=[Length(max=4000)])
    redeem_en = TextAreaField(validators=[Length(max=4000)])
    refund_zh = TextAreaField(validators=[Length(max=4000)])
    refund_en = TextAreaField(validators=[Length(max=4000)])

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """Those that were written, by kind and locale."""
        typed = {kind: {"zh-CN": self[f"{kind}_zh"].data or "", "en": self[f"{kind}_en"].data or ""} for kind in TEXTS}
        written = {
            kind: {locale: text.replace("\r\n", "\n") for locale, text in by.items() if text.strip()}
            for kind, by in typed.items()
        }
        return {kind: by for kind, by in written.items() if by}


@pages.get("/<int:number>", endpoint="page")
@for_roles(*SEERS, kinds=SELLING)
def page(number: int) -> Response:
    """One product with its variants, and what this merchant sells of them."""
    good = a_product(number)
    with reading(signed_in()):
        variants = list(
            VariantRow.select()
            .where(VariantRow.product == number)
            .order_by(VariantRow.archived_at.is_null(False), VariantRow.id)
            .limit(MOST_SHOWN)
        )
        ids = [one.id for one in variants]
        prices: dict[int, PriceRow] = {
            one.sku_id: one
            for one in PriceRow.select().where(PriceRow.sku.in_(ids), PriceRow.merchant == signed_in().party.id)
        }
        asking = {row.sku_id for row in FieldRow.select(FieldRow.sku).where(FieldRow.sku.in_(ids))}
    return draw(
        "goods/product.html.jinja",
        good=good,
        variants=variants,
        prices=prices,
        asking=asking,
        shelf=shelf_name(good),
        is_own=is_own(good),
        axes_of=axes_of,
        money=lambda price: words().money(money_of(price)),
    )


@pages.route("/<int:number>/edit", methods=["GET", "POST"], endpoint="edit")
@for_roles(*KEEPERS, kinds=SELLING)
def edit(number: int) -> Response:
    """Other words, another shelf, another place; buyers see them in their next message."""
    good, form = an_own_product(number), WordsForm()
    if not form.is_submitted():
        _fill(form, good)
    if form.is_sent():
        with trying(form):
            change_product(
                actor=actor(),
                product_id=number,
                names=form.names,
                texts=form.texts,
                category=Category(form.category.data),
                aliases=form.aliases.data or "",
                position=whole(form.position.data, what="position"),
                now=request_time(),
            )
        if not form.problem:
            return done(url_for("product.page", number=number), mark("The product has its new words."))
    return draw("goods/words.html.jinja", status=form.status, form=form, good=good)


@pages.route("/<int:number>/archive", methods=["GET", "POST"], endpoint="archive")
@for_roles(*KEEPERS, kinds=SELLING)
def archive(number: int) -> Response:
    """Put a product away with all its variants, or bring it back; the page says what that means."""
    good, form = an_own_product(number), SwitchForm()
    is_away = form.turns_on(is_on=good.archived_at is None)
    if form.is_sent():
        with trying(form):
            archive_product(actor=actor(), product_id=number, archived=not is_away, now=request_time())
        if not form.problem:
            said = mark("It is back.") if is_away else mark("It is put away.")
            return done(url_for("product.page", number=number), said)
    with reading(signed_in()):
        selling = (
            PriceRow.select(PriceRow.code)
            .join(VariantRow)
            .where(VariantRow.product == number, PriceRow.on_sale)
            .order_by(PriceRow.code)
        )
        codes = [one.code for one in selling.limit(MOST_SHOWN)]
    return draw("goods/archive.html.jinja", status=form.status, form=form, good=good, codes=codes, is_away=is_away)


def a_product(number: int) -> GoodRow:
    """A product that somebody may see: an own or a shared one. Raises NotFound."""
    with reading(signed_in()):
        found: GoodRow | None = (
            GoodRow.select(GoodRow, PartyRow.id).join(PartyRow, "LEFT JOIN").where(GoodRow.id == number).first()
        )
    if found is None:
        raise NotFound()
    return found


def an_own_product(number: int) -> GoodRow:
    """A product of the party that somebody acts for. Raises NotFound, also for a shared one."""
    found = a_product(number)
    if not is_own(found):
        raise NotFound()
    return found


def is_own(good: GoodRow) -> bool:
    """Whether it is of the party that somebody acts for."""
    return bool(good.owner_id == signed_in().party.id)


def shelf_name(good: GoodRow) -> str:
    """The category's name."""
    return words().name(CATEGORY_NAMES[Category(good.category)])


def axes_of(variant: VariantRow) -> str:
    """`Period: 1 month · Region: China`."""
    said, locale = words(), words().locale
    return said.beside(
        *(said.row(axis_name(axis, locale), axis_value(value, locale)) for axis, value in variant.axes.items())
    )


def put_away() -> Markup:
    """The pill of what is archived."""
    return Markup('<span class="pill">{}</span>').format(words().say("put away"))


def _fill(form: WordsForm, good: GoodRow) -> None:
    form.name_zh.data, form.name_en.data = good.names.get("zh-CN", ""), good.names.get("en", "")
    form.category.data, form.aliases.data, form.position.data = good.category, good.aliases, str(good.position)
    for kind in TEXTS:
        texts = good.texts.get(kind, {})
        form[f"{kind}_zh"].data, form[f"{kind}_en"].data = texts.get("zh-CN", ""), texts.get("en", "")
