"""Cards in a text of WeChat: only those that its app shows and copies exactly as they are; the others have the page.

What the app does to a text is nowhere written down, so the rule is narrow: `<` and `&` may be read as markup, `[笑]`
and `/:` become pictures, blanks at an end or side by side get lost, and an address is fetched by robots and made a link
that a thumb opens, which may use up a card that is one (fault 101).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from bot.screens import CardEntry
from bot.texts import Texts
from core.secret import Secret

LONGEST = 256
WORD = "[!-%'-;=?-~\u4e00-\u9fff：，。、（）]+"
CARRIED = re.compile(f"{WORD}(?: {WORD})*")
CHANGED = re.compile(r"/:|\[[^\]]*\]|://|www\.|weixin:", re.IGNORECASE)


def carried(field: Secret) -> str | None:
    """The field as text, or None where a message would not carry it exactly."""
    try:
        text = field.reveal().decode()
    except UnicodeDecodeError:
        return None
    is_whole = len(text) <= LONGEST and CARRIED.fullmatch(text) and not CHANGED.search(text)
    return text if is_whole else None


def card_lines(entries: Sequence[CardEntry], texts: Texts) -> tuple[str, ...] | None:
    """The lines of all cards, one field a line; None where one is masked or not carried: then all have the page."""
    lines: list[str] = []
    days = {entry.expires for entry in entries}
    has_parts = any(entry.number or entry.pin for entry in entries)
    for entry in entries:
        fields = fields_of(entry, texts, has_parts=has_parts)
        if fields is None:
            return None
        if has_parts and lines:
            lines.append("")
        lines += fields
        if len(days) > 1:
            lines += valid_until(entry.expires, texts)
    if len(days) == 1:
        lines += valid_until(next(iter(days)), texts)
    return tuple(lines)


def fields_of(entry: CardEntry, texts: Texts, *, has_parts: bool) -> list[str] | None:
    """One card: the bare key, or key, number and PIN under their names; None where one cannot be carried."""
    if entry.secret is None:
        return None
    named = (
        (texts.say("Card number"), entry.number),
        (texts.say("Card key"), entry.secret),
        (texts.say("PIN"), entry.pin),
    )
    lines = []
    for label, field in named:
        if field is None:
            continue
        text = carried(field)
        if text is None:
            return None
        lines.append(texts.row(label, text) if has_parts else text)
    return lines


def valid_until(day: str | None, texts: Texts) -> list[str]:
    """The last day it works, where there is one."""
    return [texts.say("Valid until {day}", day=texts.day(date.fromisoformat(day)))] if day else []
