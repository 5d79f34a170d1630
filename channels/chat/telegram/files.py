"""Cards in a .txt file: UTF-8, every byte of every field as it was imported, a name that tells nothing about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bot.texts import Texts
from channels.chat.telegram.cards import IN_CHAT_AT_MOST, Card, FieldKind
from channels.chat.telegram.message import Document
from core.ids import Prefix, public

BREAKS = (b"\n", b"\r", b"\t")  # what would make one card look like two, or one field like two


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file and the sentences that stand beneath it."""

    document: Document
    sentences: tuple[str, ...]


def files_of(cards: Sequence[Card], texts: Texts, order: UUID | None) -> list[CardFile]:
    """The files of these cards: one with a card a line, and one for cards that have line breaks or tabs themselves."""
    named = "cards" if order is None else f"cards-{public(Prefix.ORDER, order)[-6:]}"
    is_many = len(cards) > IN_CHAT_AT_MOST
    broken = [card for card in cards if has_breaks(card)]
    if broken and not is_many:
        broken = list(cards)  # a few odd cards are in one file, each under its number
    lined = [card for card in cards if card not in broken]
    files = []
    if lined:
        files.append(CardFile(Document(f"{named}.txt", lines_of(lined)), about_lines(lined, texts, is_many)))
    if broken:
        name = f"{named}-2.txt" if lined else f"{named}.txt"
        files.append(CardFile(Document(name, parts_of(broken, texts)), about_parts(broken, texts, is_many)))
    return files


def has_breaks(card: Card) -> bool:
    """Whether a line cannot hold this card, because one of its fields would look like two."""
    return any(mark in value.reveal() for value in card.fields.values() for mark in BREAKS)


def lines_of(cards: Sequence[Card]) -> bytes:
    """One card a line, a tab between its fields; a single value alone is exactly the file."""
    kinds, with_day = kinds_of(cards), any(card.expires for card in cards)
    rows = []
    for card in cards:
        values = [card.fields[kind].reveal() if kind in card.fields else b"" for kind in kinds]
        rows.append(b"\t".join([*values, (card.expires or "").encode()] if with_day else values))
    is_single_value = len(rows) == len(kinds) == 1 and not with_day
    return rows[0] if is_single_value else b"".join(row + b"\n" for row in rows)


def parts_of(cards: Sequence[Card], texts: Texts) -> bytes:
    """Card below card, each value on lines of its own under its name; a single value alone is exactly the file."""
    if len(cards) == len(cards[0].fields) == 1 and not cards[0].expires:
        return next(iter(cards[0].fields.values())).reveal()
    parts = []
    for card in cards:
        named = [(kind.name_in(texts), value.reveal()) for kind, value in card.fields.items()]
        if card.expires:
            named.append((texts.say("Valid until"), card.expires.encode()))
        rows = b"".join(texts.row(name, "").rstrip().encode() + b"\n" + value + b"\n" for name, value in named)
        parts.append((f"{card.place}.\n".encode() if card.of > 1 else b"") + rows)
    return b"\n".join(parts)


def kinds_of(cards: Sequence[Card]) -> list[FieldKind]:
    """The fields that any of these cards has, in the order in which they are shown."""
    return [kind for kind in FieldKind if any(kind in card.fields for card in cards)]


def about_lines(cards: Sequence[Card], texts: Texts, is_many: bool) -> tuple[str, ...]:
    """What stands beneath a file with a card a line."""
    columns = [kind.name_in(texts) for kind in kinds_of(cards)]
    if any(card.expires for card in cards):
        columns.append(texts.say("Valid until"))
    first = texts.say("{count} cards are in this file, one a line.", count=len(cards)) if is_many else odd(texts)
    return (first, texts.row(texts.say("Each line"), texts.say(", ").join(columns))) if len(columns) > 1 else (first,)


def about_parts(cards: Sequence[Card], texts: Texts, is_many: bool) -> tuple[str, ...]:
    """What stands beneath a file with cards of several lines each."""
    if not is_many:
        return (odd(texts),)
    return (texts.say("{count} cards of several lines each are in this file.", count=len(cards)),)


def odd(texts: Texts) -> str:
    """Why cards are in a file although there are few of them."""
    return texts.say(
        "A chat message changes some of these characters. This file has them exactly, please copy from it."
    )
