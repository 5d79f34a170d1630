"""Every sentence of the panel is there in both languages, and no translation is left over."""

from __future__ import annotations

import re
from pathlib import Path

from admin.panel import WORDS
from bot.texts import read_sentences

ADMIN = WORDS.parent
IN_TEMPLATES = re.compile(r"""_\((?:"([^"]+)"|'([^']+)')""")
IN_CODE = re.compile(r'mark\(\s*"([^"]+)"\s*\)')
OF_TEXTS = {"{time} ({zone})", "MMM d, HH:mm", "MMM d, y, HH:mm", "{count} Stars"}


def sentences() -> set[str]:
    """What templates and code say."""
    said: set[str] = set()
    for file in sorted(Path(ADMIN / "templates").rglob("*.jinja")):
        said |= {one or other for one, other in IN_TEMPLATES.findall(file.read_text(encoding="utf-8"))}
    for file in sorted(ADMIN.rglob("*.py")):
        said |= set(IN_CODE.findall(file.read_text(encoding="utf-8")))
    return said


def test_every_sentence_of_the_panel_is_translated_and_none_is_left_over() -> None:
    translated = read_sentences(WORDS / "zh_CN.po")

    assert len(sentences()) > 100
    assert set(translated) == sentences() | OF_TEXTS


def test_a_translation_fills_in_what_its_sentence_does() -> None:
    for english, chinese in read_sentences(WORDS / "zh_CN.po").items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), english
