"""Another chat of the same shopper, as a way to tell what the chat that bought cannot take."""

from __future__ import annotations

from uuid import UUID

from core.clock import Clock
from core.db import execute, in_transaction
from core.messages.service import MessageKind, tell
from core.ports import Parcel, SendAnswer, SendOutcome

OTHER_CHAT = """
SELECT c.id FROM conversation c JOIN identity i ON i.id = c.identity_id
WHERE c.shopper_id = %s AND c.merchant_id = %s AND c.id <> %s AND c.last_heard_at IS NOT NULL
ORDER BY i.channel = 'web', c.last_heard_at DESC LIMIT 1
"""
"""The one that was heard last; a page that may be closed comes after the chats of platforms."""

VIA = "via"


class BoundChat:
    """Tells in another chat of the shopper: the same words, or that cards are ready to be fetched there.

    Cards themselves do not travel: who asks for them in that chat is looked at by the vault (`may_read`).
    """

    name = "chat"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """None where the shopper has no other chat, or where this message came from another chat itself."""
        if VIA in parcel.body:
            return None
        rows = execute(OTHER_CHAT, (parcel.shopper_id, parcel.merchant_id, parcel.conversation_id))
        if not rows:
            return None
        other: UUID = rows[0][0]
        kind, body = MessageKind(parcel.kind), dict(parcel.body)
        if kind is MessageKind.CARDS:
            kind, body = MessageKind.CARDS_READY, {"order": parcel.body["order"]}
        told = in_transaction(
            lambda: tell(conversation_id=other, kind=kind, body={**body, VIA: "chat"}, now=self._clock.now())
        )
        return SendAnswer(SendOutcome.SENT, str(told))
