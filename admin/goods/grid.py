"""Variants in a grid: choose values along some axes, then give every combination its code and price, in one submit."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.goods.fields import Unread, price_of, sent
from admin.goods.new import KEEPERS, MERCHANTS, brands
from admin.goods.products import an_own_product
from admin.goods.rows import GoodRow, VariantRow
from admin.panel import panel, request_time, signed_in, words
from admin.reading import reading
from bot.texts import mark
from core.catalog.goods import MOST_CELLS, Cell, combinations, create_grid, suggested_codes
from core.catalog.rules import AXIS_NAMES, AXIS_VALUES, axis_name, axis_value
from core.errors import Invalid

pages = Blueprint("grid", __name__, url_prefix="/product")
KNOWN = {"period": ("month", "quarter", "year"), "region": ("CN", "US")}
"""Values that have a wording of their own; others are typed."""

LARGEST = 256 * 1024


class GridForm(ActForm):
    """Rows of codes and prices; they are read by their names, row by row."""

    cells = Unread()
    issuer = Unread()


@dataclass(frozen=True, slots=True)
class GridRow:
    """One combination as it is drawn, and as it was typed."""

    axes: dict[str, str]
    said: str
    code: str
    price: str
    is_taken: bool  # wanted at all
    is_on_sale: bool


@pages.get("/<int:number>/variants", endpoint="values")
@for_roles(*KEEPERS, kinds=MERCHANTS)
def values(number: int) -> Response:
    """Which values the new variants have."""
    return draw_values(an_own_product(number), ActForm())


@pages.route("/<int:number>/variants/grid", methods=["GET", "POST"], endpoint="grid")
@for_roles(*KEEPERS, kinds=MERCHANTS, largest=LARGEST)
def grid(number: int) -> Response:
    """The combinations, each with its code and price; sent, all that are ticked are added, or none."""
    good, form = an_own_product(number), GridForm()
    with trying(form):
        combined = combinations(_chosen())
    if form.problem:
        form.problem = words().say(
            mark("Choose at least one value, and so few that they make at most {most} variants."), most=MOST_CELLS
        )
        return draw_values(good, form)
    rows = _rows(number, combined, is_sent=form.is_submitted())
    if form.is_sent():
        with trying(form):
            cells = [_cell(row) for row in rows if row.is_taken]
            made = create_grid(
                actor=actor(),
                merchant_id=signed_in().party.id,
                product_id=number,
                cells=cells,
                issuer_id=_issuer(),
                now=request_time(),
            )
        if not form.problem:
            return done(url_for("product.page", number=number), mark("Variants added: {count}."), count=len(made))
    return draw(
        "goods/grid.html.jinja",
        status=form.status,
        form=form,
        good=good,
        rows=rows,
        currency=panel().connecting.currency,
        brands=brands(),
    )


def draw_values(good: GoodRow, form: ActForm) -> Response:
    """The page of values, with those that were chosen."""
    locale, chosen = words().locale, _chosen()
    axes = [
        (
            axis,
            axis_name(axis, locale),
            [(value, axis_value(value, locale), value in chosen.get(axis, ())) for value in KNOWN.get(axis, ())],
            " , ".join(value for value in chosen.get(axis, ()) if value not in AXIS_VALUES),
        )
        for axis in AXIS_NAMES
    ]
    return draw("goods/values.html.jinja", status=form.status, form=form, good=good, axes=axes, most=MOST_CELLS)


def _chosen() -> dict[str, list[str]]:
    """The values of each axis as the address says them: ticked ones, and typed ones with commas between."""
    chosen = {}
    for axis in AXIS_NAMES:
        typed = request.args.get(f"{axis}_more", "")[:4000].replace("，", ",").replace("、", ",").split(",")
        chosen[axis] = [value.strip() for value in [*request.args.getlist(axis), *typed] if value.strip()]
    return {axis: some for axis, some in chosen.items() if some}


def _rows(number: int, combined: list[dict[str, str]], *, is_sent: bool) -> list[GridRow]:
    with reading(signed_in()):
        there = [
            one.axes
            for one in VariantRow.select(VariantRow.axes).where(
                VariantRow.product == number, VariantRow.archived_at.is_null()
            )
        ]
    wanted = [axes for axes in combined if axes not in there]
    codes = suggested_codes(merchant_id=signed_in().party.id, count=len(wanted))
    return [
        GridRow(
            axes=axes,
            said=words().beside(*(axis_value(value, words().locale) for value in axes.values())),
            code=sent("cells", n, "code").upper() if is_sent else codes[n],
            price=sent("cells", n, "price") if is_sent else "",
            is_taken=bool(sent("cells", n, "take")) if is_sent else True,
            is_on_sale=bool(sent("cells", n, "on")) if is_sent else True,
        )
        for n, axes in enumerate(wanted)
    ]


def _cell(row: GridRow) -> Cell:
    return Cell(row.axes, row.code, price_of(row.price, panel().connecting.currency), row.is_on_sale)


def _issuer() -> int | None:
    said = request.form.get("issuer", "")
    if said and said not in {value for value, _ in brands()}:
        raise Invalid(what="issuer")
    return int(said) if said else None
