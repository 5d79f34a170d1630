"""The menu below a WeChat chat: every tap is a word that is understood, every name is shown whole."""

import pytest

from bot.home import NOT_OPEN_YET
from bot.texts import Phrasebook
from bot.words import understand
from channels.chat.wechat.menu import LAYOUT, menu
from tests.doubles.wechat.menus import check_menu

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")


def wide(text: str) -> int:
    """How much room it takes: two for a Chinese sign."""
    return sum(1 if sign.isascii() else 2 for sign in text)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_menu_fits_wechat_and_no_name_is_cut_off(locale):
    texts = BOOK.texts(locale)
    check_menu(menu(texts).as_json())

    assert 1 <= len(LAYOUT) <= 3
    for name, below in LAYOUT:
        assert wide(texts.say(name)) <= 8
        assert 1 <= len(below) <= 5
        assert [texts.say(label) for label, _, _ in below if wide(texts.say(label)) > 16] == []


def test_every_tap_is_a_word_that_the_conversation_understands():
    for _, below in LAYOUT:
        for _, key, intent in below:
            assert understand(key).intent is intent


def test_what_has_not_opened_yet_is_not_offered(monkeypatch):
    made = menu(BOOK.texts("zh-CN"))
    assert [group.name for group in made.groups] == ["选购", "订单", "我的"]
    assert {understand(one.key).intent for group in made.groups for one in group.entries}.isdisjoint(NOT_OPEN_YET)

    monkeypatch.setattr("channels.chat.wechat.menu.NOT_OPEN_YET", {})

    assert [one.name for one in menu(BOOK.texts("zh-CN")).groups[2].entries][:2] == ["会员积分", "签到"]
