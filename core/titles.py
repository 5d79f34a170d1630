"""Names and texts that people typed: which signs may stand in them, and in which language they are shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from core.errors import Invalid

LOCALES = ("zh-CN", "en")
"""The languages of the store; the first is what every name must have."""

BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of what follows: in a title they make one thing look like another."""

Names = Mapping[str, str]
"""A name by locale, for example {"zh-CN": "腾讯视频", "en": "Tencent Video"}."""


def checked_title(text: str, *, what: str, most: int = 120) -> str:
    """A one-line title as it was typed, without its outer blanks; emoji, accents and zero-width joiners stay exactly.

    Raises `Invalid(what=…)` when it is empty, longer than `most` characters, or holds a control, a direction control,
    a line break or half a surrogate pair (PostgreSQL refuses NUL and surrogates with an error of its own).
    """
    text = text.strip()
    if not 1 <= len(text) <= most or any(_is_forbidden(sign) or sign in BIDI_CONTROLS for sign in text):
        raise Invalid(what=what)
    return text


def checked_text(text: str, *, what: str, most: int = 4000) -> str:
    """A longer text, which may have lines and tabs and be empty. Raises `Invalid(what=…)` like `checked_title`."""
    if len(text) > most or any(_is_forbidden(sign) and sign not in "\n\t" for sign in text):
        raise Invalid(what=what)
    return text


def checked_names(names: Names, *, what: str) -> dict[str, str]:
    """Titles by locale, each checked. Raises `Invalid` for a locale we do not speak or without the first one."""
    if LOCALES[0] not in names or not set(names) <= set(LOCALES):
        raise Invalid(what=what)
    return {locale: checked_title(text, what=what) for locale, text in names.items()}


def worded(names: Names, locale: str) -> str:
    """The name in `locale`, else in the store's first language; empty where there is none."""
    return names.get(locale) or names.get(LOCALES[0], "")


def _is_forbidden(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")
