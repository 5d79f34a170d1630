"""What becomes of a text on its way: markup turns into entities; what people would not see is cleaned and trimmed.

The cleaning is that of TDLib (`clean_input_string`, `fix_formatted_text`): a shop that sends a key with a tab or with a
blank at its end as text learns here that the shopper would get another key.
"""

import re
from html.parser import HTMLParser
from typing import Any

from tests.doubles.telegram.schema import utf16

ENTITIES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler", "tg-spoiler": "spoiler",
    "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
TO_BLANK = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")
REMOVED = re.compile(r"[\r\u2028-\u202e\u0333\u033f\u030a]")
COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?=\s|$)")


def cleaned(text: str) -> str:
    """Control signs become blanks; carriage returns, text directions and overlines go."""
    return REMOVED.sub("", TO_BLANK.sub(" ", text))


class _Reader(HTMLParser):
    """Telegram's HTML as plain text and entities; teremok has checked before that it is well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.entities: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        entity: dict[str, Any] = {"type": ENTITIES[tag], "offset": utf16(self.text), "length": 0}
        if tag == "a":
            entity["url"] = named.get("href") or ""
        if tag == "tg-emoji":
            entity["custom_emoji_id"] = named.get("emoji-id")
        if tag == "blockquote" and "expandable" in named:
            entity["type"] = "expandable_blockquote"
        self._open.append(entity)
        self.entities.append(entity)

    def handle_endtag(self, tag: str) -> None:
        entity = self._open.pop()
        entity["length"] = utf16(self.text) - entity["offset"]

    def handle_data(self, data: str) -> None:
        self.text += cleaned(data)


def read(text: str, parse_mode: str | None, entities: list[dict[str, Any]] | None) -> tuple[str, list[dict[str, Any]]]:
    """`(plain text, entities)` as the other side gets them."""
    if parse_mode and not entities:
        reader = _Reader()
        reader.feed(text)
        reader.close()
        plain, found = reader.text, reader.entities
    else:
        plain, found = cleaned(text), [dict(entity) for entity in entities or ()]
    return _trimmed(plain, [entity for entity in found if entity["length"]])


def _trimmed(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Without blanks and line ends around it; those in front are kept where an entity begins with them."""
    short = text.rstrip(" \n")
    end = utf16(short)
    kept = []
    for entity in entities:
        length = min(entity["offset"] + entity["length"], end) - entity["offset"]
        if length > 0:
            kept.append(entity | {"length": length})
    first = min((entity["offset"] for entity in kept), default=end)
    front = min(len(short) - len(short.lstrip(" \n")), first)
    return short[front:], [entity | {"offset": entity["offset"] - front} for entity in kept]


def commands_in(text: str) -> list[dict[str, Any]]:
    """The entities of /commands that a person typed."""
    return [
        {"type": "bot_command", "offset": utf16(text[: found.start()]), "length": len(found[0])}
        for found in COMMAND.finditer(text)
    ]


def part(text: str, entity: dict[str, Any]) -> str:
    """The piece of a text that an entity covers."""
    units = text.encode("utf-16-le")
    return units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")
