"""What Telegram is told, as values and as the exact parameters of the Bot API; who sends it knows nothing of layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CALLBACK_BYTES = 64
COPIED_UNITS = 256  # "1-256 characters"; counted in UTF-16 units, the stricter way
BUTTONS_AT_MOST = 100  # more are cut off by Telegram without a word


class Style(StrEnum):
    """The colour of a button (Bot API 9.4); an older client shows it like any other."""

    PRIMARY = "primary"  # blue: the way on
    SUCCESS = "success"  # green: places or pays an order
    DANGER = "danger"  # red: gives something up


@dataclass(frozen=True, slots=True)
class Button:
    """One button: it says something to us, leads to a page, or copies a text. Prints neither pages nor copied texts."""

    text: str
    callback: str | None = None
    url: str | None = field(default=None, repr=False)
    copy: str | None = field(default=None, repr=False)
    style: Style | None = None

    def __post_init__(self) -> None:
        if sum(kind is not None for kind in (self.callback, self.url, self.copy)) != 1:
            raise ValueError(f"the button {self.text!r} must do exactly one thing")
        if self.callback is not None and not 1 <= len(self.callback.encode()) <= CALLBACK_BYTES:
            raise ValueError(f"the button {self.text!r} carries a token of {len(self.callback.encode())} bytes")

    def as_json(self) -> dict[str, Any]:
        """An `InlineKeyboardButton`."""
        shown: dict[str, Any] = {"text": self.text}
        if self.style is not None:
            shown["style"] = self.style.value
        if self.callback is not None:
            shown["callback_data"] = self.callback
        if self.url is not None:
            shown["url"] = self.url
        if self.copy is not None:
            shown["copy_text"] = {"text": self.copy}
        return shown


Rows = tuple[tuple[Button, ...], ...]
"""A keyboard, row by row."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that goes with a message; its content never prints."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TelegramMessage:
    """One message. `is_living`: it may replace the living message by an edit; others are always new messages.

    `picture` is the one address that is shown as a picture above the text; all other previews are off. A message
    with a `document` carries its `html` as the caption. Neither prints, because cards stand in both.
    """

    html: str = field(repr=False)
    keyboard: Rows = ()
    document: Document | None = None
    picture: str | None = None
    is_living: bool = False
    is_protected: bool = False

    def __post_init__(self) -> None:
        if sum(len(row) for row in self.keyboard) > BUTTONS_AT_MOST:
            raise ValueError(f"more than {BUTTONS_AT_MOST} buttons under one message")

    @property
    def method(self) -> str:
        """The method of the Bot API by which it is sent as a new message."""
        return "sendMessage" if self.document is None else "sendDocument"

    def as_parameters(self, *, edit: bool = False) -> dict[str, Any]:
        """The parameters of its `method`, or of `editMessageText`, all but chat, message and the file itself.

        Raises `ValueError` when a message that must be new would be an edit.
        """
        if edit and not self.is_living:
            raise ValueError("a receipt, cards or a file never replace a message")
        shown: dict[str, Any] = {"parse_mode": "HTML"}
        if self.document is None:
            shown |= {"text": self.html, "link_preview_options": self._preview()}
        else:
            shown |= {"caption": self.html}
        if self.keyboard:
            shown["reply_markup"] = {"inline_keyboard": [[button.as_json() for button in row] for row in self.keyboard]}
        if self.is_protected and not edit:
            shown["protect_content"] = True
        return shown

    def _preview(self) -> dict[str, Any]:
        if self.picture is None:
            return {"is_disabled": True}
        return {"url": self.picture, "prefer_large_media": True, "show_above_text": True}
