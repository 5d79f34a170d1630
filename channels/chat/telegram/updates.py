"""What Telegram tells a bot, read from the raw update: only what we understand, in a few microseconds, and never a word
more than is there. Anything else is nothing for us, or junk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ALLOWED = ("message", "callback_query", "pre_checkout_query", "my_chat_member")
"""What we ask Telegram for; the rest costs both sides and is never read."""

LOUD = frozenset({
    "photo", "video", "voice", "audio", "sticker", "animation", "video_note", "contact", "location", "venue", "dice",
    "poll", "story",
})  # fmt: skip
"""Contents of a message that somebody sent to say something, other than words and files."""


class Junk(ValueError):
    """This is no update of Telegram's."""


class UpdateKind(StrEnum):
    """What an update is about; each kind has one handler."""

    TEXT = "text"  # words, or something without words that is not understood
    FILE = "file"  # a document, perhaps with words
    TAP = "tap"  # a button
    CHECKOUT = "checkout"  # may these Stars be taken? Answered within ten seconds
    PAID = "paid"  # Stars came in
    REFUNDED = "refunded"  # Stars went back
    MEMBERSHIP = "membership"  # the bot was blocked, let in again, added to a group, removed


URGENT = frozenset({UpdateKind.CHECKOUT})


@dataclass(frozen=True, slots=True)
class Update:
    """One update. `query` is the number under which a tap or a checkout is answered, `said` the object itself."""

    id: int
    kind: UpdateKind
    user: str
    chat: str
    is_private: bool
    language: str
    text: str = field(default="", repr=False)
    message: int | None = None
    query: str = ""
    said: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def locale(self) -> str:
        """The language in which a new shopper is spoken to."""
        return "zh-CN" if self.language.lower().startswith("zh") else "en"


def read_update(raw: bytes | str) -> Update | None:
    """One update, or None where it is nothing for us. Raises `Junk` for what Telegram does not send."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Junk("not JSON") from None
    if not isinstance(body, dict) or type(body.get("update_id")) is not int:
        raise Junk("no update_id")
    try:
        for name, read in READERS.items():
            if name in body:
                return read(body["update_id"], body[name])
    except (KeyError, TypeError, AttributeError):
        raise Junk("another shape") from None
    return None


def _message(number: int, said: dict[str, Any]) -> Update | None:
    if "refunded_payment" in said:  # the bot itself says so, in the chat of the person whose Stars went back
        return _update(number, UpdateKind.REFUNDED, said["chat"], said["chat"], said, message=said["message_id"])
    if said["from"].get("is_bot"):
        return None
    kind, text = UpdateKind.TEXT, said.get("text", "")
    if "successful_payment" in said:
        kind = UpdateKind.PAID
    elif "document" in said:
        kind, text = UpdateKind.FILE, said.get("caption", "")
    elif not text:
        text = said.get("caption", "")
        if not text and LOUD.isdisjoint(said):
            return None  # a title, a pinned message: the chat speaks of itself
    return _update(number, kind, said["from"], said["chat"], said, text=text, message=said["message_id"])


def _tap(number: int, said: dict[str, Any]) -> Update | None:
    under = said.get("message")
    if under is None or not isinstance(said.get("data"), str):
        return None  # under a message that is not ours, or a game's
    more = {"text": said["data"], "message": under["message_id"], "query": said["id"]}
    return _update(number, UpdateKind.TAP, said["from"], under["chat"], said, **more)


def _checkout(number: int, said: dict[str, Any]) -> Update:
    chat = {"id": said["from"]["id"], "type": "private"}
    return _update(number, UpdateKind.CHECKOUT, said["from"], chat, said, query=said["id"])


def _membership(number: int, said: dict[str, Any]) -> Update:
    status = said["new_chat_member"]["status"]
    return _update(number, UpdateKind.MEMBERSHIP, said["from"], said["chat"], said, text=status)


def _update(
    number: int,
    kind: UpdateKind,
    sender: dict[str, Any],
    chat: dict[str, Any],
    said: dict[str, Any],
    *,
    text: str = "",
    message: int | None = None,
    query: str = "",
) -> Update:
    if type(sender["id"]) is not int or type(chat["id"]) is not int or not isinstance(text, str):
        raise Junk("another shape")
    language = sender.get("language_code")
    return Update(
        id=number,
        kind=kind,
        user=str(sender["id"]),
        chat=str(chat["id"]),
        is_private=chat["type"] == "private",
        language=language if isinstance(language, str) else "",
        text=text.encode("utf-8", "replace").decode(),  # half surrogate pairs, which no database takes
        message=message if type(message) is int else None,
        query=str(query),
        said=said,
    )


READERS = {"message": _message, "callback_query": _tap, "pre_checkout_query": _checkout, "my_chat_member": _membership}
