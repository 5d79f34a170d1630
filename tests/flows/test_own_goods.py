"""A merchant sets up goods of its own: in one step, as a grid, and puts them away; its cards are its own issuer's."""

from __future__ import annotations

from typing import Any

import pytest

from core.actor import Actor, ActorKind
from core.catalog.changes import Archived, create_sku, set_on_sale
from core.catalog.editing import archive_listing, archive_product, change_listing, change_product
from core.catalog.goods import (
    Cell,
    NewGoods,
    VariantThere,
    combinations,
    create_goods,
    create_grid,
    suggested_codes,
)
from core.catalog.issuers import own_issuer
from core.catalog.rules import Category
from core.catalog.search import search
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.money import Money
from core.parties.service import CodeTaken, Role
from tests.builders import NOON, Shop, Sql

NAMES = {"zh-CN": "猫咪图鉴", "en": "Cat book"}


def keeper(party: int, *roles: Role) -> Actor:
    return Actor(ActorKind.STAFF, new_id(), party, frozenset(roles or {Role.CATALOG}))


def cat_book(code: str = "CAT1", **more: Any) -> NewGoods:
    return NewGoods(**{"names": NAMES, "category": Category.GAMES, "code": code, "price": Money(990, "CNY"), **more})


def test_own_goods_are_made_in_one_step_under_an_issuer_of_their_merchant(shop: Shop) -> None:
    """INV-T1: the issuer is the merchant's own, once; another merchant's is as one that is not there."""
    other = shop.a_party("other")
    made = create_goods(actor=keeper(shop.merchant), merchant_id=shop.merchant, goods=cat_book(), now=NOON)
    again = create_goods(actor=keeper(other), merchant_id=other, goods=cat_book(), now=NOON)

    row = "SELECT i.owner_id, k.code FROM sku k JOIN issuer i ON i.id = k.issuer_id WHERE k.id = %s"
    assert shop.sql(row, [made.sku_id]) == [(shop.merchant, "CAT1")]
    ((owner, code),) = shop.sql(row, [again.sku_id])  # the code of a listing is its merchant's, that of a SKU is not
    assert (owner, code[:4], len(code)) == (other, "CAT1", 12)
    mine = own_issuer(actor=keeper(shop.merchant), merchant_id=shop.merchant, now=NOON)
    assert shop.sql("SELECT id FROM issuer WHERE owner_id = %s", [shop.merchant]) == [(mine,)]
    (card,) = search(merchant_id=shop.merchant, text="猫咪", locale="zh-CN")
    assert [(one.code, one.price) for one in card.listings] == [("CAT1", Money(990, "CNY"))]
    assert suggested_codes(merchant_id=shop.merchant, count=2) == ["CAT2", "CAT3"]
    before = shop.fingerprint()
    for kind, who, party, goods in (
        (CodeTaken, keeper(shop.merchant), shop.merchant, cat_book()),
        (NotFound, keeper(shop.merchant), other, cat_book("B1")),
        (NotFound, keeper(other), other, cat_book("B1", issuer_id=mine)),
        (NotAllowed, keeper(shop.merchant, Role.FINANCE), shop.merchant, cat_book("B1")),
        (NotFound, keeper(shop.merchant), shop.platform, cat_book("B1")),
        (Invalid, keeper(shop.merchant), shop.merchant, cat_book("b 1")),
        (Invalid, keeper(shop.merchant), shop.merchant, cat_book("B1", names={"en": "no Chinese name"})),
    ):
        with pytest.raises(kind):
            create_goods(actor=who, merchant_id=party, goods=goods, now=NOON)
    assert shop.fingerprint() == before


def test_the_database_holds_that_a_skus_issuer_is_shared_or_of_its_own_merchant(shop: Shop, sql: Sql) -> None:
    other = shop.a_party("other")
    made = create_goods(actor=keeper(shop.merchant), merchant_id=shop.merchant, goods=cat_book(), now=NOON)
    foreign = own_issuer(actor=keeper(other), merchant_id=other, now=NOON)

    with pytest.raises(Exception, match="a SKU has a shared issuer"):
        sql(
            "INSERT INTO sku (product_id, code, names, issuer_id, created_at) VALUES (%s, 'X9', '{}', %s, now())",
            [made.product_id, foreign],
        )
    with pytest.raises(Exception, match="append-only"):
        sql("UPDATE sku SET issuer_id = %s WHERE id = %s", [foreign, made.sku_id])


GRID = [
    {"period": "month", "region": "CN"},
    {"period": "month", "region": "US"},
    {"period": "year", "region": "CN"},
    {"period": "year", "region": "US"},
]


def test_a_grid_is_every_combination_of_the_values_of_known_axes() -> None:
    assert combinations({"region": ["CN", "US", "CN"], "period": ["month", "year"], "seats": []}) == GRID
    for values in (
        *({"period": [""]}, {"period": ["a\0b"]}, {"seats": ["x" * 41]}, {"colour": ["red"]}, {}),
        {"seats": [str(n) for n in range(101)]},
    ):
        with pytest.raises(Invalid):
            combinations(values)


def test_a_grid_adds_all_its_variants_or_none(shop: Shop) -> None:
    """Of one product by period and region; a variant that is there, or one bad cell, adds nothing."""
    made = create_goods(actor=keeper(shop.merchant), merchant_id=shop.merchant, goods=cat_book(), now=NOON)
    cells = [Cell(axes, f"G{n}", Money(100 * n, "CNY"), on_sale=n != 3) for n, axes in enumerate(GRID)]

    def add(*some: Cell, product: int = made.product_id, party: int = shop.merchant) -> list[int]:
        return create_grid(
            actor=keeper(party), merchant_id=party, product_id=product, cells=some, issuer_id=None, now=NOON
        )

    assert len(add(*cells)) == 4
    assert shop.sql(
        "SELECT l.code, k.names ->> 'en', l.price_minor, l.on_sale FROM listing l JOIN sku k ON k.id = l.sku_id"
        " WHERE l.code LIKE 'G%' ORDER BY l.position"
    ) == [
        ("G0", "Cat book 1 month China", 0, True),
        ("G1", "Cat book 1 month United States", 100, True),
        ("G2", "Cat book 12 months China", 200, True),
        ("G3", "Cat book 12 months United States", 300, False),
    ]
    other = shop.a_party("other")
    fresh = Cell({"period": "quarter"}, "H1", Money(5, "CNY"))
    shared = shop.sql("SELECT product_id FROM sku WHERE id = %s", [shop.a_sku("A1")])[0][0]
    before = shop.fingerprint()
    for kind, some, more in (
        (VariantThere, [fresh, Cell(GRID[0], "H2", Money(5, "CNY"))], {}),
        (CodeTaken, [fresh, Cell({"period": "x"}, "G1", Money(5, "CNY"))], {}),
        (Invalid, [fresh, Cell({"colour": "red"}, "H2", Money(5, "CNY"))], {}),
        (Invalid, [Cell({"seats": str(n)}, f"H{n}", Money(5, "CNY")) for n in range(101)], {}),
        (Invalid, [], {}),
        (NotFound, [fresh], {"party": other}),
        (NotFound, [fresh], {"product": shared}),
    ):
        with pytest.raises(kind):
            add(*some, **more)
    assert shop.fingerprint() == before


def words(product_id: int, actor: Actor, aliases: str = "Neko", position: int = 3, **texts: Any) -> None:
    change_product(
        actor=actor,
        product_id=product_id,
        names={"zh-CN": "狗狗图鉴"},
        texts=texts or {"redeem": {"zh-CN": "扫码"}},
        category=Category.LIFE,
        aliases=aliases,
        position=position,
        now=NOON,
    )


def test_goods_are_changed_and_put_away_and_come_back_off_sale(shop: Shop) -> None:
    """Nothing is deleted and nothing cascades: what was put away keeps its code and its orders."""
    who = keeper(shop.merchant)
    made = create_goods(actor=who, merchant_id=shop.merchant, goods=cat_book(), now=NOON)
    words(made.product_id, who)
    change_listing(actor=who, listing_id=made.listing_id, maximum_quantity=7, position=2, now=NOON)
    archive_listing(actor=who, listing_id=made.listing_id, archived=True, now=NOON)
    with pytest.raises(Archived):
        set_on_sale(actor=who, listing_id=made.listing_id, on_sale=True, now=NOON)
    archive_listing(actor=who, listing_id=made.listing_id, archived=False, now=NOON)
    assert shop.sql("SELECT on_sale, archived_at, maximum_quantity, position FROM listing") == [(False, None, 7, 2)]
    set_on_sale(actor=who, listing_id=made.listing_id, on_sale=True, now=NOON)
    archive_product(actor=who, product_id=made.product_id, archived=True, now=NOON)
    assert search(merchant_id=shop.merchant, text="neko", locale="en") == []
    archive_product(actor=who, product_id=made.product_id, archived=False, now=NOON)
    assert [one.name for one in search(merchant_id=shop.merchant, text="neko", locale="en")] == ["狗狗图鉴"]


def test_what_cannot_be_changed_or_is_anothers_stays_as_it_is(shop: Shop) -> None:
    """INV-T1"""
    who, other = keeper(shop.merchant), keeper(shop.a_party("other"))
    made = create_goods(actor=who, merchant_id=shop.merchant, goods=cat_book(), now=NOON)
    before = shop.fingerprint()
    for kind, actor, more in (
        (Invalid, who, {"position": -1}),
        (Invalid, who, {"aliases": "x" * 401}),
        (Invalid, who, {"colour": {"en": "red"}}),
        (NotFound, other, {}),
        (NotAllowed, keeper(shop.merchant, Role.SUPPORT), {}),
    ):
        with pytest.raises(kind):
            words(made.product_id, actor, **more)
    with pytest.raises(NotFound):
        archive_listing(actor=other, listing_id=made.listing_id, archived=True, now=NOON)
    with pytest.raises(Invalid):
        change_listing(actor=who, listing_id=made.listing_id, maximum_quantity=0, position=0, now=NOON)
    assert shop.fingerprint() == before


def test_a_shared_brand_may_stand_over_own_goods(shop: Shop) -> None:
    who, brand = keeper(shop.merchant), shop.sql("SELECT issuer_id FROM sku WHERE id = %s", [shop.a_sku("A1")])[0][0]

    made = create_goods(actor=who, merchant_id=shop.merchant, goods=cat_book(issuer_id=brand), now=NOON)

    assert shop.sql("SELECT issuer_id FROM sku WHERE id = %s", [made.sku_id]) == [(brand,)]
    assert shop.sql("SELECT count(*) FROM issuer WHERE owner_id IS NOT NULL") == [(0,)]
    with pytest.raises(NotFound):
        create_sku(actor=who, product_id=made.product_id, code="Z1", names=NAMES, issuer_id=10**9, now=NOON)
