"""The other chats of the same shopper, as ways to tell what the chat that bought cannot take."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.clock import Clock
from core.db import execute, in_transaction
from core.messages.service import MessageKind, tell
from core.ports import Parcel, SendAnswer, SendOutcome

OTHER_CHAT = """
SELECT c.id FROM conversation c JOIN identity i ON i.id = c.identity_id
WHERE c.shopper_id = %s AND c.merchant_id = %s AND c.id <> %s AND (i.channel = 'web') = %s
  AND c.last_heard_at IS NOT NULL
ORDER BY c.last_heard_at DESC LIMIT 1
"""
"""The one that was heard last, among the chats of platforms or among our own pages."""

VIA = "via"


@dataclass(frozen=True)
class BoundChat:
    """Tells in another chat of the shopper on a platform: the same words, or that cards are ready to be fetched there.

    Cards themselves do not travel: who asks for them in that chat is looked at by the vault (`may_read`).
    """

    clock: Clock
    name: str = "chat"
    is_heard: bool = True
    is_page: bool = False

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """None where the shopper has no other chat, or where this message came from another chat itself."""
        if VIA in parcel.body:
            return None
        rows = execute(OTHER_CHAT, (parcel.shopper_id, parcel.merchant_id, parcel.conversation_id, self.is_page))
        if not rows:
            return None
        other: UUID = rows[0][0]
        kind, body = MessageKind(parcel.kind), dict(parcel.body)
        if kind is MessageKind.CARDS:
            kind, body = MessageKind.CARDS_READY, {"order": parcel.body["order"]}
        told = in_transaction(
            lambda: tell(conversation_id=other, kind=kind, body={**body, VIA: self.name}, now=self.clock.now())
        )
        return SendAnswer(SendOutcome.SENT, str(told))


def bound_page(clock: Clock) -> BoundChat:
    """The same on a page of ours, which shows it when it is opened: nobody knows when, so the next way is tried too."""
    return BoundChat(clock, name="page", is_heard=False, is_page=True)
