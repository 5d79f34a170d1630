"""What the worker asks the vault about card pages: a link for a message that it writes, the cards behind a press."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.secret import Secret
from core.vault.asking import Asking
from core.vault.links import CardLink, LinkContact


@dataclass(frozen=True, slots=True)
class OpenedPress:
    """Cards sealed under their link's key, which the worker relays; whose they are, in which language, and how often
    the link still opens.
    """

    delivery: UUID
    locale: str
    left: int
    expires_at: datetime
    sealed: bytes = field(repr=False)


class LinkRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about links."""

    def card_link(
        self,
        delivery: UUID,
        /,
        *,
        occasion: UUID,
        locale: str,
        reader: UUID | None = None,
        contact: LinkContact | None = None,
    ) -> CardLink:
        """A link to the cards of a delivery, for the chat `reader` or for an address; the same for one occasion.

        Raises `VaultAway`, `VaultRefused`.
        """
        asked: dict[str, Any] = {"op": "link", "delivery": str(delivery), "occasion": str(occasion), "locale": locale}
        asked |= {"reader": str(reader) if reader else None}
        answer = self._ask(asked | {"contact": _told(contact) if contact else None})
        key = Secret(base64.b64decode(answer["key"]))
        return CardLink(UUID(answer["id"]), key, str(answer["address"]), datetime.fromisoformat(answer["expires_at"]))

    def open_link(self, press: UUID, /) -> OpenedPress:
        """The cards behind a press, counted once; asked again it answers the same.

        Raises `VaultAway`, `VaultRefused` (LINK_GONE for whatever is wrong with the press).
        """
        answer = self._ask({"op": "open_link", "press": str(press)})
        return OpenedPress(
            UUID(answer["delivery"]),
            str(answer["locale"]),
            int(answer["left"]),
            datetime.fromisoformat(answer["expires_at"]),
            base64.b64decode(answer["sealed"]),
        )


def _told(contact: LinkContact) -> dict[str, str]:
    """An address as the vault is told of it: never its text."""
    return {
        "id": str(contact.id),
        "identity": str(contact.by.identity_id),
        "chat": contact.by.chat_address,
        "hash": base64.b64encode(contact.address_hash).decode(),
        "confirmed_at": contact.confirmed_at.isoformat(),
        "seal": base64.b64encode(contact.seal).decode(),
    }
