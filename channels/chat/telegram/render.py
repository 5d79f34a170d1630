"""A Screen as Telegram's messages: one living message for what is chosen, new ones for receipts and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.screens import Screen, ScreenKind
from bot.texts import Texts
from channels.chat.telegram.cards import laid_out
from channels.chat.telegram.files import CardFile, files_of
from channels.chat.telegram.keyboard import columns, keyboard, numbers_of, side_by_side, unlinked
from channels.chat.telegram.markup import (
    BLANK,
    CAPTION_UNITS,
    Block,
    bold,
    code,
    escaped,
    joined,
    lines,
    packed,
    units,
)
from channels.chat.telegram.message import Document, Rows, TelegramMessage

ALWAYS_NEW = {ScreenKind.RECEIPT, ScreenKind.CARDS}
SAID = {ScreenKind.TEXT, ScreenKind.INPUT, ScreenKind.MENU}
TITLE_COLUMNS = 60  # what is wider is a sentence


def render(screen: Screen, texts: Texts, *, protect: bool) -> tuple[TelegramMessage, ...]:
    """The messages of a screen whose buttons, links and cards are filled in, in the order in which they are sent.

    `protect`: cards can neither be forwarded nor saved (the merchant's switch). The options stand under the last
    message, cards' own buttons under the message that shows them. Raises `ValueError` for an option that does nothing.
    """
    if screen.kind is ScreenKind.CARDS:
        return tuple(replace(message, is_protected=protect) for message in messages_of_cards(screen, texts))
    messages = written([*title_of(screen), *rest_of(screen, texts)], keyboard(screen, texts))
    is_living = len(messages) == 1 and screen.kind not in ALWAYS_NEW
    first = replace(messages[0], picture=screen.media, is_living=is_living)
    return (first, *messages[1:])


def title_of(screen: Screen) -> list[Block]:
    """The first line, in bold where it is a title."""
    first, _, _ = screen.text.partition("\n")
    return lines(first, bold if has_title(screen) else None)


def has_title(screen: Screen) -> bool:
    """Whether the first line is a title; what is only said is a sentence, which would shout in bold."""
    if screen.kind not in SAID:
        return True
    first, _, rest = screen.text.partition("\n")
    return columns(first) <= TITLE_COLUMNS and (bool(rest) or screen.kind is ScreenKind.MENU)


def rest_of(screen: Screen, texts: Texts) -> list[Block]:
    """What stands below the title: the other lines, options too long for a button, the error id."""
    _, _, rest = screen.text.partition("\n")
    blocks = [BLANK] if "\n" in rest and has_title(screen) else []
    heading, advice = texts.say("How to use"), texts.say("Keep them to yourself: whoever has a card can use it.")
    for line in rest.split("\n"):
        blocks += [BLANK] if line in {heading, advice} else []
        blocks += lines(line, bold if line == heading else None)
    numbers = numbers_of(screen)
    listed = [f"{number}. {screen.options[at].label}" for at, number in numbers.items()]
    blocks += [BLANK, *(block for line in listed for block in lines(line))]
    links = [(escaped(option.label), code(option.url or "")) for option in unlinked(screen)]
    blocks += [BLANK, *(Block(texts.row(label, address)) for label, address in links)]
    if screen.error_id is not None:
        blocks += [BLANK, Block(f"<i>{escaped(texts.row(texts.say('Error id'), ''))}</i>{code(screen.error_id)}")]
    return blocks


def messages_of_cards(screen: Screen, texts: Texts) -> list[TelegramMessage]:
    """Title, cards, and how they are used beneath; files after what is written, the last with the rest if it fits."""
    shown, filed = laid_out(screen.cards, texts)
    title, rest, options = title_of(screen), [BLANK, *rest_of(screen, texts)], keyboard(screen, texts)
    if not filed:
        return written([*title, BLANK, *shown, *rest], options)
    files = files_of(filed, texts, screen.order)
    is_apart = bool(shown) or units(joined([*title, *about(files[0])])) > CAPTION_UNITS
    messages = written([*title, BLANK, *shown], ()) if is_apart else []
    for file in files:
        caption = [*([] if messages else title), *about(file)]
        is_last = file is files[-1]
        if is_last and units(joined([*caption, *rest])) <= CAPTION_UNITS:
            return [*messages, captioned(file.document, [*caption, *rest], options)]
        messages.append(captioned(file.document, caption, ()))
    return [*messages, *written(rest, options)]


def about(file: CardFile) -> list[Block]:
    """The sentences beneath a file."""
    return [BLANK, *(Block(escaped(sentence)) for sentence in file.sentences)]


def captioned(document: Document, caption: Sequence[Block], options: Rows) -> TelegramMessage:
    """A file and what stands beneath it."""
    return TelegramMessage(joined(caption), options, document=document)


def written(blocks: Sequence[Block], options: Rows) -> list[TelegramMessage]:
    """Blocks in as few messages as they need, each with the buttons of its own blocks, the options under the last."""
    messages = [TelegramMessage(joined(part), card_rows(part)) for part in packed(blocks)]
    return [*messages[:-1], replace(messages[-1], keyboard=(*messages[-1].keyboard, *options))]


def card_rows(blocks: Sequence[Block]) -> Rows:
    """The buttons of cards: a row for each card that has several, else as many side by side as fit."""
    of_cards = [block.buttons for block in blocks if block.buttons]
    if any(len(buttons) > 1 for buttons in of_cards):
        return tuple(of_cards)
    return side_by_side([button for buttons in of_cards for button in buttons])
