"""取卡: delivered cards once more, in the chat that asks for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import Limited, NotFound
from core.fulfilment.carrying import PICKED_UP, Vault
from core.ids import Prefix, new_id, public
from core.messages.outgoing import mark_fetched
from core.messages.service import MessageKind, OutgoingState, store_sealed, tell
from core.submission import claim_submission
from core.vault.client import Opened, VaultAway, VaultCode, VaultRefused
from core.work import Work, enqueue

log = structlog.get_logger()

REREADS_PER_HOUR = 30
"""How often a shopper may ask for delivered cards again within an hour."""


class NothingDelivered(NotFound):
    """The shopper has no delivered cards to read again."""

    def __init__(self) -> None:
        super().__init__("cards")


class RereadLimit(Limited):
    """Cards were asked for again too often; `limit` an hour."""


DELIVERED_OF = """
WITH readable AS (
    SELECT o.id, o.conversation_id FROM shop_order o WHERE o.shopper_id = %(shopper)s
    UNION ALL
    SELECT u.order_id, u.conversation_id FROM pickup_use u WHERE u.conversation_id = %(conversation)s
), ready AS (
    SELECT d.id, d.order_id, d.delivered_at, bool_or(r.conversation_id = %(conversation)s) AS is_here
    FROM readable r JOIN delivery d ON d.order_id = r.id AND d.state = 'delivered' GROUP BY 1, 2, 3
)
SELECT id FROM ready
WHERE order_id = coalesce(%(order)s, (SELECT order_id FROM ready ORDER BY is_here DESC, delivered_at DESC LIMIT 1))
ORDER BY delivered_at
"""
"""What the shopper bought, and what this chat has picked up."""

REREADS = """
SELECT count(*) FROM audit_entry
WHERE object_kind = 'shopper' AND object_id = %s AND action = 'cards.asked_again' AND at > %s
"""

ASK = """
INSERT INTO reading (id, delivery_id, conversation_id, asked_at) VALUES (%s, %s, %s, %s)
"""


def request_reread(
    *, actor: Actor, conversation_id: UUID, order_id: UUID | None = None, submission_id: str, now: datetime
) -> int:
    """取卡: ask for the cards of one order, or of the last delivered one, again; returns how many lines come.

    They come as messages of the chat that asks, if the vault finds that it may read them (what a bound chat bought
    lately stays there for a while); the same submission twice has them come once. Without an order it is the last one
    of this chat, bought or picked up here, else of any chat of the shopper. Raises `NothingDelivered` (also for a
    foreign order), `RereadLimit` and `OtherContent`.
    """

    def work() -> int:
        first = claim_submission(
            merchant_id=actor.party_id or 0,
            caller=f"shopper:{actor.id}",
            operation="cards.ask_again",
            key=submission_id,
            request=[str(order_id)],
            reference=new_id(),
            now=now,
        )
        execute("SELECT 1 FROM shopper WHERE id = %s FOR NO KEY UPDATE", (actor.id,))
        asked = {"shopper": actor.id, "conversation": conversation_id, "order": order_id}
        deliveries = [delivery_id for (delivery_id,) in execute(DELIVERED_OF, asked)]
        if not deliveries:
            raise NothingDelivered()
        if first is None:
            _ask(actor, conversation_id, deliveries, now)
        return len(deliveries)

    return in_transaction(work, repeatable=True)


def _ask(actor: Actor, conversation_id: UUID, deliveries: list[UUID], now: datetime) -> None:
    times = execute(REREADS, (str(actor.id), now - timedelta(hours=1)))[0][0]
    if times >= REREADS_PER_HOUR:
        raise RereadLimit(limit=REREADS_PER_HOUR)
    for delivery_id in deliveries:
        reading_id = new_id()
        execute(ASK, (reading_id, delivery_id, conversation_id, now))
        enqueue(Work.REREAD, reading_id)
    append(
        actor=actor,
        action="cards.asked_again",
        object_kind="shopper",
        object_id=str(actor.id),
        party_id=actor.party_id,
        now=now,
    )


READING = """
SELECT r.conversation_id, d.id FROM reading r JOIN delivery d ON d.id = r.delivery_id AND d.state = 'delivered'
WHERE r.id = %s
"""
ABOUT = """
SELECT o.id, l.listing_code, o.shopper_id <> c.shopper_id
FROM delivery d JOIN shop_order o ON o.id = d.order_id JOIN order_line l ON l.id = d.line_id
JOIN conversation c ON c.id = %s WHERE d.id = %s
"""


def reread(*, reading_id: UUID, vault: Vault, now: datetime) -> bool:
    """Have the cards of a delivered line told once more in the chat that asked for them.

    A reader with a session of its own (web chat, page, a WeChat reply that waits) gets them sealed to it; into any
    other chat the worker carries them.
    """
    rows = execute(READING, (reading_id,))
    if not rows:
        return False
    conversation_id, delivery_id = rows[0]
    try:
        opened = vault.open_delivery(delivery_id, reader=conversation_id)
    except (VaultAway, VaultRefused) as refusal:
        log.warning("reread.refused", delivery=str(delivery_id), why=str(refusal))
        is_foreign = isinstance(refusal, VaultRefused) and refusal.vault_code is VaultCode.OTHER_READER
        kind = MessageKind.CARDS_ELSEWHERE if is_foreign else MessageKind.DELIVERY_DELAYED
        tell(conversation_id=conversation_id, kind=kind, body=_about(conversation_id, delivery_id)[0], now=now)
        return False
    body = cards_again(conversation_id, delivery_id, opened)
    in_transaction(lambda: tell_again(conversation_id, delivery_id, body, opened, now))
    return True


def cards_again(conversation_id: UUID, delivery_id: UUID, opened: Opened) -> dict[str, object]:
    """The body of the message with the cards of a delivery, for a chat that reads them once more."""
    body, code = _about(conversation_id, delivery_id)
    cards = [{"token": card.token, "mask": card.mask} for card in opened.cards]
    return {**body, "delivery": str(delivery_id), "code": code, "cards": cards}


def _about(conversation_id: UUID, delivery_id: UUID) -> tuple[dict[str, object], str]:
    """What a message about a delivery names, and the listing's code."""
    order_id, code, is_foreign = execute(ABOUT, (conversation_id, delivery_id))[0]
    return {"order": public(Prefix.ORDER, order_id)} | ({PICKED_UP: True} if is_foreign else {}), code


def tell_again(
    conversation_id: UUID, delivery_id: UUID, body: dict[str, object], opened: Opened, now: datetime
) -> None:
    """Tell cards once more; what is sealed to a reader is there already, and is not carried as well."""
    if opened.sealed:
        mark_fetched(conversation_id=conversation_id, delivery_id=delivery_id, now=now)
    state = OutgoingState.SENT if opened.sealed else OutgoingState.READY
    message_id = tell(conversation_id=conversation_id, kind=MessageKind.CARDS, body=body, now=now, state=state)
    store_sealed(message_id=message_id, sealed=opened.sealed, now=now)
