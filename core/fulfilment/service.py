"""How a paid line reaches its shopper: opened by the vault, told in the chat that ordered, exactly what it claimed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import Limited, NotFound
from core.ids import Prefix, new_id, public
from core.messages.service import MessageKind, store_sealed, tell
from core.orders.service import Sending, begin_sending, finish_sending, hold_for_review, put_back
from core.submission import claim_submission
from core.vault.client import RETRY_LATER, Opened, VaultAway, VaultRefused
from core.work import Work, enqueue

log = structlog.get_logger()

AGAIN_AFTER = (2, 5, 15, 60, 300, 900)
"""Seconds until a delivery that could not be sent is tried again, by number of tries so far."""

REREADS_PER_HOUR = 30
"""How often a shopper may ask for delivered cards again within an hour."""


class Vault(Protocol):
    """The one way to a secret: `core.vault.client.VaultClient`, or what a test puts in its place."""

    def open_delivery(self, delivery: UUID, /) -> Opened: ...


class NothingDelivered(NotFound):
    """The shopper has no delivered cards to read again."""

    def __init__(self) -> None:
        super().__init__("cards")


class RereadLimit(Limited):
    """Cards were asked for again too often; `limit` an hour."""


def deliver(*, delivery_id: UUID, vault: Vault, now: datetime) -> bool:
    """Deliver one paid line; True when its cards are in the chat after this call's own commit.

    Taken under a lease before the vault opens anything; a crash anywhere leaves a lease that a sweep finds, and the
    same cards are sent again (faults 1 and 2). An absent vault leaves the delivery waiting (fault 72).
    """
    sending = in_transaction(lambda: begin_sending(delivery_id=delivery_id, now=now))
    if sending is None:
        return False
    try:
        opened = vault.open_delivery(delivery_id)
    except VaultAway:
        _try_later(sending, problem="vault_away", now=now)
        return False
    except VaultRefused as refusal:
        if refusal.vault_code in RETRY_LATER:
            _try_later(sending, problem=refusal.vault_code.value, now=now)
        else:
            _hold(sending, problem=refusal.vault_code.value, now=now)
        return False

    def finish() -> bool:
        if not finish_sending(sending=sending, now=now):
            return False
        _tell_cards(sending.conversation_id, sending.order_id, sending.listing_code, delivery_id, opened, now)
        return True

    return in_transaction(finish, repeatable=True)


def _try_later(sending: Sending, *, problem: str, now: datetime) -> None:
    log.warning("delivery.waits", delivery=str(sending.delivery_id), problem=problem)
    wait = AGAIN_AFTER[min(sending.attempts, len(AGAIN_AFTER)) - 1]
    first = sending.attempts == 3  # the shopper hears of it once, not at every try

    def work() -> None:
        put_back(sending=sending, again_at=now + timedelta(seconds=wait), problem=problem)
        if first:
            tell(
                conversation_id=sending.conversation_id,
                kind=MessageKind.DELIVERY_DELAYED,
                body={"order": public(Prefix.ORDER, sending.order_id)},
                now=now,
            )

    in_transaction(work)


def _hold(sending: Sending, *, problem: str, now: datetime) -> None:
    """A person looks at it first: the line's gate closes, the shopper is told, the log says why."""

    def work() -> None:
        hold_for_review(sending=sending, problem=problem, now=now)
        tell(
            conversation_id=sending.conversation_id,
            kind=MessageKind.IN_REVIEW,
            body={"order": public(Prefix.ORDER, sending.order_id)},
            now=now,
        )

    in_transaction(work)
    log.error("delivery.held", delivery=str(sending.delivery_id), problem=problem)


def _tell_cards(
    conversation_id: UUID, order_id: UUID, code: str, delivery_id: UUID, opened: Opened, now: datetime
) -> None:
    message_id = tell(
        conversation_id=conversation_id,
        kind=MessageKind.CARDS,
        body={
            "order": public(Prefix.ORDER, order_id),
            "delivery": str(delivery_id),
            "code": code,
            "cards": [{"token": card.token, "mask": card.mask} for card in opened.cards],
        },
        now=now,
    )
    store_sealed(message_id=message_id, sealed=opened.sealed, now=now)


DELIVERED_OF = """
SELECT d.id FROM delivery d JOIN shop_order o ON o.id = d.order_id
WHERE o.shopper_id = %(shopper)s AND d.state = 'delivered' AND o.id = coalesce(%(order)s, (
    SELECT x.order_id FROM delivery x JOIN shop_order y ON y.id = x.order_id
    WHERE y.shopper_id = %(shopper)s AND x.state = 'delivered' ORDER BY x.delivered_at DESC LIMIT 1))
ORDER BY d.delivered_at
"""

REREADS = """
SELECT count(*) FROM audit_entry
WHERE object_kind = 'shopper' AND object_id = %s AND action = 'cards.asked_again' AND at > %s
"""


def request_reread(*, actor: Actor, order_id: UUID | None = None, submission_id: str, now: datetime) -> int:
    """取卡: ask for the cards of one order, or of the last delivered one, again; returns how many lines come.

    They come as messages once the vault has sealed them to the shopper's sessions; the same submission twice has them
    come once. Raises `NothingDelivered` (also for a foreign order), `RereadLimit` and `OtherContent`.
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
        deliveries = execute(DELIVERED_OF, {"shopper": actor.id, "order": order_id})
        if not deliveries:
            raise NothingDelivered()
        if first is not None:
            return len(deliveries)
        asked = execute(REREADS, (str(actor.id), now - timedelta(hours=1)))[0][0]
        if asked >= REREADS_PER_HOUR:
            raise RereadLimit(limit=REREADS_PER_HOUR)
        for (delivery_id,) in deliveries:
            enqueue(Work.REREAD, delivery_id)
        append(
            actor=actor,
            action="cards.asked_again",
            object_kind="shopper",
            object_id=str(actor.id),
            party_id=actor.party_id,
            now=now,
        )
        return len(deliveries)

    return in_transaction(work, repeatable=True)


DELIVERED = """
SELECT o.conversation_id, o.id, l.listing_code FROM delivery d
JOIN shop_order o ON o.id = d.order_id JOIN order_line l ON l.id = d.line_id
WHERE d.id = %s AND d.state = 'delivered'
"""


def reread(*, delivery_id: UUID, vault: Vault, now: datetime) -> bool:
    """Seal the cards of a delivered line again for the sessions of the chat that ordered, and tell them there."""
    rows = execute(DELIVERED, (delivery_id,))
    if not rows:
        return False
    conversation_id, order_id, code = rows[0]
    try:
        opened = vault.open_delivery(delivery_id)
    except (VaultAway, VaultRefused) as refusal:
        log.warning("reread.refused", delivery=str(delivery_id), why=str(refusal))
        _tell_delayed(conversation_id, order_id, now)
        return False
    in_transaction(lambda: _tell_cards(conversation_id, order_id, code, delivery_id, opened, now))
    return True


def _tell_delayed(conversation_id: UUID, order_id: UUID, now: datetime) -> None:
    tell(
        conversation_id=conversation_id,
        kind=MessageKind.DELIVERY_DELAYED,
        body={"order": public(Prefix.ORDER, order_id)},
        now=now,
    )
