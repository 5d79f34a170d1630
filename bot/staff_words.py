"""Words of staff who bring stock by the chat: 补货 A1 above lines of cards, 员工 CODE. Only the first line is read.

What stands below it are cards: no word of it goes into an act, which may be stored.
"""

from __future__ import annotations

import re

from bot.intents import Act, Intent
from core.errors import Invalid, Unavailable

LEAVE = frozenset({"退出", "離開", "离开", "解绑", "leave", "off", "stop"})

_RESTOCK = re.compile(r"/?(?:补货|補貨|restock(?![a-z0-9_-]))[ :]*(.*)", re.IGNORECASE)
_WANTED = re.compile(r"([A-Z][A-Z0-9]{0,15})(?: *(?:成本|cost) *:? *([0-9.]{1,20}))?", re.IGNORECASE)
_STAFF = re.compile(r"/?(?:员工|員工|staff(?=[ :]))[ :]*(.+)", re.IGNORECASE)


class SignsChanged(Invalid):
    """The chat took signs of the pasted cards for formatting, so that they are not what was pasted."""


class FileNotFetched(Unavailable):
    """The platform does not give the file away; nothing was kept."""


def read_staff_words(first: str) -> Act | None:
    """What a first line (normalised) asks that begins with these words; None for all others."""
    if found := _RESTOCK.fullmatch(first):
        named = {"said": first}
        if wanted := _WANTED.fullmatch(found[1].strip()):
            named |= {"code": wanted[1].upper(), "cost": wanted[2] or ""}
        return Act(Intent.RESTOCK, named)
    if found := _STAFF.fullmatch(first):
        rest = found[1].strip()
        return Act(Intent.STAFF, {"said": first, **({"leave": 1} if rest.lower() in LEAVE else {"code": rest})})
    return None
