"""Looking at goods: shelves, pages, axes one after another, searches; what has one answer is not asked."""

import pytest

from bot.screens import ScreenKind
from core.actor import OPERATOR
from core.catalog.changes import create_issuer, create_listing, create_product, create_sku
from core.catalog.rules import Category, ProductKind
from core.money import Money
from tests.builders import NOON, Shop
from tests.support.dialog import Dialog, an_engine, order_of, pay_and_deliver


class Shelves:
    """Puts named goods on the shelves of the builder's merchant."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.merchant = shop.merchant
        self.issuer = create_issuer(actor=OPERATOR, code="brand", names={"zh-CN": "品牌", "en": "Brand"}, now=NOON)

    def a_product(self, code: str, zh: str, en: str, category: Category = Category.VIDEO) -> int:
        return create_product(
            actor=OPERATOR,
            owner_id=self.shop.platform,
            code=code,
            kind=ProductKind.CARD_KEY,
            category=category,
            names={"zh-CN": zh, "en": en},
            texts={"redeem": {"zh-CN": "打开应用，输入卡密", "en": "Open the app and enter the card"}},
            now=NOON,
        )

    def a_variant(self, product: int, code: str, names: tuple[str, str], price: int, **axes: str) -> int:
        sku = create_sku(
            actor=OPERATOR,
            product_id=product,
            code=code,
            names={"zh-CN": names[0], "en": names[1]},
            axes=axes,
            issuer_id=self.issuer,
            now=NOON,
        )
        self.shop._made[code] = sku
        return create_listing(
            actor=OPERATOR, merchant_id=self.merchant, sku_id=sku, code=code, price=Money(price, "CNY"), now=NOON
        )


@pytest.fixture
def shelves(shop):
    return Shelves(shop)


@pytest.fixture
def talk(shop, clock):
    return Dialog(an_engine(shop, clock), shop.a_shopper())


@pytest.fixture
def steam(shelves):
    """Three Steam cards along two axes: two face values in the US, one in China."""
    product = shelves.a_product("steam", "Steam 充值卡", "Steam gift card", Category.GAMES)
    shelves.a_variant(product, "B1", ("Steam 50 美元", "Steam 50 USD"), 36800, region="US", face_value="50 USD")
    shelves.a_variant(product, "B2", ("Steam 20 美元", "Steam 20 USD"), 14900, region="US", face_value="20 USD")
    shelves.a_variant(product, "B3", ("Steam 100 元", "Steam 100 CNY"), 9900, region="CN", face_value="100 CNY")
    return product


def labels(screen):
    return [option.label for option in screen.options]


def test_axes_are_chosen_one_after_another_and_lead_to_the_confirm_screen(talk, shop, steam):
    shop.a_batch("B2", 20)

    product = talk.say("商品")
    assert product.text.startswith("Steam 充值卡")
    assert labels(product) == ["美区", "国区 · ¥99.00 · 售罄", "返回"]

    values = talk.tap("美区")
    assert labels(values) == ["50 USD · ¥368.00 · 售罄", "20 USD · ¥149.00 · 充足", "返回"]

    confirm = talk.tap("20 USD")
    assert confirm.kind is ScreenKind.CONFIRM
    assert "商品：Steam 20 美元 (B2)" in confirm.text


def test_a_value_that_leaves_one_variant_is_not_asked_further(talk, shop, steam):
    shop.a_batch("B3", 20)
    talk.say("商品")

    assert "商品：Steam 100 元 (B3)" in talk.tap("国区").text


def test_a_code_alone_shows_exactly_that_variant_with_its_rules(talk, shop, steam):
    shop.a_batch("B1", 3)

    screen = talk.say("b1")

    assert screen.kind is ScreenKind.PRODUCT
    assert screen.text.split("\n")[:4] == ["Steam 50 美元", "价格：¥368.00", "库存：仅剩 3", "编号：B1"]
    assert labels(screen) == ["购买", "返回"]


def test_several_shelves_are_shown_first_and_a_shelf_with_one_product_is_that_product(talk, shelves, steam):
    video = shelves.a_product("tencent", "腾讯视频", "Tencent Video")
    shelves.a_variant(video, "A1", ("腾讯视频 月卡", "Tencent Video, 1 month"), 2500, period="month")

    first = talk.say("选购")
    assert labels(first) == ["影视会员 (1)", "游戏点卡 (1)", "搜索", "菜单"]

    assert talk.tap("影视会员").text.startswith("腾讯视频 月卡")
    assert labels(talk.tap("返回")) == labels(first)


def test_nine_products_make_two_pages_with_ways_on_and_back(talk, shelves):
    for n in range(1, 10):
        product = shelves.a_product(f"video-{n}", f"视频 {n}", f"Video {n}")
        shelves.a_variant(product, f"V{n}", (f"视频 {n} 月卡", f"Video {n}, 1 month"), 1000 + n, period="month")

    first = talk.say("商品")
    assert len(first.options) == 10
    assert labels(first)[-2:] == ["下一页", "菜单"]

    second = talk.tap("下一页")
    assert labels(second) == ["视频 9 月卡 · ¥10.09 · 售罄", "上一页", "菜单"]
    assert labels(talk.tap("上一页")) == labels(first)


@pytest.mark.parametrize("said", ["搜索 视频", "搜索视频", "search video", "腾讯视频", "video"])
def test_a_search_with_one_result_shows_the_product_at_once(talk, shelves, steam, said):
    video = shelves.a_product("tencent", "腾讯视频", "Tencent Video")
    shelves.a_variant(video, "A1", ("腾讯视频 月卡", "Tencent Video, 1 month"), 2500, period="month")

    screen = talk.say(said)

    assert screen.kind is ScreenKind.PRODUCT
    assert screen.text.startswith("腾讯视频 月卡")


@pytest.mark.parametrize("before", ["", "搜索 "])
def test_a_name_of_several_goods_lists_each_as_what_is_sold_with_its_face_value(talk, shelves, before):
    for n, (code, value, price) in enumerate((("B1", "50", 35900), ("B2", "20", 14900))):
        product = shelves.a_product(f"steam-{n}", "Steam 钱包充值码", "Steam Wallet Code", Category.GAMES)
        shelves.a_variant(product, code, (f"Steam {value} 美元充值码", f"Steam {value} USD"), price, region="US")

    found = talk.say(f"{before}steam")

    assert found.text == "“steam”的搜索结果"
    assert labels(found)[:2] == ["Steam 50 美元充值码 · ¥359.00 · 售罄", "Steam 20 美元充值码 · ¥149.00 · 售罄"]
    assert labels(talk.say("商品"))[:2] == labels(found)[:2]
    assert talk.say(f"{before}steam 50").text.startswith("Steam 50 美元充值码\n")


@pytest.mark.parametrize("said", ["nintendo", "notebook", "nothing-like-this", "thing", "netflix", "腾迅", "staem"])
@pytest.mark.parametrize("before", ["", "search "])
def test_a_name_nothing_has_is_offered_what_may_be_meant_and_opens_nothing(talk, shelves, steam, before, said):
    for code, zh, en in (("D1", "墨笺笔记 专业版", "Ink Notes Pro"), ("A1", "腾讯视频", "Tencent Video")):
        product = shelves.a_product(code.lower(), zh, en)
        shelves.a_variant(product, code, (f"{zh} 月卡", f"{en}, 1 month"), 2500, period="month")

    screen = talk.say(before + said)

    assert screen.kind is ScreenKind.MENU
    assert screen.text.startswith(f"没有找到“{said}”，您要的是不是这些？")


def test_a_search_without_words_asks_and_one_without_results_shows_the_nearest(talk, steam):
    assert talk.say("搜索").kind is ScreenKind.INPUT
    assert talk.say("搜索 奈飞会员").text.startswith("没有找到“奈飞会员”")


def test_a_link_to_one_product_opens_it_and_a_strange_one_opens_the_menu(talk, steam):
    assert talk.say("/start B1").kind is ScreenKind.PRODUCT
    assert talk.say("/start somewhere").text.startswith("您好")


def test_how_to_use_comes_with_the_order(talk, shop, shelves, clock):
    video = shelves.a_product("tencent", "腾讯视频", "Tencent Video")
    shelves.a_variant(video, "A1", ("腾讯视频 月卡", "Tencent Video, 1 month"), 2500, period="month")
    shop.a_batch("A1", 2)
    talk.say("买 A1 1")
    pay_and_deliver(shop, clock, order_of(talk.tap("确认")))

    cards = talk.unasked()[-1]

    assert "打开应用，输入卡密" in cards.text
    assert talk.act(cards.options[1].action).text == "使用方法\n打开应用，输入卡密"
