"""Links to card pages for messages that bypass web: a bot's, an official account's, a letter. The worker's alone.

A link is a secret from its `#` on. It goes into the message and nowhere else: the vault makes the same one again for a
repeat of the message, so that nothing has to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from core.members.confirmed import ConfirmedContact
from core.messages.service import AGAIN, MessageKind
from core.ports import Parcel
from core.vault.client import VaultAway, VaultRefused
from core.vault.links import CardLink, LinkContact

log = structlog.get_logger()


class LinkVault(Protocol):
    """`core.vault.client.VaultClient`, or what a test puts in its place."""

    def card_link(
        self,
        delivery: UUID,
        /,
        *,
        occasion: UUID,
        locale: str,
        reader: UUID | None = None,
        contact: LinkContact | None = None,
    ) -> CardLink: ...


@dataclass(frozen=True, slots=True)
class CardLinks:
    """`origin` is where card pages are (`core.config.pages.card_page_origin`); empty: there are none."""

    vault: LinkVault | None = None
    origin: str = ""

    @property
    def is_on(self) -> bool:
        """Whether there is a page that browsers open cards on."""
        return self.vault is not None and bool(self.origin)

    def for_chat(self, parcel: Parcel) -> str | None:
        """The address of the page with the cards of a message, for the chat that it goes to.

        None where it has none to open: another kind of message, no page, a vault that is away or says no.
        """
        link = self._asked(parcel, None)
        if link is not None and link.address != parcel.chat_address:
            log.error("a link was made for another chat than its message's", kind=parcel.kind)
            return None
        return self.origin + link.path() if link is not None else None

    def for_letter(self, parcel: Parcel, contact: ConfirmedContact) -> str | None:
        """The same for a letter to a confirmed address; the vault looks whether it was confirmed, and by whom."""
        to = contact.sealed
        told = LinkContact(to.id, to.by, to.address_hash, to.confirmed_at, contact.seal)
        link = self._asked(parcel, told)
        return self.origin + link.path() if link is not None else None

    def _asked(self, parcel: Parcel, contact: LinkContact | None) -> CardLink | None:
        if self.vault is None or not self.origin or parcel.kind != MessageKind.CARDS:
            return None
        try:
            delivery = UUID(str(parcel.body["delivery"]))
            occasion = UUID(str(parcel.body.get(AGAIN) or delivery))
            reader = None if contact else parcel.conversation_id
            return self.vault.card_link(
                delivery, occasion=occasion, locale=parcel.locale, reader=reader, contact=contact
            )
        except (VaultAway, VaultRefused) as refusal:
            log.warning("no link to a card page", kind=parcel.kind, why=str(refusal))
            return None
