"""Setting up goods: issuers, products, SKUs, listings and prices, each by who may and each with its audit row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import peewee
from psycopg.types.json import Jsonb

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.catalog import sql
from core.catalog.offered import CODE
from core.catalog.rules import Category, ProductKind, checked_axes, checked_price
from core.db import atomic, constraint, execute
from core.errors import Conflict, Invalid, NotFound
from core.money import Money
from core.parties.service import (
    CodeTaken,
    PartyKind,
    Role,
    access_party,
    may_see,
    require_change,
    require_platform,
)
from core.titles import Names, checked_names, checked_text

PRODUCT_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
TEXTS = ("summary", "redeem", "refund")
TAKEN = frozenset(
    {"issuer_code_key", "product_code_key", "sku_code_key", "listing_merchant_id_code_key"}
    | {"listing_merchant_id_sku_id_key"}
)


class Archived(Conflict):
    """What was put away is not on sale before it was brought back."""


def create_issuer(*, actor: Actor, code: str, names: Names, now: datetime) -> int:
    """Name a brand that redeems cards; only the platform does. Raises `NotAllowed`, `Invalid`, `CodeTaken`."""
    require_platform(actor)
    if not PRODUCT_CODE.fullmatch(code):
        raise Invalid(what="code")
    row = (code, Jsonb(checked_names(names, what="name")))
    return _create(sql.CREATE_ISSUER, row, actor=actor, kind="issuer", party_id=None, now=now)


def create_product(
    *,
    actor: Actor,
    owner_id: int,
    code: str,
    kind: ProductKind,
    category: Category,
    names: Names,
    texts: Mapping[str, Names] | None = None,
    aliases: str = "",
    position: int = 0,
    now: datetime,
) -> int:
    """Make a product of the platform (shared) or of one merchant; `texts` has summary, redeem, refund by locale.

    Raises `NotFound`, `NotAllowed`, `Invalid` (code, name, text, owner), `CodeTaken`.
    """
    require_change(actor, owner_id, Role.CATALOG, what="party")
    owner = access_party(actor=actor, party_id=owner_id)
    if owner.kind not in (PartyKind.PLATFORM, PartyKind.MERCHANT):
        raise Invalid(what="owner")
    if not PRODUCT_CODE.fullmatch(code):
        raise Invalid(what="code")
    words = checked_text(aliases, what="aliases", most=400).lower()
    row: tuple[Any, ...] = (owner_id, code, kind.value, category.value, Jsonb(checked_names(names, what="name")))
    row += (Jsonb(checked_texts(texts or {})), words, position, now)
    return _create(sql.CREATE_PRODUCT, row, actor=actor, kind="product", party_id=owner_id, now=now)


def create_sku(
    *,
    actor: Actor,
    product_id: int,
    code: str,
    names: Names,
    axes: Mapping[str, str] | None = None,
    issuer_id: int,
    card_shape: str = "secret",
    trim: bool = True,
    case_sensitive: bool = True,
    minimum_life_days: int = 1,
    secret_bits: int | None = None,
    now: datetime,
) -> int:
    """Make one variant of a product. `trim`: outer blanks are not part of a card; `card_shape`: secret | number_secret.

    `secret_bits`: how many bits a secret has, where that is fewer than its length could hold; it stays for ever.

    Raises `NotFound` (also an issuer that is another merchant's own), `NotAllowed`, `Invalid`, `CodeTaken` (codes are
    unique in the installation).
    """
    owner_id = _owner(sql.OWNER_OF_PRODUCT, product_id, actor=actor, what="product")
    require_change(actor, owner_id, Role.CATALOG, what="product")
    if not execute(sql.ISSUER_WITHIN_REACH, (issuer_id, owner_id)):
        raise NotFound("issuer")
    if not CODE.fullmatch(code) or card_shape not in ("secret", "number_secret") or minimum_life_days < 0:
        raise Invalid(what="sku")
    if secret_bits is not None and not 1 <= secret_bits <= 1024:
        raise Invalid(what="sku")
    row: tuple[Any, ...] = (product_id, code, Jsonb(checked_names(names, what="name")), Jsonb(checked_axes(axes or {})))
    row += (issuer_id, card_shape, trim, case_sensitive, minimum_life_days, secret_bits, now)
    return _create(sql.CREATE_SKU, row, actor=actor, kind="sku", party_id=owner_id, now=now)


def create_listing(
    *,
    actor: Actor,
    merchant_id: int,
    sku_id: int,
    code: str,
    price: Money,
    maximum_quantity: int = 100,
    position: int = 0,
    now: datetime,
) -> int:
    """Put a shared or an own SKU on sale under a code. Raises `NotFound`, `NotAllowed`, `Invalid`, `CodeTaken`."""
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    if access_party(actor=actor, party_id=merchant_id).kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    owner_id = _owner(sql.OWNER_OF_SKU, sku_id, actor=actor, what="sku")
    if owner_id != merchant_id and _kind(sql.OWNER_OF_SKU, sku_id) is not PartyKind.PLATFORM:
        raise NotFound("sku")
    if not CODE.fullmatch(code) or not 1 <= maximum_quantity <= 1000:
        raise Invalid(what="listing")
    money = checked_price(price)
    row = (merchant_id, sku_id, code, money.minor, money.currency, maximum_quantity, position, now)
    return _create(sql.CREATE_LISTING, row, actor=actor, kind="listing", party_id=merchant_id, now=now)


def set_price(*, actor: Actor, listing_id: int, price: Money, now: datetime) -> int:
    """Change the price in the listing's own currency; returns the new version, which old buttons do not know.

    Raises `NotFound`, `NotAllowed`, `Invalid`.
    """
    merchant_id = access_listing(actor=actor, listing_id=listing_id)
    require_change(actor, merchant_id, Role.CATALOG, what="listing")
    money = checked_price(price)
    with atomic():
        rows = execute(sql.SET_PRICE, (money.minor, listing_id, money.currency))
        if not rows:
            raise Invalid(what="currency")
        _audited(actor, "listing.priced", "listing", listing_id, merchant_id, now, price_minor=money.minor)
    return int(rows[0][0])


def outdate_listings(*, sku_id: int) -> None:
    """What a piece of a SKU gives has changed: buttons drawn before do not buy it. In the caller's transaction."""
    execute(sql.OUTDATE, (sku_id,))


def set_on_sale(*, actor: Actor, listing_id: int, on_sale: bool, now: datetime) -> None:
    """Show or hide a listing. Raises `NotFound`, `NotAllowed`, `Archived`."""
    merchant_id = access_listing(actor=actor, listing_id=listing_id)
    require_change(actor, merchant_id, Role.CATALOG, what="listing")
    with atomic():
        if not execute(sql.SET_ON_SALE, (on_sale, listing_id, on_sale)):
            raise Archived
        _audited(actor, "listing.shown" if on_sale else "listing.hidden", "listing", listing_id, merchant_id, now)


def access_product(*, actor: Actor, product_id: int) -> int:
    """The owner of a product that the actor may see: its own or a shared one. Raises `NotFound` for all others."""
    return _owner(sql.OWNER_OF_PRODUCT, product_id, actor=actor, what="product")


def access_sku(*, actor: Actor, sku_id: int) -> int:
    """The owner of a SKU that the actor may see: its own or a shared one. Raises `NotFound` for all others."""
    return _owner(sql.OWNER_OF_SKU, sku_id, actor=actor, what="sku")


def access_listing(*, actor: Actor, listing_id: int) -> int:
    """The merchant of a listing that the actor may see. Raises `NotFound` for all others."""
    return _owner(sql.OWNER_OF_LISTING, listing_id, actor=actor, what="listing")


def find_sku(*, code: str) -> int:
    """The id of the SKU of this code, for the command line and the store itself. Raises `NotFound`."""
    rows = execute(sql.SKU_BY_CODE, (code,)) if CODE.fullmatch(code) else []
    if not rows:
        raise NotFound("sku")
    return int(rows[0][0])


def _owner(statement: str, number: int, *, actor: Actor, what: str) -> int:
    rows = execute(statement, (number,))
    if rows:
        _, owner_id, _, kind = rows[0]
        of_a_party = actor.kind in (ActorKind.STAFF, ActorKind.API_KEY)
        if may_see(actor, owner_id) or (kind == PartyKind.PLATFORM and of_a_party):
            return int(owner_id)
    raise NotFound(what)


def _kind(statement: str, number: int) -> PartyKind:
    return PartyKind(execute(statement, (number,))[0][3])


def checked_texts(texts: Mapping[str, Names]) -> dict[str, dict[str, str]]:
    """Summary, redeem, refund by locale. Raises `Invalid` (text, or the one that cannot be taken)."""
    if not set(texts) <= set(TEXTS):
        raise Invalid(what="text")
    return {name: {locale: checked_text(text, what=name) for locale, text in texts[name].items()} for name in texts}


def _create(
    statement: str, row: tuple[Any, ...], *, actor: Actor, kind: str, party_id: int | None, now: datetime
) -> int:
    try:
        with atomic():
            number = int(execute(statement, row)[0][0])
            _audited(actor, f"{kind}.created", kind, number, party_id, now)
    except peewee.IntegrityError as error:
        if constraint(error) in TAKEN:
            raise CodeTaken() from None
        raise
    return number


def _audited(
    actor: Actor, action: str, kind: str, number: int, party_id: int | None, now: datetime, **detail: int
) -> None:
    audit.append(
        actor=actor, action=action, object_kind=kind, object_id=number, detail=detail, party_id=party_id, now=now
    )
