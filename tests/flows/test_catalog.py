"""Setting goods up and reading them: shelves, pages, codes, versions of prices, and whose goods they are."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.catalog.service import (
    Category,
    ProductKind,
    UnknownListing,
    access_listing,
    access_product,
    access_sku,
    categories,
    create_issuer,
    create_listing,
    create_product,
    create_sku,
    find_listing,
    find_listings,
    find_sku,
    product_view,
    products_page,
    public_products,
    set_on_sale,
    set_price,
)
from core.errors import Invalid, NotAllowed, NotFound
from core.money import GREATEST, Money
from core.parties.service import CodeTaken, Role
from tests.builders import NOON, Shop, Sql

PRICE = Money(1999, "CNY")


@pytest.fixture
def shop(store_db: object, sql: Sql) -> Shop:
    shop = Shop(sql)
    _ = shop.merchant
    shop.a_party("other")
    return shop


def catalog_staff(shop: Shop, code: str = "demo") -> Actor:
    return Actor(ActorKind.STAFF, id=uuid4(), party_id=shop.a_party(code), roles=frozenset({Role.CATALOG}))


def goods(shop: Shop, code: str, *, owner: int | None = None, shelf: Category = Category.VIDEO, place: int = 0) -> int:
    """A product with one SKU of the same code; returns the SKU's id."""
    names = {"zh-CN": f"商品 {code}", "en": f"Goods {code}"}
    issuer = create_issuer(actor=OPERATOR, code=code.lower(), names=names, now=NOON)
    product = create_product(
        actor=OPERATOR,
        owner_id=shop.platform if owner is None else owner,
        code=code.lower(),
        kind=ProductKind.CARD_KEY,
        category=shelf,
        names=names,
        texts={"summary": {"zh-CN": "简介", "en": "Summary"}, "redeem": {"zh-CN": "步骤"}, "refund": {"en": "Never"}},
        position=place,
        now=NOON,
    )
    return create_sku(
        actor=OPERATOR, product_id=product, code=code, names=names, axes={"region": "US"}, issuer_id=issuer, now=NOON
    )


def listed(shop: Shop, code: str, sku: int, *, merchant: str = "demo", price: Money = PRICE) -> int:
    actor = catalog_staff(shop, merchant)
    return create_listing(actor=actor, merchant_id=shop.a_party(merchant), sku_id=sku, code=code, price=price, now=NOON)


def refused(work: Callable[[], object]) -> NotFound:
    with pytest.raises(NotFound) as caught:
        work()
    return caught.value


def test_a_listing_is_found_by_its_code_however_it_is_cased(shop: Shop) -> None:
    number = listed(shop, "A1", goods(shop, "A1"))

    found = find_listing(merchant_id=shop.merchant, code="a1")

    assert (found.id, found.price, found.version) == (number, PRICE, 1)
    assert found.axes == {"region": "US"}
    assert found.name("en") == "Goods A1"
    assert find_listings(merchant_id=shop.merchant, listing_ids=[number, 10**9]) == {number: found}
    assert find_sku(code="A1") == found.sku_id


@pytest.mark.parametrize("code", ["A2", "", "A1 ", "A-1", "é", "a\0b", "A" * 17, "%", "ſ1"])
def test_a_code_that_is_not_sold_here_is_not_found(shop: Shop, code: str) -> None:
    sku = goods(shop, "A1")
    listed(shop, "A1", sku)
    listed(shop, "A2", sku, merchant="other")

    with pytest.raises(UnknownListing):
        find_listing(merchant_id=shop.merchant, code=code)


def test_a_new_price_has_a_new_version(shop: Shop) -> None:
    number = listed(shop, "A1", goods(shop, "A1"))

    version = set_price(actor=catalog_staff(shop), listing_id=number, price=Money(1500, "CNY"), now=NOON)

    assert version == 2
    found = find_listing(merchant_id=shop.merchant, code="A1")
    assert (found.price, found.version) == (Money(1500, "CNY"), 2)
    assert shop.sql("SELECT detail FROM audit_entry WHERE action = 'listing.priced'") == [({"price_minor": 1500},)]


def test_fault_55_a_price_outside_the_books_or_in_another_currency_changes_nothing(shop: Shop) -> None:
    number = listed(shop, "A1", goods(shop, "A1"))
    before = shop.fingerprint()

    for price in (Money(-5, "CNY"), Money(GREATEST + 1, "CNY"), Money(100, "USD")):
        with pytest.raises(Invalid):
            set_price(actor=OPERATOR, listing_id=number, price=price, now=NOON)
    assert shop.fingerprint() == before


def test_fault_56_deceiving_names_of_goods_are_refused_and_odd_ones_kept(shop: Shop) -> None:
    for bad in ("a\0b", "50\u202e元", "\n"):
        with pytest.raises(Invalid):
            create_issuer(actor=OPERATOR, code="i", names={"zh-CN": bad}, now=NOON)

    create_issuer(actor=OPERATOR, code="i", names={"zh-CN": "🎬 cafe\u0301 a\u200bb"}, now=NOON)
    assert shop.sql("SELECT names ->> 'zh-CN' FROM issuer") == [("🎬 cafe\u0301 a\u200bb",)]


def test_codes_are_taken_once(shop: Shop) -> None:
    sku = goods(shop, "A1")
    listed(shop, "A1", sku)
    second = goods(shop, "A2")
    before = shop.fingerprint()

    for again in (
        lambda: listed(shop, "A1", second),
        lambda: listed(shop, "A9", sku),
        lambda: create_issuer(actor=OPERATOR, code="a1", names={"zh-CN": "x"}, now=NOON),
    ):
        with pytest.raises(CodeTaken):
            again()
    assert shop.fingerprint() == before


def test_pages_hold_eight_and_say_whether_more_follow(shop: Shop) -> None:
    for n in range(10):
        listed(shop, f"G{n}", goods(shop, f"G{n}", place=n, shelf=Category.VIDEO if n < 9 else Category.GAMES))

    first = products_page(merchant_id=shop.merchant, page=1, locale="en")
    second = products_page(merchant_id=shop.merchant, page=2, locale="en")
    games = products_page(merchant_id=shop.merchant, category=Category.GAMES, locale="zh-CN")

    assert ([card.code for card in first.items], first.has_more) == ([f"g{n}" for n in range(8)], True)
    assert ([card.code for card in second.items], second.has_more) == (["g8", "g9"], False)
    assert [(card.name, card.summary) for card in games.items] == [("商品 G9", "简介")]
    assert products_page(merchant_id=shop.merchant, page=99, locale="en").items == ()
    assert products_page(merchant_id=shop.merchant, page=-1, locale="en").number == 1
    assert [(shelf.name, shelf.products) for shelf in categories(merchant_id=shop.merchant, locale="en")] == [
        ("Video memberships", 9),
        ("Game cards", 1),
    ]
    assert categories(merchant_id=shop.a_party("other"), locale="en") == []


def test_a_product_shows_its_rules_in_the_language_that_has_them(shop: Shop) -> None:
    listed(shop, "A1", goods(shop, "A1"))
    number = find_listing(merchant_id=shop.merchant, code="A1").product_id

    view = product_view(merchant_id=shop.merchant, product_id=number, locale="en")

    assert (view.card.name, view.card.summary, view.redeem, view.refund) == ("Goods A1", "Summary", "步骤", "Never")
    assert [listing.code for listing in view.card.listings] == ["A1"]
    refused(lambda: product_view(merchant_id=shop.a_party("other"), product_id=number, locale="en"))


def test_what_is_hidden_or_archived_is_in_no_list(shop: Shop) -> None:
    hidden = listed(shop, "A1", goods(shop, "A1"))
    listed(shop, "A2", goods(shop, "A2"))
    listed(shop, "A3", goods(shop, "A3"))

    set_on_sale(actor=catalog_staff(shop), listing_id=hidden, on_sale=False, now=NOON)
    shop.sql("UPDATE sku SET archived_at = now() WHERE code = 'A2'")

    page = public_products(merchant_id=shop.merchant, after=None, limit=10, locale="en")
    assert ([card.code for card in page.items], page.next) == (["a3"], None)
    for code in ("A1", "A2"):
        with pytest.raises(UnknownListing):
            find_listing(merchant_id=shop.merchant, code=code)


def test_the_public_list_is_read_in_parts_without_gaps(shop: Shop) -> None:
    for n in range(5):
        listed(shop, f"G{n}", goods(shop, f"G{n}", place=n // 2))

    seen, cursor = [], None
    while True:
        part = public_products(merchant_id=shop.merchant, after=cursor, limit=2, locale="en")
        seen += [card.code for card in part.items]
        if part.next is None:
            break
        cursor = part.next

    assert seen == ["g0", "g1", "g2", "g3", "g4"]
    for bad in ("A B", "", "'", "\0"):
        with pytest.raises(Invalid):
            public_products(merchant_id=shop.merchant, after=bad, limit=2, locale="en")


def test_inv_t1_foreign_goods_look_like_missing_ones_and_stay_as_they_were(shop: Shop) -> None:
    theirs = goods(shop, "T1", owner=shop.a_party("other"))
    listing = listed(shop, "T1", theirs, merchant="other")
    product = find_listing(merchant_id=shop.a_party("other"), code="T1").product_id
    actor = catalog_staff(shop)
    before = shop.fingerprint()

    for foreign, missing in (
        (lambda: access_product(actor=actor, product_id=product), lambda: access_product(actor=actor, product_id=0)),
        (lambda: access_sku(actor=actor, sku_id=theirs), lambda: access_sku(actor=actor, sku_id=0)),
        (lambda: access_listing(actor=actor, listing_id=listing), lambda: access_listing(actor=actor, listing_id=0)),
        (
            lambda: set_price(actor=actor, listing_id=listing, price=PRICE, now=NOON),
            lambda: set_price(actor=actor, listing_id=0, price=PRICE, now=NOON),
        ),
        (
            lambda: set_on_sale(actor=actor, listing_id=listing, on_sale=False, now=NOON),
            lambda: set_on_sale(actor=actor, listing_id=0, on_sale=False, now=NOON),
        ),
        (lambda: listed(shop, "T1", theirs), lambda: listed(shop, "T1", 0)),
    ):
        assert str(refused(foreign)) == str(refused(missing))
    assert shop.fingerprint() == before


def test_shared_goods_are_seen_by_every_party_and_changed_by_the_platform_only(shop: Shop) -> None:
    sku = goods(shop, "A1")
    actor = catalog_staff(shop)
    product = shop.sql("SELECT product_id FROM sku WHERE id = %s", [sku])[0][0]
    issuer = shop.sql("SELECT issuer_id FROM sku WHERE id = %s", [sku])[0][0]

    assert access_product(actor=actor, product_id=product) == shop.platform
    assert access_sku(actor=actor, sku_id=sku) == shop.platform
    refused(
        lambda: create_sku(actor=actor, product_id=product, code="A9", names={"zh-CN": "x"}, issuer_id=issuer, now=NOON)
    )
    refused(lambda: access_product(actor=Actor(ActorKind.SHOPPER, uuid4(), shop.merchant), product_id=product))


def test_a_role_without_goods_may_look_and_not_touch(shop: Shop) -> None:
    listing = listed(shop, "A1", goods(shop, "A1"))
    clerk = Actor(ActorKind.STAFF, id=uuid4(), party_id=shop.merchant, roles=frozenset({Role.SUPPORT}))

    assert access_listing(actor=clerk, listing_id=listing) == shop.merchant
    with pytest.raises(NotAllowed):
        set_price(actor=clerk, listing_id=listing, price=PRICE, now=NOON)
    with pytest.raises(NotAllowed):
        create_issuer(actor=clerk, code="x", names={"zh-CN": "x"}, now=NOON)


def test_a_supplier_owns_no_products_and_sells_no_listing(shop: Shop) -> None:
    brand = shop.a_party("brand1", "supplier")
    sku = goods(shop, "A1")

    with pytest.raises(Invalid):
        goods(shop, "B2", owner=brand)
    with pytest.raises(Invalid):
        create_listing(actor=OPERATOR, merchant_id=brand, sku_id=sku, code="A1", price=PRICE, now=NOON)
