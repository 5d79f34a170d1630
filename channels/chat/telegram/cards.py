"""Cards in a Telegram message: each as text that is copied by a tap, what no message carries unchanged in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from bot.screens import CardEntry
from bot.texts import Texts
from channels.chat.telegram.markup import BLANK, TEXT_UNITS, Block, code, escaped, is_carried_exactly, is_link, units
from channels.chat.telegram.message import COPIED_UNITS, Button
from core.secret import Secret

IN_CHAT_AT_MOST = 20  # more cards than these go into a file, all of them


class FieldKind(Enum):
    """The fields of a card, in the order in which they are shown."""

    NUMBER = auto()  # what names the card; it is worth nothing alone
    SECRET = auto()  # what is redeemed, or an address that is opened
    PIN = auto()  # what some issuers ask for besides

    def name_in(self, texts: Texts) -> str:
        """What the field is called."""
        match self:
            case FieldKind.NUMBER:
                return texts.say("Card number")
            case FieldKind.SECRET:
                return texts.say("Card key")
            case FieldKind.PIN:
                return texts.say("PIN")

    def copy_in(self, texts: Texts) -> str:
        """What the button that copies it says, where a card has several."""
        match self:
            case FieldKind.NUMBER:
                return texts.say("Copy number")
            case FieldKind.SECRET:
                return texts.say("Copy key")
            case FieldKind.PIN:
                return texts.say("Copy PIN")


@dataclass(frozen=True, slots=True)
class Card:
    """One opened card as it is shown: its place among all cards of the screen, from 1, and its fields in order."""

    place: int
    of: int
    fields: Mapping[FieldKind, Secret]
    expires: str | None

    def text(self, kind: FieldKind) -> str | None:
        """A field as a message carries it unchanged, or None: then the card goes into a file."""
        try:
            text = self.fields[kind].reveal().decode()
        except UnicodeDecodeError:
            return None
        return text if is_carried_exactly(text) else None

    def numbered(self, words: str) -> str:
        """`2. words`, or only the words where there is one card."""
        return f"{self.place}. {words}" if self.of > 1 else words

    def labelled(self, label: str) -> str:
        """`Copy 2`, or only `Copy` where there is one card."""
        return f"{label} {self.place}" if self.of > 1 else label


def opened_cards(entries: Sequence[CardEntry]) -> list[Card]:
    """Those that were opened for this reader."""
    return [
        Card(place, len(entries), fields_of(entry), entry.expires)
        for place, entry in enumerate(entries, 1)
        if fields_of(entry)
    ]


def fields_of(entry: CardEntry) -> dict[FieldKind, Secret]:
    """Number, secret, PIN: those it has."""
    values = {FieldKind.NUMBER: entry.number, FieldKind.SECRET: entry.secret, FieldKind.PIN: entry.pin}
    return {kind: value for kind, value in values.items() if value is not None}


def laid_out(entries: Sequence[CardEntry], texts: Texts) -> tuple[list[Block], list[Card]]:
    """What is written in the chat, and the cards that go into a file instead. Every card is in one of the two."""
    cards = opened_cards(entries)
    opened = {card.place for card in cards}
    drawn = {} if len(cards) > IN_CHAT_AT_MOST else drawn_cards(cards, texts)
    filed = [card for card in cards if card.place not in drawn]
    blocks: list[Block] = []
    for place, entry in enumerate(entries, 1):
        if place in drawn:
            blocks += drawn[place]
        elif place not in opened:
            blocks.append(Block(escaped(f"{place}. {entry.mask}" if len(entries) > 1 else entry.mask)))
        elif drawn:
            blocks.append(Block(escaped(f"{place}. {texts.say('in the file below')}")))
    return [*blocks, *below(cards, drawn, texts)], filed


def drawn_cards(cards: Sequence[Card], texts: Texts) -> dict[int, list[Block]]:
    """By its place each card that a message carries unchanged and whole."""
    day = common_day(cards)
    drawn = {}
    for card in cards:
        fields = {kind: text for kind in card.fields if (text := card.text(kind)) is not None}
        if len(fields) == len(card.fields):
            block = Block(html_of(card, fields, texts, with_day=day is None), tuple(buttons_of(card, fields, texts)))
            if units(block.html) <= TEXT_UNITS:
                drawn[card.place] = [block] if len(fields) == 1 else [BLANK, block, BLANK]
    return drawn


def common_day(cards: Sequence[Card]) -> str | None:
    """The last day of several cards, where all have the same: it is said once."""
    days = {card.expires for card in cards}
    return next(iter(days)) if len(cards) > 1 and len(days) == 1 else None


def html_of(card: Card, fields: Mapping[FieldKind, str], texts: Texts, *, with_day: bool) -> str:
    """The card: its one field alone, or each of several under its name; then its last day."""
    written = [
        code(text) if len(fields) == 1 else texts.row(escaped(kind.name_in(texts)), code(text))
        for kind, text in fields.items()
    ]
    if card.expires and with_day:
        written.append(escaped(valid_until(card.expires, texts)))
    return card.numbered("\n".join(written))


def valid_until(expires: str, texts: Texts) -> str:
    """`有效期至 2026年12月31日`; a day that is not written as an ISO date is shown as it is."""
    try:
        return texts.say("Valid until {day}", day=texts.day(date.fromisoformat(expires)))
    except ValueError:
        return texts.say("Valid until {day}", day=expires)


def buttons_of(card: Card, fields: Mapping[FieldKind, str], texts: Texts) -> Iterator[Button]:
    """One button a field: a link is opened, anything else copied; what is too long to be copied has none."""
    for kind, text in fields.items():
        if kind is FieldKind.SECRET and is_link(text):
            yield Button(card.labelled(texts.say("Open the link")), url=text)
        elif units(text) <= COPIED_UNITS:
            label = kind.copy_in(texts) if len(fields) > 1 else texts.say("Copy")
            yield Button(card.labelled(label), copy=text)


def below(cards: Sequence[Card], drawn: Mapping[int, list[Block]], texts: Texts) -> Iterator[Block]:
    """Beneath several cards: the last day that they share, and a button that copies all of them at once."""
    day = common_day(cards)
    if drawn and day:
        yield Block(escaped(valid_until(day, texts)))
    buttons = [button for blocks in drawn.values() for block in blocks for button in block.buttons]
    together = "\n".join(button.copy or "" for button in buttons)
    is_whole = len(buttons) == len(cards) == len(drawn) and all(button.copy for button in buttons)
    if len(cards) > 1 and is_whole and units(together) <= COPIED_UNITS:
        yield Block("", (Button(texts.say("Copy all"), copy=together),))
