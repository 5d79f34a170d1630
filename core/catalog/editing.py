"""Changing goods that are there: words, shelf, limits; putting away and bringing back. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.catalog.changes import access_listing, access_product, access_sku, checked_texts
from core.catalog.rules import Category
from core.db import atomic, execute
from core.errors import Invalid
from core.parties.service import Role, require_change
from core.titles import Names, checked_names, checked_text

LONGEST_ALIASES = 400
FARTHEST = 10**6
"""Positions are from 0 to this."""

CHANGE_PRODUCT = """
UPDATE product SET names = %s, texts = %s, category = %s, aliases = %s, position = %s WHERE id = %s
"""
CHANGE_SKU = "UPDATE sku SET names = %s, minimum_life_days = %s WHERE id = %s"
CHANGE_LISTING = "UPDATE listing SET maximum_quantity = %s, position = %s WHERE id = %s"
ARCHIVE_PRODUCT = "UPDATE product SET archived_at = %s WHERE id = %s AND (archived_at IS NULL) = %s RETURNING 1"
ARCHIVE_SKU = "UPDATE sku SET archived_at = %s WHERE id = %s AND (archived_at IS NULL) = %s RETURNING 1"
ARCHIVE_LISTING = """
UPDATE listing SET archived_at = %s, on_sale = false WHERE id = %s AND (archived_at IS NULL) = %s RETURNING 1
"""


def change_product(
    *,
    actor: Actor,
    product_id: int,
    names: Names,
    texts: Mapping[str, Names],
    category: Category,
    aliases: str,
    position: int,
    now: datetime,
) -> None:
    """Other words or another shelf for a product; `texts` as in `create_product`, whole.

    Raises `NotFound`, `NotAllowed`, `Invalid` (name, text, aliases, position).
    """
    owner_id = access_product(actor=actor, product_id=product_id)
    require_change(actor, owner_id, Role.CATALOG, what="product")
    words = checked_text(aliases, what="aliases", most=LONGEST_ALIASES).lower()
    row = (Jsonb(checked_names(names, what="name")), Jsonb(checked_texts(texts)), category.value, words)
    with atomic():
        execute(CHANGE_PRODUCT, (*row, _position(position), product_id))
        _audited(actor, "product.changed", "product", product_id, owner_id, now)


def change_sku(*, actor: Actor, sku_id: int, names: Names, minimum_life_days: int, now: datetime) -> None:
    """Another name for a variant, or how many days its cards must still be good when they are sold.

    Raises `NotFound`, `NotAllowed`, `Invalid` (name, sku).
    """
    owner_id = access_sku(actor=actor, sku_id=sku_id)
    require_change(actor, owner_id, Role.CATALOG, what="sku")
    if not 0 <= minimum_life_days <= 3650:
        raise Invalid(what="life")
    with atomic():
        execute(CHANGE_SKU, (Jsonb(checked_names(names, what="name")), minimum_life_days, sku_id))
        _audited(actor, "sku.changed", "sku", sku_id, owner_id, now)


def change_listing(*, actor: Actor, listing_id: int, maximum_quantity: int, position: int, now: datetime) -> None:
    """How many one order may have (1 to 1000), and where it stands among the others; its price stays.

    Raises `NotFound`, `NotAllowed`, `Invalid` (quantity, position).
    """
    merchant_id = access_listing(actor=actor, listing_id=listing_id)
    require_change(actor, merchant_id, Role.CATALOG, what="listing")
    if not 1 <= maximum_quantity <= 1000:
        raise Invalid(what="quantity")
    with atomic():
        execute(CHANGE_LISTING, (maximum_quantity, _position(position), listing_id))
        _audited(actor, "listing.changed", "listing", listing_id, merchant_id, now)


def archive_product(*, actor: Actor, product_id: int, archived: bool, now: datetime) -> None:
    """Put a product away with all its variants, wherever it is on sale, or bring it back. Orders stay as they are."""
    owner_id = access_product(actor=actor, product_id=product_id)
    require_change(actor, owner_id, Role.CATALOG, what="product")
    _archive(ARCHIVE_PRODUCT, actor, "product", product_id, owner_id, archived, now)


def archive_sku(*, actor: Actor, sku_id: int, archived: bool, now: datetime) -> None:
    """Put one variant away, or bring it back. Raises `NotFound`, `NotAllowed`."""
    owner_id = access_sku(actor=actor, sku_id=sku_id)
    require_change(actor, owner_id, Role.CATALOG, what="sku")
    _archive(ARCHIVE_SKU, actor, "sku", sku_id, owner_id, archived, now)


def archive_listing(*, actor: Actor, listing_id: int, archived: bool, now: datetime) -> None:
    """Put a listing away, off sale, or bring it back, still off sale. Raises `NotFound`, `NotAllowed`."""
    merchant_id = access_listing(actor=actor, listing_id=listing_id)
    require_change(actor, merchant_id, Role.CATALOG, what="listing")
    _archive(ARCHIVE_LISTING, actor, "listing", listing_id, merchant_id, archived, now)


def _archive(
    statement: str, actor: Actor, kind: str, number: int, party_id: int, archived: bool, now: datetime
) -> None:
    with atomic():
        if execute(statement, (now if archived else None, number, archived)):  # else it is so already
            done = "archived" if archived else "brought_back"
            _audited(actor, f"{kind}.{done}", kind, number, party_id, now)


def _position(position: int) -> int:
    if not 0 <= position <= FARTHEST:
        raise Invalid(what="position")
    return position


def _audited(actor: Actor, action: str, kind: str, number: int, party_id: int, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind=kind, object_id=number, party_id=party_id, now=now)
