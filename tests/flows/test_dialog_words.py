"""Words that are neither goods nor orders: thanks, nothing at all, which language, and the call for help."""

import pytest

from tests.support.dialog import Dialog, an_engine


@pytest.fixture
def talk(shop, clock):
    """A known shopper in front of ten cards of A1 at ¥10.00."""
    shop.a_listing("A1")
    shop.a_batch("A1", 10)
    return Dialog(an_engine(shop, clock), shop.a_shopper())


def test_the_question_for_the_language_is_asked_in_both(shop, clock):
    for locale in ("zh-CN", "en"):
        asked = Dialog(an_engine(shop, clock), shop.a_shopper(), locale).say("语言").text

        assert "请选择语言" in asked
        assert "Choose a language" in asked


@pytest.mark.parametrize("said", ["谢谢", "谢谢你！", "thanks", "Thank you."])
def test_a_thank_you_is_answered_politely_and_not_looked_for(talk, said):
    assert talk.say(said).text.startswith("不客气")


@pytest.mark.parametrize("said", ["", "   ", "\u200b", "\0"])
def test_an_empty_message_gets_the_menu_and_not_a_search_for_nothing(talk, said):
    assert talk.say(said).text.startswith("您好")


@pytest.mark.parametrize("said", ["帮助", "客服"])
def test_help_names_the_wallet_and_says_where_the_shop_is_reached(talk, said):
    shown = talk.say(said).text

    assert "钱包：余额和充值" in shown
    assert "店员暂时不在这个对话里" in shown
    assert "您从哪里找到本店（页面、群或账号），就在那里把订单号发给商家。" in shown
    assert "就在那里把订单号发给商家" in talk.say("退款").text
