"""Prices, axes and the reading of a search text, as plain values."""

import pytest

from core.catalog.rules import (
    AXIS_NAMES,
    AXIS_VALUES,
    CATEGORY_NAMES,
    Category,
    axis_name,
    axis_value,
    checked_axes,
    checked_price,
    pieces,
    search_words,
)
from core.errors import Invalid
from core.money import GREATEST, Money, from_decimal
from core.titles import LOCALES


@pytest.mark.parametrize("minor", [0, 1, GREATEST])
def test_a_price_from_nothing_to_the_greatest_amount_is_taken(minor: int) -> None:
    assert checked_price(Money(minor, "CNY")) == Money(minor, "CNY")


@pytest.mark.parametrize("minor", [-1, -500, GREATEST + 1, 10**30])
def test_a_price_below_nothing_or_beyond_the_books_is_refused(minor: int) -> None:
    with pytest.raises(Invalid):
        checked_price(Money(minor, "CNY"))


@pytest.mark.parametrize("typed", ["NaN", "Infinity", "-5", "1e30", "1.005", "１", "", ".", "1,50", "+1", " 1"])
def test_a_typed_price_that_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        from_decimal(typed, "CNY")


def test_a_typed_price_with_any_number_of_extra_digits_is_refused_not_rounded() -> None:
    with pytest.raises(Invalid):
        from_decimal("1." + "0" * 40 + "1", "CNY")


def test_axes_stand_in_the_order_in_which_they_are_asked() -> None:
    assert list(checked_axes({"face_value": "50 USD", "region": "US"})) == ["region", "face_value"]
    for bad in ({"colour": "red"}, {"region": ""}, {"region": "x" * 41}):
        with pytest.raises(Invalid):
            checked_axes(bad)


def test_known_values_are_worded_and_face_values_shown_as_they_stand() -> None:
    assert axis_value("US", "zh-CN") == "美区"
    assert axis_value("month", "en") == "1 month"
    assert axis_value("50 USD", "zh-CN") == "50 USD"
    assert axis_name("face_value", "zh-CN") == "面值"


def test_every_shelf_and_axis_has_a_word_in_every_language() -> None:
    for words in (*(CATEGORY_NAMES[shelf] for shelf in Category), *AXIS_NAMES.values(), *AXIS_VALUES.values()):
        assert set(words) == set(LOCALES)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("  Steam   50 ", ["steam", "50"]),
        ("ＳＴＥＡＭ　５０", ["steam", "50"]),
        ("视频", ["视频"]),
        ("a\0b\u202ec", ["a", "b", "c"]),
        ("100% e-card_x\\y", ["100", "e", "card", "x", "y"]),
        ("%", []),
        ("_%\\ \0", []),
        ("", []),
        ("🎬 电影", ["🎬", "电影"]),
        ("一 二 三 四 五 六 七 八 九", ["一", "二", "三", "四", "五", "六", "七", "八"]),
        ("x" * 5000, ["x" * 100]),
    ],
)
def test_a_search_text_is_read_as_words_without_signs_that_mean_something_to_the_database(
    typed: str, words: list[str]
) -> None:
    assert search_words(typed) == words


def test_chinese_pieces_know_how_they_look_with_one_wrong_character() -> None:
    assert pieces(["腾迅"]) == [("腾迅", "%腾_%", "%_迅%")]
    assert pieces(["notebook", "e卡"]) == []
    assert pieces(["爱奇艺"]) == [("爱奇", "%爱_%", "%_奇%"), ("奇艺", "%奇_%", "%_艺%")]
    assert pieces(["x"]) == []


def test_the_pieces_of_a_long_text_are_bounded() -> None:
    assert len(pieces(["".join(chr(0x4E00 + n) for n in range(100))])) == 40
