"""What a shopper types finds goods: parts of names are found, words alike and wrong characters are only offered."""

import pytest

from core.actor import OPERATOR
from core.catalog.service import (
    Category,
    ProductKind,
    alike,
    create_issuer,
    create_listing,
    create_product,
    create_sku,
    nearest,
    search,
    set_on_sale,
)
from core.errors import NotFound
from core.money import Money
from tests.builders import NOON, Shop, Sql

GOODS = [
    ("tencent-video", Category.VIDEO, "腾讯视频 VIP", "Tencent Video VIP", "鹅厂 企鹅", "A1", "腾讯视频 VIP 月卡"),
    ("iqiyi", Category.VIDEO, "爱奇艺黄金会员", "iQIYI Gold", "奇艺", "A2", "爱奇艺黄金会员 季卡"),
    ("steam-wallet", Category.GAMES, "Steam 钱包充值码", "Steam Wallet Code", "蒸汽", "B1", "Steam 50 美元（美区）"),
    ("jd-ecard", Category.SHOPPING, "京东 E 卡", "JD e-card", "jingdong 礼品卡", "C1", "京东 E 卡 100 元"),
    ("party-pack", Category.LIFE, "派对 🎬 礼包", "Party pack 100%", "", "P1", "派对 🎬 礼包"),
]


@pytest.fixture
def shop(store_db: object, sql: Sql) -> Shop:
    shop = Shop(sql)
    _ = shop.merchant
    shop.a_party("other")
    for place, (code, shelf, chinese, english, aliases, short, variant) in enumerate(GOODS):
        issuer = create_issuer(actor=OPERATOR, code=code, names={"zh-CN": chinese}, now=NOON)
        product = create_product(
            actor=OPERATOR,
            owner_id=shop.platform,
            code=code,
            kind=ProductKind.CARD_KEY,
            category=shelf,
            names={"zh-CN": chinese, "en": english},
            aliases=aliases,
            position=place,
            now=NOON,
        )
        sku = create_sku(
            actor=OPERATOR, product_id=product, code=short, names={"zh-CN": variant}, issuer_id=issuer, now=NOON
        )
        create_listing(
            actor=OPERATOR, merchant_id=shop.merchant, sku_id=sku, code=short, price=Money(1000, "CNY"), now=NOON
        )
    return shop


def found(shop: Shop, text: str) -> list[str]:
    return [card.code for card in search(merchant_id=shop.merchant, text=text, locale="zh-CN")]


def offered(shop: Shop, text: str) -> list[str]:
    return [card.code for card in alike(merchant_id=shop.merchant, text=text, locale="zh-CN")]


@pytest.mark.parametrize(
    ("typed", "goods"),
    [
        ("视频", ["tencent-video"]),
        ("腾讯", ["tencent-video"]),
        ("steam 50", ["steam-wallet"]),
        ("50 STEAM", ["steam-wallet"]),
        ("Ｓｔｅａｍ　５０", ["steam-wallet"]),
        ("爱奇艺", ["iqiyi"]),
        ("iqiyi", ["iqiyi"]),
        ("e-card", ["jd-ecard"]),
        ("京东e卡", ["jd-ecard"]),
        ("礼品卡", ["jd-ecard"]),
        ("b1", ["steam-wallet"]),
        ("🎬", ["party-pack"]),
        ("100%", ["party-pack", "jd-ecard"]),
    ],
)
def test_parts_of_names_aliases_and_codes_find_their_goods(shop: Shop, typed: str, goods: list[str]) -> None:
    assert found(shop, typed) == goods


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("腾迅", "tencent-video"),
        ("腾迅视频", "tencent-video"),
        ("爱奇异", "iqiyi"),
        ("爱其艺", "iqiyi"),
        ("steem 50", "steam-wallet"),
        ("staem", "steam-wallet"),
        ("tencnet video", "tencent-video"),
    ],
)
def test_typing_mistakes_are_offered_their_goods_first_and_never_found(shop: Shop, typed: str, best: str) -> None:
    assert found(shop, typed) == []
    assert offered(shop, typed)[0] == best


@pytest.mark.parametrize("typed", ["nintendo", "notebook", "nothing-like-this"])
def test_the_letter_pairs_of_an_unknown_latin_word_are_like_nothing(shop: Shop, typed: str) -> None:
    assert found(shop, typed) == []
    assert offered(shop, typed) == []


@pytest.mark.parametrize("typed", ["%", "_", "\\", "%%%", "\0", "", "   ", "\u202e", "' OR 1=1 --", "netflix", "量子"])
def test_signs_without_meaning_and_unknown_words_find_nothing(shop: Shop, typed: str) -> None:
    assert found(shop, typed) == []
    assert offered(shop, typed) == []


def test_a_nul_between_letters_parts_words_and_breaks_nothing(shop: Shop) -> None:
    assert found(shop, "steam\x0050") == ["steam-wallet"]


@pytest.mark.parametrize("typed", ["netflix", "量子咖啡", "", "\0%", "x" * 5000, "🦄"])
def test_unknown_words_are_answered_with_three_goods(shop: Shop, typed: str) -> None:
    assert len(nearest(merchant_id=shop.merchant, text=typed, locale="en")) == 3


def test_the_nearest_goods_come_first(shop: Shop) -> None:
    assert nearest(merchant_id=shop.merchant, text="腾迅会员季卡", locale="en")[0].code == "iqiyi"
    assert nearest(merchant_id=shop.merchant, text="iqyi", locale="en")[0].code == "iqiyi"
    assert nearest(merchant_id=shop.merchant, text="stem wallets", locale="en")[0].code == "steam-wallet"


def test_a_typed_code_comes_before_names_that_hold_it(shop: Shop) -> None:
    create_listing(
        actor=OPERATOR,
        merchant_id=shop.a_party("other"),
        sku_id=shop.sql("SELECT id FROM sku WHERE code = 'A2'")[0][0],
        code="VIP",
        price=Money(1, "CNY"),
        now=NOON,
    )
    create_listing(
        actor=OPERATOR,
        merchant_id=shop.a_party("other"),
        sku_id=shop.sql("SELECT id FROM sku WHERE code = 'A1'")[0][0],
        code="T1",
        price=Money(1, "CNY"),
        now=NOON,
    )

    cards = search(merchant_id=shop.a_party("other"), text="vip", locale="zh-CN")

    assert [card.code for card in cards] == ["iqiyi", "tencent-video"]


def test_a_search_shows_only_what_this_merchant_sells_now(shop: Shop) -> None:
    listing = shop.sql("SELECT id FROM listing WHERE code = 'B1'")[0][0]

    set_on_sale(actor=OPERATOR, listing_id=listing, on_sale=False, now=NOON)

    assert found(shop, "steam") == []
    assert search(merchant_id=shop.a_party("other"), text="视频", locale="en") == []
    with pytest.raises(NotFound):
        set_on_sale(actor=OPERATOR, listing_id=10**9, on_sale=True, now=NOON)


def test_the_cards_are_worded_in_the_shoppers_language(shop: Shop) -> None:
    (card,) = search(merchant_id=shop.merchant, text="视频", locale="en")

    assert card.name == "Tencent Video VIP"
    assert [(listing.code, listing.price) for listing in card.listings] == [("A1", Money(1000, "CNY"))]
    assert card.listings[0].name("en") == "腾讯视频 VIP 月卡"
