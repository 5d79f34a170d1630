"""A merchant's own goods in one step: a product with one variant and its price; and a product's grid of variants."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.actor import Actor
from core.catalog.changes import access_product, create_listing, create_product, create_sku, set_on_sale
from core.catalog.issuers import own_issuer
from core.catalog.offered import CODE
from core.catalog.rules import AXIS_NAMES, Category, ProductKind, axis_value, checked_axes
from core.db import atomic, execute
from core.errors import Conflict, Invalid
from core.money import Money
from core.parties.service import Role, require_change
from core.titles import LOCALES, Names

MOST_CELLS = 100
"""So many variants one grid adds."""

LAST_CODE = "SELECT code FROM listing WHERE merchant_id = %s ORDER BY id DESC LIMIT 1"
CODES = "SELECT code FROM listing WHERE merchant_id = %s AND code = ANY (%s::text[])"
SKU_CODE_TAKEN = "SELECT 1 FROM sku WHERE code = %s"
AXES = "SELECT axes FROM sku WHERE product_id = %s AND archived_at IS NULL"
NAMES = "SELECT names FROM product WHERE id = %s"


class VariantThere(Conflict):
    """The product has a variant with these values already."""


@dataclass(frozen=True, slots=True)
class NewGoods:
    """What a merchant says of goods that it sells itself; without an issuer it is the one who redeems their cards."""

    names: Names
    category: Category
    code: str
    price: Money
    kind: ProductKind = ProductKind.CARD_KEY
    issuer_id: int | None = None
    maximum_quantity: int = 100
    position: int = 0
    on_sale: bool = True


@dataclass(frozen=True, slots=True)
class MadeGoods:
    """Where they are now."""

    product_id: int
    sku_id: int
    listing_id: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One variant of a grid."""

    axes: Mapping[str, str]
    code: str
    price: Money
    on_sale: bool = True


def create_goods(*, actor: Actor, merchant_id: int, goods: NewGoods, now: datetime) -> MadeGoods:
    """A product of the merchant's own with one variant, listed at its price; all of it or nothing.

    Raises `NotFound`, `NotAllowed`, `Invalid`, `CodeTaken` where the merchant sells something under this code.
    """
    if not CODE.fullmatch(goods.code):
        raise Invalid(what="listing")
    with atomic():
        issuer = goods.issuer_id or own_issuer(actor=actor, merchant_id=merchant_id, now=now)
        product = create_product(
            actor=actor,
            owner_id=merchant_id,
            code=f"{goods.code.lower()}-{secrets.token_hex(4)}",
            kind=goods.kind,
            category=goods.category,
            names=goods.names,
            position=goods.position,
            now=now,
        )
        sku = create_sku(
            actor=actor,
            product_id=product,
            code=free_sku_code(goods.code),
            names=goods.names,
            issuer_id=issuer,
            now=now,
        )
        listing = _listed(actor, merchant_id, sku, goods, goods.maximum_quantity, goods.position, now)
    return MadeGoods(product, sku, listing)


def create_grid(
    *, actor: Actor, merchant_id: int, product_id: int, cells: Sequence[Cell], issuer_id: int | None, now: datetime
) -> list[int]:
    """Add variants to a product of the merchant's own, each listed at its price; all of them or none.

    Returns the listings' ids. Raises `NotFound`, `NotAllowed`, `Invalid` (axes, grid, listing), `VariantThere`,
    `CodeTaken`.
    """
    owner_id = access_product(actor=actor, product_id=product_id)
    require_change(actor, owner_id, Role.CATALOG, what="product")
    if owner_id != merchant_id or not 0 < len(cells) <= MOST_CELLS:
        raise Invalid(what="grid")
    with atomic():
        issuer = issuer_id or own_issuer(actor=actor, merchant_id=merchant_id, now=now)
        there = [axes for (axes,) in execute(AXES, (product_id,))]
        start, made = len(there), []
        names = execute(NAMES, (product_id,))[0][0]
        for place, cell in enumerate(cells):
            axes = checked_axes(cell.axes)
            if axes in there or not axes:
                raise VariantThere(code=cell.code)
            there.append(axes)
            sku = create_sku(
                actor=actor,
                product_id=product_id,
                code=free_sku_code(cell.code),
                names=variant_names(names, axes),
                axes=axes,
                issuer_id=issuer,
                now=now,
            )
            made.append(_listed(actor, merchant_id, sku, cell, 100, start + place, now))
    return made


def combinations(values: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every combination of the values of some axes, in the order of the axes. Raises `Invalid` (axes, grid).

    Axes without a value are left out; a value twice counts once.
    """
    if not set(values) <= set(AXIS_NAMES):
        raise Invalid(what="axes")
    axes = {axis: list(dict.fromkeys(values[axis])) for axis in AXIS_NAMES if values.get(axis)}
    count = 1
    for some in axes.values():
        count *= len(some)
    if not axes or count > MOST_CELLS:
        raise Invalid(what="grid")
    return [checked_axes(dict(zip(axes, one, strict=True))) for one in itertools.product(*axes.values())]


def variant_names(names: Names, axes: Mapping[str, str]) -> dict[str, str]:
    """How a variant is called: its product's name with its values, in every language of the name."""
    return {
        locale: " ".join([names[locale], *(axis_value(value, locale) for value in axes.values())])[:120]
        for locale in LOCALES
        if locale in names
    }


def suggested_code(*, merchant_id: int) -> str:
    """A code that the merchant has not used: the last one, counted on; A1 for the first."""
    return suggested_codes(merchant_id=merchant_id, count=1)[0]


def suggested_codes(*, merchant_id: int, count: int) -> list[str]:
    """So many free codes, each the one after the other."""
    last = execute(LAST_CODE, (merchant_id,))
    letters, digits = re.fullmatch(r"(.*?)([0-9]*)", last[0][0] if last else "A").groups()  # type: ignore[union-attr]
    start = int(digits[-6:] or 0) + 1 if last else 1
    stem = letters[: 16 - 7] or "A"
    wanted = [f"{stem}{number}" for number in range(start, start + count + 200)]
    taken = {code for (code,) in execute(CODES, (merchant_id, wanted))}
    return [code for code in wanted if code not in taken][:count]


def free_sku_code(code: str) -> str:
    """The code itself where no SKU of the installation has it, else one that begins like it."""
    return f"{code[:8]}{secrets.token_hex(4).upper()}" if execute(SKU_CODE_TAKEN, (code,)) else code


def _listed(
    actor: Actor, merchant_id: int, sku_id: int, goods: NewGoods | Cell, most: int, position: int, now: datetime
) -> int:
    listing = create_listing(
        actor=actor,
        merchant_id=merchant_id,
        sku_id=sku_id,
        code=goods.code,
        price=goods.price,
        maximum_quantity=most,
        position=position,
        now=now,
    )
    if not goods.on_sale:
        set_on_sale(actor=actor, listing_id=listing, on_sale=False, now=now)
    return listing
