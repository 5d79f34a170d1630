"""A reply of WeChat: fits, offers exactly the keys that are understood, names no price where the shop is strict."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import browse, orders, outbox
from bot.intents import Act, Intent
from bot.numbers import YES, numbered, offered, typed
from bot.pages import Page, PageKind
from bot.screens import CardEntry, Option, Screen, ScreenKind
from bot.texts import Phrasebook
from bot.wordings import NUMBERED, QUIET, by_number
from channels.chat.wechat.cards import card_lines, carried
from channels.chat.wechat.envelope import NOT_XML
from channels.chat.wechat.render import fits, reply_text, reply_texts
from core.messages.service import MessageKind
from core.orders.rules import OrderStatus
from core.secret import Secret
from tests.golden.goods import ORDER, TENCENT, a_listing, a_message, a_product, an_order, delivered_cards
from tests.golden.renderers import RENDERERS, scenes_of
from tests.golden.scenes import scenes
from tests.unit.test_bot_texts import sentences_said

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
KEY = re.compile(r"^([0-9Y]) ", re.MULTILINE)
PAYING = re.compile(
    r"[¥￥$€]|付款|支付|付清|够付|购买|充值|价格|单价|降价|涨价|应付|余额|扣款|扣了款|扣钱|收费|\d ?[元块]"
    r"|[一二两三四五六七八九十百千]元|(?i:\b(?:un)?paid\b|\bpay|\bpric|\bbuy|purchas|top.?up|\bCN¥|\bCNY\b)"
    r"|(?i:\bRMB\b|\bcost|\bbalance|\bcharg)"
)
SCENES = list(scenes_of(RENDERERS["wechat/strict"]))


def texts(locale="zh-CN", *, shows_prices=True):
    return replace(BOOK.texts(locale), manner=by_number(shows_prices=shows_prices))


def address(page):
    return f"https://shop.example/w/{page.kind.value}"


def replied(screen, said=None, **how):
    return reply_text(screen, said or texts(), page_url=address, **how)


def a_menu(*labels, text="Choose", back=True, **more):
    options = [
        Option(label, act=Act(Intent.CATALOG, {"n": n}), action=f"token{n}") for n, label in enumerate(labels, 1)
    ]
    if back:
        options.append(Option("Menu", act=Act(Intent.HOME), action="home", is_back=True))
    return Screen(ScreenKind.MENU, text, tuple(options), **more)


def a_delivery(*secrets, text="Cards", **more):
    cards = tuple(CardEntry(f"crd_{n}", "A-**", secret=Secret(secret)) for n, secret in enumerate(secrets))
    return Screen(ScreenKind.CARDS, text, cards=cards, order=ORDER, **more)


@pytest.mark.parametrize("shows_prices", [True, False])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_reply_offers_exactly_the_keys_that_are_understood(scene, locale, shows_prices):
    said = texts(locale, shows_prices=shows_prices)
    screen = scenes()[scene](said)

    shown = KEY.findall(replied(replace(screen, text="title"), said, is_answer=True))

    understood = {option.number for option in typed(screen)}
    keys = {"Y": YES} | {str(n): n for n in range(10)}
    if screen.kind is ScreenKind.CARDS:
        assert shown == []
    else:
        assert {keys[key] for key in shown} <= understood
        assert understood - {keys[key] for key in shown} <= {0, None, YES}  # 0 to the menu, how many, 确认 once more


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_strict_shop_names_no_price_and_no_paying_in_the_chat(scene, locale):
    """`ios_rule` strict: names and codes; the names of goods are the merchant's own words."""
    said = texts(locale, shows_prices=False)
    screen = scenes()[scene](said)

    text = "\n".join(replied(screen, said, is_answer=is_answer) for is_answer in (True, False))

    text = re.sub(r'href="[^"]*"', "", text).replace("Steam 充值卡", "").replace(TENCENT[locale], "")
    assert PAYING.findall(text) == []


@pytest.mark.parametrize("scene", ["variant", "two_variants", "steps", "cards"])
def test_a_strict_shop_leaves_out_the_lines_of_a_merchants_own_texts_that_name_an_amount(scene):
    def shown(*, shows_prices):
        said = texts(shows_prices=shows_prices)
        return replied(screens_with("官方卡密\n¥25 起\n全国可用", said)[scene], said)

    assert "官方卡密\n¥25 起\n全国可用" in shown(shows_prices=True)
    assert "官方卡密\n全国可用" in shown(shows_prices=False)
    assert PAYING.findall(re.sub(r'href="[^"]*"', "", shown(shows_prices=False))) == []


def test_a_strict_shop_leaves_out_the_whole_row_of_a_text_that_is_one_amount():
    said = texts(shows_prices=False)

    assert screens_with("每张 25 元", said)["variant"].text == (
        "腾讯视频 月卡\n库存：充足\n编号：A1\n发货：几秒内在页面显示，也可以回复“取卡”\n要两件就直接发“A1 2”。"
    )


def screens_with(written, said):
    """The screens that show a merchant's text: summary and refunds, of one variant or two; how goods are used."""
    product = a_product("zh-CN")
    product = replace(product, card=replace(product.card, summary=written), refund=written)
    two = replace(product, card=replace(product.card, listings=(a_listing(1, "A1"), a_listing(2, "A2"))))
    order = an_order(OrderStatus.DELIVERED)
    cards = a_message(MessageKind.CARDS, **delivered_cards())
    return {
        "variant": browse.draw_variant(said, product, a_listing(), {1: 100}),
        "two_variants": browse.draw_product(said, two, {1: 100}, {}),
        "steps": orders.draw_steps(said, order, {"月卡": written}),
        "cards": outbox.render(said, cards, outbox.Background(order, redeem=written)),
    }


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_speaks_of_tapping_where_nothing_can_be_tapped(scene, locale):
    said = texts(locale)
    screen = scenes()[scene](said)

    text = replied(replace(screen, text=screen.text.split("使用方法")[0].split("How to use")[0]), said)

    assert re.findall(r"点下面|点一下|按钮|(?i:\btap\b|\bbutton)", text) == []


def test_every_other_wording_is_of_a_sentence_that_is_said_and_fills_in_nothing_new():
    said = sentences_said()
    places = re.compile(r"\{([a-z_]+)\}")

    assert sorted(set(NUMBERED) - said) == []
    assert sorted(set(QUIET) - said) == []
    assert sorted(set(NUMBERED) & set(NUMBERED.values())) == []
    assert sorted(set(QUIET) & set(QUIET.values())) == []
    for table in (NUMBERED, QUIET):
        assert [key for key, other in table.items() if set(places.findall(other)) - set(places.findall(key))] == []


def test_options_are_numbered_from_one_and_pages_are_lines_of_their_own():
    screen = a_menu("Orders", "Cards").with_options(Option("Pay", pay_order=ORDER), *a_menu("Orders", "Cards").options)

    assert replied(screen) == ('Choose\n\n<a href="https://shop.example/w/order">Pay</a>\n\n1 Orders\n2 Cards\n0 返回')
    assert {option.number: option.intent for option in typed(screen)} == {1: "catalog", 2: "catalog", 0: "home"}


def test_the_web_chats_numbers_are_as_they_were():
    screen = a_menu("Orders").with_options(Option("Pay", pay_order=ORDER), *a_menu("Orders").options)

    assert [(option.number, option.intent) for option in numbered(screen)] == [(1, "pay"), (2, "catalog"), (0, "home")]


def test_a_tenth_option_has_no_number():
    screen = a_menu(*(f"Item {n}" for n in range(1, 13)))

    assert [key for key, _ in offered(screen).keys] == [*"123456789", "0"]
    assert KEY.findall(replied(screen)) == [*"123456789", "0"]


def test_zero_leads_to_the_menu_where_a_screen_has_no_way_back():
    assert {option.number: option.intent for option in typed(a_menu("Orders", back=False))}[0] == "home"


def test_an_unasked_message_has_words_and_never_a_number_that_another_menu_would_answer():
    screen = a_menu("Orders").with_options(
        Option("See the order", act=Act(Intent.ORDER)), Option("Cards", act=Act(Intent.CARDS)), *a_menu().options
    )

    assert replied(screen, is_answer=False) == "Choose\n\n可以回复：订单、取卡、菜单"


@pytest.mark.parametrize(
    "secret",
    ["TX9A-0001", "a b", "K_*`~^$#@!%+={}", "卡号：88，密码：99", "]]", "x" * 256, "'quoted\"", ":/", "a/b:c"],
)
def test_a_card_that_the_app_leaves_alone_stands_on_a_line_of_its_own(secret):
    """Fault 45, the part of it that a chat of WeChat can carry."""
    assert replied(a_delivery(secret)).split("\n\n")[1] == secret


@pytest.mark.parametrize(
    "secret",
    ["", " x", "x ", "a  b", "a\tb", "a\nb", "a\r", "\x00", "<a>", "a&b", "&amp;", "https://gift.example/1",
     "www.x.cn/1", "[微笑]", "[Smile]", "/::D", "weixin:x", "x" * 257, "\u202eabc", "a\u200bb", "é", "😀", "\ufffe",
     "]]>"],
)  # fmt: skip
def test_a_card_that_might_be_changed_or_fetched_has_the_page_and_is_not_in_the_text(secret):
    """Faults 45 and 101: byte for byte or not at all; an address is never sent where a robot opens it."""
    text = replied(a_delivery("TX9A-0001", secret))

    assert text == 'Cards\n\n<a href="https://shop.example/w/order">查看卡密（2 张）</a>'


def test_bytes_that_are_no_text_have_the_page():
    assert carried(Secret(b"\xff\xfe")) is None


def test_a_masked_card_is_never_shown_as_one():
    assert card_lines([CardEntry("crd_1", "A9-****")], texts()) is None


def test_as_many_cards_as_fit_stand_in_the_reply_and_one_more_sends_all_to_the_page():
    """Fault 44: none is missing; either all are here or all are there."""
    most = max(n for n in range(1, 400) if "查看卡密" not in replied(a_delivery(*["TX9A-0001"] * n)))

    assert replied(a_delivery(*["TX9A-0001"] * most)).count("TX9A-0001") == most
    more = replied(a_delivery(*["TX9A-0001"] * (most + 1)))
    assert "TX9A" not in more
    assert f"查看卡密（{most + 1} 张）" in more


def test_a_text_too_long_is_cut_at_a_line_and_says_where_the_rest_is():
    lines = [f"{n}. {'字' * 30}" for n in range(40)]
    screen = a_menu("Again", text="\n".join(lines), order=ORDER)

    text = replied(screen)

    assert fits(text)
    body, link, keys = text.split("\n\n")
    assert body.split("\n")[:-1] == lines[: len(body.split("\n")) - 1]
    assert body.endswith("\n…")
    assert link == '<a href="https://shop.example/w/order">查看订单</a>'
    assert keys == "1 Again\n0 返回"


@settings(max_examples=200)
@given(
    body=st.text(max_size=3000),
    labels=st.lists(st.text(min_size=1, max_size=300), max_size=12),
    secrets=st.lists(st.text(max_size=300), max_size=60),
    is_answer=st.booleans(),
)
def test_every_reply_fits_carries_only_what_xml_can_and_keeps_each_card_whole(body, labels, secrets, is_answer):
    kind = ScreenKind.CARDS if secrets else ScreenKind.MENU
    cards = a_delivery(*secrets).cards
    screen = replace(a_menu(*labels, text=body, order=ORDER), kind=kind, cards=cards)

    text = replied(screen, is_answer=is_answer)

    assert fits(text)
    assert not NOT_XML.search(text)
    if secrets:
        lines = text.split("\n")
        assert "查看卡密" in text or all(lines.count(secret) >= secrets.count(secret) for secret in secrets)


def test_several_deliveries_in_one_reply_fit_together_or_lead_to_their_pages():
    few = [a_delivery("TX9A-0001"), a_delivery("TX9A-0002")]
    many = [a_delivery(*["TX9A-0001"] * 120), a_delivery(*["TX9A-0002"] * 120)]

    assert reply_texts(few, texts(), page_url=address) == "Cards\n\nTX9A-0001\n\nCards\n\nTX9A-0002"
    together = reply_texts(many, texts(), page_url=address)
    assert fits(together)
    assert "TX9A" not in together
    assert together.count("查看卡密（120 张）") == 2


def test_a_link_that_could_break_out_of_its_address_is_a_defect_and_not_sent():
    with pytest.raises(ValueError, match="quotes in its address"):
        reply_text(
            Screen(ScreenKind.PAY, "pay", (Option("Pay", page=Page(PageKind.WALLET)),)),
            texts(),
            page_url=lambda _page: 'https://x/"',
        )
