"""Every sentence of the conversation exists in every language, and no catalogue carries one that nobody says."""

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.texts import FOLDER, Phrasebook, read_sentences
from bot.wordings import by_number
from core.money import Money

STORE = Path(__file__).resolve().parents[2]
SPEAKING = (*(STORE / "bot").glob("*.py"), *(STORE / "channels" / "chat").rglob("*.py"))
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def sentences_said() -> set[str]:
    """The message ids in the code: first arguments of `say(…)` and `mark(…)`."""
    found = set()
    for path in SPEAKING:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in {"say", "mark"} and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return found


@pytest.fixture(params=sorted(FOLDER.glob("*.po")), ids=lambda file: file.stem)
def catalogue(request):
    return read_sentences(request.param)


def test_no_sentence_is_missing_in_any_language(catalogue):
    assert sorted(sentences_said() - set(catalogue)) == []


def test_no_catalogue_carries_a_sentence_that_nobody_says(catalogue):
    assert sorted(set(catalogue) - sentences_said()) == []


def test_a_translation_fills_in_exactly_what_its_sentence_does(catalogue):
    wrong = [
        msgid
        for msgid, said in catalogue.items()
        if set(PLACEHOLDER.findall(said)) - set(PLACEHOLDER.findall(msgid))
        or set(PLACEHOLDER.findall(msgid)) - set(PLACEHOLDER.findall(said)) - {"zone"}
    ]

    assert wrong == []


def test_there_is_more_than_one_language_and_english_needs_no_file():
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")

    assert book.locales == ["zh-CN", "en"]
    assert book.texts("fr").locale == "zh-CN"


def test_amounts_carry_their_currency():
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")

    assert book.texts("zh-CN").money(Money(123450, "CNY")) == "¥1,234.50"
    assert book.texts("en").money(Money(123450, "CNY")) == "CN¥1,234.50"
    assert book.texts("en").money(Money(250, "XTR")) == "250 Stars"
    assert book.texts("en").money(Money(1_500_000, "USDT")) == "1.5 USDT"


def test_times_are_the_stores_and_name_the_day_when_it_is_not_today():
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
    noon = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    late = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)  # half past midnight of the next day in Shanghai

    assert book.texts("zh-CN").time(noon, now=noon) == "12:00"
    assert book.texts("en").time(noon, now=noon) == "12:00 (GMT+08:00)"
    assert book.texts("zh-CN").time(late, now=noon) == "3月3日 00:30"
    assert book.texts("en").moment(noon) == "Mar 2, 2026, 12:00"


@pytest.mark.parametrize(
    ("written", "strict"),
    [
        ("官方卡密，全国可用。", "官方卡密，全国可用。"),
        ("¥25 起，全国可用。", ""),
        ("￥25 起", ""),
        ("官方卡密。\n月卡 25 元，季卡68元\n全国可用。", "官方卡密。\n全国可用。"),
        ("第一步：打开应用\n只要十块钱\n第二步：输入卡密", "第一步：打开应用\n第二步：输入卡密"),
        ("From CNY 25\nValid all over China", "Valid all over China"),
        ("for accounts in USD, 3 steps", "for accounts in USD, 3 steps"),
        ("多元会员，一块用，3 步开通", "多元会员，一块用，3 步开通"),
        ("", ""),
    ],
)
def test_where_no_prices_are_shown_a_merchants_own_text_loses_the_lines_that_name_an_amount(written, strict):
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
    openly = book.texts("zh-CN")

    assert openly.of_the_shop(written) == written
    assert replace(openly, manner=by_number(shows_prices=False)).of_the_shop(written) == strict


def test_goods_are_called_by_their_variant_alone_where_that_names_the_product() -> None:
    texts = Phrasebook(zone="Asia/Shanghai", default="zh-CN").texts("zh-CN")
    video = {"zh-CN": "腾讯视频 VIP"}

    assert texts.goods(video, {"zh-CN": "腾讯视频 VIP 月卡"}) == "腾讯视频 VIP 月卡"
    assert texts.goods(video, video) == "腾讯视频 VIP"
    assert texts.goods(video, {"zh-CN": "月卡"}) == "腾讯视频 VIP · 月卡"
    assert texts.goods(video, {}) == "腾讯视频 VIP"
