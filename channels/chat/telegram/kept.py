"""An answer as it is kept until it is said: rendered messages and calls as JSON, with the buttons that they had."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from channels.chat.telegram.intake import Call
from channels.chat.telegram.message import Button, Style, TelegramMessage


@dataclass(frozen=True, slots=True)
class Answer:
    """What one event is answered with: calls that are no message, then messages to its chat.

    `otherwise` are said in their place where one of the calls was refused.
    """

    messages: tuple[TelegramMessage, ...] = ()
    calls: tuple[Call, ...] = ()
    otherwise: tuple[TelegramMessage, ...] = ()

    def dumps(self) -> bytes:
        """The answer as bytes. Raises `ValueError` for a file: what goes into files is never an answer."""
        kept: dict[str, Any] = {"messages": [_kept(one) for one in self.messages], "calls": list(self.calls)}
        if self.otherwise:
            kept["otherwise"] = [_kept(one) for one in self.otherwise]
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def loads(cls, kept: bytes) -> Answer:
        """The answer that was kept."""
        body = json.loads(kept)
        otherwise = tuple(_message(one) for one in body.get("otherwise", ()))
        return cls(tuple(_message(one) for one in body["messages"]), tuple(body["calls"]), otherwise)


def _kept(message: TelegramMessage) -> dict[str, Any]:
    if message.document is not None:
        raise ValueError("an answer carries no file")
    rows = [[[b.text, b.callback, b.url, b.copy, b.style] for b in row] for row in message.keyboard]
    return {"html": message.html, "rows": rows, "picture": message.picture, "living": message.is_living}


def _message(kept: dict[str, Any]) -> TelegramMessage:
    return TelegramMessage(
        kept["html"],
        tuple(tuple(_button(*parts) for parts in row) for row in kept["rows"]),
        picture=kept["picture"],
        is_living=kept["living"],
    )


def _button(text: str, callback: str | None, url: str | None, copy: str | None, style: str | None) -> Button:
    return Button(text, callback=callback, url=url, copy=copy, style=Style(style) if style else None)
