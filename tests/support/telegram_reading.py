"""Screens made for Telegram, and its messages read back as Telegram reads, cleans and accepts them."""

import json
import re
from html.parser import HTMLParser
from uuid import UUID

from aiogram import Bot
from aiogram.methods import EditMessageText, SendDocument, SendMessage
from aiogram.types import BufferedInputFile
from teremok.validation import validate_method

from bot.intents import Act, Intent
from bot.screens import CardEntry, Option, Screen, ScreenKind
from bot.texts import Phrasebook
from channels.chat.telegram.render import render

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
ENGLISH = BOOK.texts("en")
BOT = Bot("42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
ORDER = UUID("019ccc1a-2000-7000-8000-000000000001")


def cleaned(text):
    """What is left of a text after Telegram's own cleaning (td, `clean_input_string`)."""
    return re.sub("[\r\u2028-\u202e\u0333\u033f\u030a]", "", re.sub(r"[\x00-\x09\x0b\x0c\x0e-\x1f]", " ", text))


class Read(HTMLParser):
    """HTML as Telegram reads and cleans it: its plain text, and what stands in each `<code>`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.codes, self.inside = "", [], False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag == "code":
            self.codes.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "code"

    def handle_data(self, data):
        self.text += cleaned(data)
        if self.inside:
            self.codes[-1] += cleaned(data)


def a_delivery(*cards, text="Month card × 2\nHow to use\n1. Redeem it\nKeep it", options=(), order=ORDER):
    """Opened cards: a secret each, or all fields of each."""
    fields = [card if isinstance(card, dict) else {"secret": card} for card in cards]
    entries = tuple(CardEntry(f"crd_{n}").opened(card) for n, card in enumerate(fields))
    return Screen(ScreenKind.CARDS, text, options, cards=entries, order=order)


def shown(screen, *, protect=False):
    """Its messages, each of them in a form that Telegram accepts."""
    messages = render(screen, ENGLISH, protect=protect)
    for message in messages:
        accepted(message)
    return messages


def accepted(message):
    """Telegram's own rules for text, captions, markup and buttons, and aiogram's types, let the message pass."""
    parameters = message.as_parameters()
    assert json.loads(json.dumps(parameters)) == parameters
    if message.document is None:
        assert message.method == "sendMessage"
        methods = [SendMessage(chat_id=1, **parameters)]
        if message.is_living:
            methods.append(EditMessageText(chat_id=1, message_id=1, **message.as_parameters(edit=True)))
    else:
        assert message.method == "sendDocument"
        file = BufferedInputFile(message.document.content, message.document.name)
        methods = [SendDocument(chat_id=1, document=file, **parameters)]
    for method in methods:
        validate_method(BOT, method)
    for button in buttons(message):
        assert 1 <= len(button.text) <= 64
        assert button.copy is None or 1 <= len(button.copy.encode("utf-16-le")) // 2 <= 256


def buttons(*messages):
    """All their buttons, in order."""
    return [button for message in messages for row in message.keyboard for button in row]


def labels(message):
    """What its buttons say, row by row."""
    return [[button.text for button in row] for row in message.keyboard]


def codes(messages):
    """What is copied by a tap, in order."""
    return [code for message in messages for code in Read(message.html).codes]


def files(messages):
    """The documents that go with them."""
    return [message.document for message in messages if message.document is not None]


def a_choice(label, intent=Intent.HOME, *, is_back=False, **params):
    """An option with its token."""
    return Option(label, Act(intent, params), action="token", is_back=is_back)
