"""What people write, in every way they write it, and what it means."""

import pytest

from bot.intents import Act, Intent
from bot.words import BadQuantity, echo, looks_like_a_quantity, normalised, read_locale, read_quantity, understand


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("菜单", Intent.HOME),
        ("menu", Intent.HOME),
        ("/start", Intent.HOME),
        ("选购", Intent.CATALOG),
        ("订单", Intent.ORDERS),
        ("ORDERS", Intent.ORDERS),
        ("取卡", Intent.CARDS),
        ("cards", Intent.CARDS),
        ("钱包", Intent.WALLET),
        ("wallet", Intent.WALLET),
        ("会员", Intent.MEMBER),
        ("member", Intent.MEMBER),
        ("积分", Intent.POINTS),
        ("points", Intent.POINTS),
        ("签到", Intent.CHECK_IN),
        ("checkin", Intent.CHECK_IN),
        ("优惠券", Intent.COUPONS),
        ("coupon", Intent.COUPONS),
        ("客服", Intent.HELP),
        ("help", Intent.HELP),
        ("？", Intent.HELP),
        ("绑定", Intent.BIND),
        ("语言", Intent.LANGUAGE),
        ("language", Intent.LANGUAGE),
        ("取消", Intent.CANCEL),
        ("cancel", Intent.CANCEL),
        ("找单", Intent.FIND),
        ("find", Intent.FIND),
        ("搜索", Intent.SEARCH),
        ("search", Intent.SEARCH),
        ("买", Intent.CONFIRM),
        ("buy", Intent.CONFIRM),
        ("退款", Intent.AFTER_SALES),
        ("确认", Intent.YES),
        ("Yes!", Intent.YES),
        ("訂單", Intent.ORDERS),
        ("　取卡！", Intent.CARDS),
        ("Help.", Intent.HELP),
    ],
)
def test_a_word_that_always_works_is_understood_in_any_case_with_signs_around_it(said, intent):
    assert understand(said) == Act(intent)


@pytest.mark.parametrize(
    ("said", "intent", "quantity"),
    [
        ("买 A1 2", Intent.CONFIRM, "2"),
        ("买A1 2", Intent.CONFIRM, "2"),
        ("買 a1 2", Intent.CONFIRM, "2"),
        ("buy A1 2", Intent.CONFIRM, "2"),
        ("Buy a1×2", Intent.CONFIRM, "2"),
        ("买　Ａ１　２", Intent.CONFIRM, "2"),
        ("买 A1 2张", Intent.CONFIRM, "2张"),
        ("买 A1 两个", Intent.CONFIRM, "两个"),
        ("买 A1", Intent.CONFIRM, ""),
        ("买 2 张 A1", Intent.CONFIRM, "2"),
        ("买两个A1", Intent.CONFIRM, "两"),
        ("buy 2 a1", Intent.CONFIRM, "2"),
        ("buy 2x A1", Intent.CONFIRM, "2"),
        ("A1 2", Intent.CODE, "2"),
        ("A1*2", Intent.CODE, "2"),
        ("a1 * 2", Intent.CODE, "2"),
        ("A1＊２", Intent.CODE, "2"),
        ("A1", Intent.CODE, ""),
        ("买 A1 -1", Intent.CONFIRM, "-1"),
        ("买 A1 1e3", Intent.CONFIRM, "1e3"),
    ],
)
def test_a_code_and_a_quantity_are_read_however_they_are_written(said, intent, quantity):
    act = understand(said)

    assert act.intent is intent
    assert (act.text("code"), act.text("quantity")) == ("A1", quantity)


def test_a_coupon_behind_a_code_is_read_apart_from_the_quantity():
    act = understand("A12 2 券save5")

    assert (act.text("code"), act.text("quantity"), act.text("coupon")) == ("A12", "2", "SAVE5")


@pytest.mark.parametrize(
    ("said", "intent", "name", "value"),
    [
        ("搜索 腾讯视频", Intent.SEARCH, "words", "腾讯视频"),
        ("搜索腾讯", Intent.SEARCH, "words", "腾讯"),
        ("search steam 50", Intent.SEARCH, "words", "steam 50"),
        ("买 腾讯视频", Intent.SEARCH, "words", "腾讯视频"),
        ("找单 4200001234", Intent.FIND, "number", "4200001234"),
        ("find pay_abc", Intent.FIND, "number", "pay_abc"),
        ("4200001234567890123456789012", Intent.FIND, "number", "4200001234567890123456789012"),
        ("绑定 K7Q2", Intent.BIND, "code", "K7Q2"),
        ("语言 en", Intent.SET_LANGUAGE, "locale", "en"),
        ("language 中文", Intent.SET_LANGUAGE, "locale", "中文"),
        ("订单 ord_abc", Intent.ORDER, "order", "ord_abc"),
        ("/start A1", Intent.HOME, "code", "A1"),
        ("12", Intent.NUMBER, "said", "12"),
        ("-1", Intent.NUMBER, "said", "-1"),
        ("searchlight", Intent.CODE, "said", "searchlight"),
        ("今天天气不错", Intent.UNKNOWN, "said", "今天天气不错"),
        ("", Intent.UNKNOWN, "said", ""),
        ("\0\u202e\u200b", Intent.UNKNOWN, "said", ""),
    ],
)
def test_what_follows_a_word_is_read_with_it(said, intent, name, value):
    act = understand(said)

    assert act.intent is intent
    assert act.text(name) == value


@pytest.mark.parametrize(
    ("written", "count"),
    [("1", 1), ("２", 2), ("×2", 2), ("x 2", 2), ("*2", 2), ("2张", 2), ("2 个", 2), ("两个", 2), ("十", 10), ("", 1)],
)
def test_a_quantity_is_read_however_it_is_written(written, count):
    assert read_quantity(written, maximum=100) == count


@pytest.mark.parametrize(
    "written", ["0", "-1", "1e9", "1.5", "NaN", "1e3", "101", "inf", "²½", "9" * 60, "2 3", "+2", "两百"]
)
def test_fault_54_only_whole_numbers_up_to_the_maximum_are_quantities(written):
    with pytest.raises(BadQuantity) as refused:
        read_quantity(written, maximum=100)

    assert refused.value.params["maximum"] == 100
    assert len(str(refused.value.params["written"])) <= 24


def test_words_after_a_code_are_told_from_wrongly_written_numbers():
    assert looks_like_a_quantity("1.5")
    assert looks_like_a_quantity("-1")
    assert looks_like_a_quantity("两张")
    assert not looks_like_a_quantity("gift card")


@pytest.mark.parametrize("said", ["我想退款", "卡密用不了怎么办", "I want a refund", "this code does not work"])
def test_a_worry_about_money_is_never_answered_with_goods(said):
    assert understand(said) == Act(Intent.AFTER_SALES)


def test_somebody_who_asks_for_a_person_gets_help():
    assert understand("能转人工吗") == understand("can I talk to a human") == Act(Intent.HELP)


def test_signs_that_show_nothing_are_left_out_and_long_words_cut():
    assert normalised("A1\u202e\u200b\0 \t\n２") == "A1 2"
    assert normalised("👍 好") == "👍 好"
    assert len(normalised("长" * 5000)) == 200
    assert echo("长" * 50) == "长" * 23 + "…"


def test_languages_are_known_by_their_names():
    assert [read_locale(word) for word in ("中文", "zh-TW", "English", "英文", "fr")] == [
        "zh-CN",
        "zh-CN",
        "en",
        "en",
        None,
    ]
