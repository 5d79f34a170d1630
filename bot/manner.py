"""What a chat can do, as far as words depend on it: whether anything can be tapped, and whether prices may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manner:
    """How a chat speaks. The plain one has buttons, is written to at any time and shows prices.

    Without buttons every message of ours answers one of theirs: options are numbered, cards are asked for (取卡), and
    an order is placed on a page. Without prices the chat names goods and codes only; amounts and paying stand on the
    page. `wordings` say a sentence otherwise, one table after the other, by message id.
    """

    has_buttons: bool = True
    shows_prices: bool = True
    wordings: tuple[Mapping[str, str], ...] = ()

    def wording(self, msgid: str) -> str:
        """The sentence as it is said here."""
        for table in self.wordings:
            msgid = table.get(msgid, msgid)
        return msgid


PLAIN = Manner()
"""The web chat's and Telegram's."""
