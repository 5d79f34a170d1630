"""How a secret is spoken of where it must not be seen: its shape in previews and reports, its mask on a card row."""

from __future__ import annotations

import unicodedata

_SHOWN = 4  # positions whose class is shown
_LONGEST = 24
_TABLE = dict.fromkeys(range(65, 91), "A") | dict.fromkeys(range(97, 123), "a")
_TABLE |= dict.fromkeys(range(48, 58), "9")
_ASCII = {number: _TABLE.get(number, "#") for number in range(128)} | {ord("-"): "-"}


def shape(text: str) -> str:
    """The kind of a text without its characters: `A9A9-****`.

    The first four positions show their class (A upper, a lower, 9 digit, 文 other letter, # sign), the rest stars;
    hyphens stay, long texts are cut with `…`. An empty text is `(empty)`.
    """
    if not text:
        return "(empty)"
    if text.isascii() and "-" not in text[_SHOWN:]:  # nearly all
        stars = "*" * (min(len(text), _LONGEST) - _SHOWN)
        return text[:_SHOWN].translate(_ASCII) + stars + ("…" if len(text) > _LONGEST else "")
    drawn = [
        "-" if character == "-" else _class(character) if position < _SHOWN else "*"
        for position, character in enumerate(text[:_LONGEST])
    ]
    return "".join(drawn) + ("…" if len(text) > _LONGEST else "")


def description(text: str) -> str:
    """Shape, length and the positions (from 1) of odd characters: `A9A9-**** (9 characters; full-width at 3)`."""
    notes = [f"{len(text)} characters"]
    for kind, positions in odd_characters(text).items():
        shown = ", ".join(str(position) for position in positions[:5]) + (" …" if len(positions) > 5 else "")
        notes.append(f"{kind} at {shown}")
    return f"{shape(text)} ({'; '.join(notes)})"


def odd_characters(text: str) -> dict[str, list[int]]:
    """Positions (from 1) of what the eye misses: blanks, control, invisible, direction and full-width characters."""
    found: dict[str, list[int]] = {}
    for position, character in enumerate(text, start=1):
        kind = _oddity(character)
        if kind:
            found.setdefault(kind, []).append(position)
    return found


def _oddity(character: str) -> str | None:
    category = unicodedata.category(character)
    if category == "Cc":
        return "control"
    if category == "Cf":
        return "invisible"
    if character.isspace():
        return "blank"
    if unicodedata.east_asian_width(character) == "F":
        return "full-width"
    return None


def _class(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isascii() and character.isalpha():
        return "A" if character.isupper() else "a"
    return "文" if character.isalpha() else "#"
