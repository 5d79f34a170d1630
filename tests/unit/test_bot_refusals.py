"""Every refusal of the store has words in both languages, and says what happened to the money."""

import importlib
import pkgutil

import pytest

import bot
import core
from bot.refusals import FAMILIES, OWN_WORDS, Wording, draw_refusal, wording_of
from bot.screens import ScreenKind
from bot.texts import Phrasebook
from core.errors import Refusal
from core.stock.rules import OutOfStock
from core.submission import OtherContent

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")


def kinds_of_refusal() -> list[type[Refusal]]:
    """Every class of refusal that any module of core or bot defines."""
    for package in (core, bot):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, todo = [], [Refusal]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += kind.__subclasses__()
    ours = [kind for kind in found if kind.__module__.startswith(("core.", "bot."))]
    return sorted(ours, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", kinds_of_refusal(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_words_in_every_language(kind):
    words = wording_of(kind)
    sentences = BOOK.texts("zh-CN").sentences

    assert words.what in sentences
    assert words.money in sentences
    assert not words.now or words.now in sentences


def test_a_refusal_without_words_of_its_own_speaks_for_its_family():
    class Invented(OtherContent):
        """A conflict of tomorrow."""

    assert wording_of(Invented) is OWN_WORDS[OtherContent]
    assert wording_of(Refusal) is FAMILIES[Refusal]


@pytest.mark.parametrize("locale", BOOK.locales)
def test_a_refusal_is_an_error_screen_with_its_id_and_a_way_on(locale):
    screen = draw_refusal(BOOK.texts(locale), OutOfStock(code="A1", left=0), error="err_abc")

    assert screen.kind is ScreenKind.ERROR
    assert screen.error_id == "err_abc"
    assert screen.text.split("\n")[1] == BOOK.texts(locale).say("Nothing was ordered or charged.")
    assert screen.options[-1].is_back


def test_sold_out_and_only_some_left_are_told_apart():
    texts = BOOK.texts("zh-CN")

    assert draw_refusal(texts, OutOfStock(code="A1", left=0), error="e").text.startswith("A1 已售罄")
    assert draw_refusal(texts, OutOfStock(code="A1", left=3), error="e").text.startswith("A1 仅剩 3 件")


def test_every_wording_names_the_money():
    kept = {words.money for words in (*FAMILIES.values(), *OWN_WORDS.values())}

    assert "" not in kept
    assert Wording("x").money == "Nothing was ordered or charged."
