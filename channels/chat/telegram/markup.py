"""Text as Telegram's HTML: what it carries unchanged, how long it may be, where it may be torn."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from channels.chat.telegram.message import Button
from core.ids import Prefix

TEXT_UNITS = 4096  # UTF-16 units of a message; tags are counted too, so that Telegram never counts more than we do
CAPTION_UNITS = 1024
SHORT_UNITS = 512  # a line of this length stays short of a message with every order number in it marked

ORDER_NUMBER = re.compile(rf"\b{Prefix.ORDER.value}_[a-z2-7]{{26}}\b")

LINK = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]+(?::(?P<port>\d{1,5}))?"
    r"(?:[/?#][\w.~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE | re.ASCII,
)
LINK_AT_MOST = 2048
HIGHEST_PORT = 65535
"""Addresses that Telegram takes for a button: it refuses the whole message for another one, so that is only text."""

DROPPED = frozenset("\u030a\u0333\u033f") | frozenset(map(chr, range(0x2028, 0x202F)))
"""What Telegram takes out of every text without a word (td, `clean_input_string`): lines that run through others,
line separators, marks that turn the direction of writing. Control characters become blanks or vanish likewise."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of HTML that stays whole, and the buttons that belong to it. It may hold cards, so it does not print."""

    html: str = field(repr=False)
    buttons: tuple[Button, ...] = ()


BLANK = Block("")
"""An empty line."""


def units(text: str) -> int:
    """The length of a text as Telegram counts: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def escaped(text: str) -> str:
    """Plain text as HTML."""
    return html.escape(text, quote=False)


def bold(text: str) -> str:
    """Plain text in bold."""
    return f"<b>{escaped(text)}</b>"


def code(text: str) -> str:
    """Plain text that is copied by a tap on it."""
    return f"<code>{escaped(text)}</code>"


def is_carried_exactly(text: str) -> bool:
    """Whether a message shows this text and gives it back when copied, character by character."""
    return (
        text != ""
        and text == text.strip()
        and not any(unicodedata.category(char) == "Cc" or char in DROPPED for char in text)
    )


def is_link(text: str) -> bool:
    """Whether Telegram takes this for the address of a button."""
    found = LINK.fullmatch(text) if len(text) <= LINK_AT_MOST else None
    return found is not None and int(found["port"] or 0) <= HIGHEST_PORT


def lines(text: str, style: Callable[[str], str] | None = None) -> list[Block]:
    """Plain text line by line, as `bold` or so makes each; a line too long for a message is torn at a blank."""
    dressed = style or plain
    return [Block(dressed(piece) if piece else "") for line in text.split("\n") for piece in torn(line)]


def plain(text: str) -> str:
    """Plain text; order numbers in it are copied by a tap, for whoever is asked for one."""
    return ORDER_NUMBER.sub(r"<code>\g<0></code>", escaped(text)) if units(text) <= SHORT_UNITS else escaped(text)


def torn(line: str, limit: int = TEXT_UNITS - len("<b></b>")) -> Iterator[str]:
    """The line in pieces of at most `limit` units once they are HTML; at the last blank if there is one."""
    while units(escaped(line)) > limit:
        fits = longest(line, limit)
        at = line.rfind(" ", 1, fits) + 1 or fits
        yield line[:at]
        line = line[at:]
    yield line


def longest(line: str, limit: int) -> int:
    """How many characters of the line have room: an escaped one counts as it is written (`&amp;` is five)."""
    room = limit
    for place, char in enumerate(line):
        room -= units(escaped(char))
        if room < 0:
            return place
    return len(line)


def joined(blocks: Sequence[Block]) -> str:
    """Blocks below each other, without empty lines at either end and never two of them in a row."""
    kept: list[str] = []
    for block in blocks:
        if block.html or (kept and kept[-1]):
            kept.append(block.html)
    return "\n".join(kept[:-1] if kept and not kept[-1] else kept)


def packed(blocks: Sequence[Block], limit: int = TEXT_UNITS) -> list[list[Block]]:
    """Blocks in as few messages as keep their order and the limit."""
    messages: list[list[Block]] = [[]]
    for block in blocks:
        if messages[-1] and units(joined([*messages[-1], block])) > limit:
            messages.append([])
        messages[-1].append(block)
    return [message for message in messages if joined(message)]
