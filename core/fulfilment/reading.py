"""取卡: delivered cards once more, in the chat that asks for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core.actor import Actor
from core.audit.service import append
from core.db import changed, execute, in_transaction
from core.errors import Limited, NotFound
from core.fulfilment.carrying import Vault
from core.ids import Prefix, new_id, public
from core.messages.alerts import AlertKind, raise_alert
from core.messages.outgoing import mark_fetched
from core.messages.service import AGAIN, PICKED_UP, MessageKind, OutgoingState, store_sealed, tell
from core.submission import claim_submission
from core.vault.client import RETRY_LATER, Opened, VaultAway, VaultCode, VaultRefused
from core.work import Work, enqueue, enqueue_missing

log = structlog.get_logger()

REREADS_PER_HOUR = 30
"""How often a shopper may ask for delivered cards again within an hour."""


AGAIN_AFTER = (10, 15, 30, 60, 120, 300)
"""Seconds until a sweep has a wish tried again, by the number of tries so far; the first is for a lost queue row."""

MOST_TRIES = 20
"""So often, over an hour and more, a wish is tried; then the shopper has to ask again."""


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
    FROM readable r JOIN delivery d ON d.order_id = r.id AND d.state = 'delivered'
    JOIN order_line l ON l.id = d.line_id AND l.plan_id IS NULL GROUP BY 1, 2, 3
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
INSERT INTO reading (id, delivery_id, conversation_id, asked_at, due_at) VALUES (%s, %s, %s, %s, %s)
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
        execute(ASK, (reading_id, delivery_id, conversation_id, now, now + timedelta(seconds=AGAIN_AFTER[0])))
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
SELECT r.conversation_id, d.id, r.tries FROM reading r JOIN delivery d ON d.id = r.delivery_id AND d.state = 'delivered'
WHERE r.id = %s
"""
ABOUT = """
SELECT o.id, l.listing_code, o.shopper_id <> c.shopper_id
FROM delivery d JOIN shop_order o ON o.id = d.order_id JOIN order_line l ON l.id = d.line_id
JOIN conversation c ON c.id = %s WHERE d.id = %s
"""


ANSWERED = "DELETE FROM reading WHERE id = %s"
PUT_OFF = "UPDATE reading SET tries = tries + 1, due_at = %s WHERE id = %s"
DUE = "SELECT id FROM reading WHERE due_at <= %s ORDER BY due_at LIMIT %s"


def reread(*, reading_id: UUID, vault: Vault, now: datetime) -> bool:
    """Have the cards of a delivered line told once more in the chat that asked for them.

    A reader with a session of its own (web chat, page, a WeChat reply that waits) gets them sealed to it; into any
    other chat the worker carries them. The wish stays until it is answered: a sweep finds it again after a killed
    worker, and while the vault is away.
    """
    rows = execute(READING, (reading_id,))
    if not rows:
        return False
    conversation_id, delivery_id, tries = rows[0]
    try:
        opened = vault.open_delivery(delivery_id, reader=conversation_id)
    except VaultAway:
        _put_off(reading_id, conversation_id, delivery_id, tries, "vault_away", now)
        return False
    except VaultRefused as refusal:
        problem = refusal.vault_code
        if problem in RETRY_LATER:
            _put_off(reading_id, conversation_id, delivery_id, tries, problem.value, now)
        else:
            _refuse(reading_id, conversation_id, delivery_id, problem, now)
        return False
    body = cards_again(conversation_id, delivery_id, opened)

    def answer() -> bool:
        if not changed(ANSWERED, (reading_id,)):  # a twin has told it
            return False
        tell_again(conversation_id, delivery_id, body, opened, now)
        return True

    return in_transaction(answer, repeatable=True)


def readings_due(*, now: datetime, limit: int = 200) -> int:
    """For the sweep: ask the worker again for wishes that nobody has answered; returns how many."""
    return enqueue_missing(Work.REREAD, [wish for (wish,) in execute(DUE, (now, limit))])


def _put_off(
    reading_id: UUID, conversation_id: UUID, delivery_id: UUID, tries: int, problem: str, now: datetime
) -> None:
    """Not now: the shopper hears of it once, and the cards come when the vault opens them again."""
    log.warning("reread.waits", delivery=str(delivery_id), problem=problem)
    wait = timedelta(seconds=AGAIN_AFTER[min(tries + 1, len(AGAIN_AFTER) - 1)])

    def work() -> None:
        if tries + 1 >= MOST_TRIES:
            changed(ANSWERED, (reading_id,))
        else:
            changed(PUT_OFF, (now + wait, reading_id))
        if tries == 0:
            about = _about(conversation_id, delivery_id)[0]
            tell(conversation_id=conversation_id, kind=MessageKind.DELIVERY_DELAYED, body=about, now=now)

    in_transaction(work)


def _refuse(reading_id: UUID, conversation_id: UUID, delivery_id: UUID, problem: VaultCode, now: datetime) -> None:
    """The vault opens these cards for this chat not at all: a person looks, unless another chat may read them."""
    log.warning("reread.refused", delivery=str(delivery_id), problem=problem.value)
    is_elsewhere = problem is VaultCode.OTHER_READER
    kind = MessageKind.CARDS_ELSEWHERE if is_elsewhere else MessageKind.IN_REVIEW

    def work() -> None:
        if not changed(ANSWERED, (reading_id,)):
            return
        about = _about(conversation_id, delivery_id)[0]
        tell(conversation_id=conversation_id, kind=kind, body=about, now=now)
        if not is_elsewhere:
            detail = {"problem": problem.value}
            raise_alert(kind=AlertKind.DELIVERY_HELD, subject=str(about["order"]), detail=detail, now=now)

    in_transaction(work)


def cards_again(conversation_id: UUID, delivery_id: UUID, opened: Opened) -> dict[str, object]:
    """The body of the message with the cards of a delivery, for a chat that reads them once more."""
    body, code = _about(conversation_id, delivery_id)
    cards = [{"token": card.token, "mask": card.mask} for card in opened.cards]
    return {**body, "delivery": str(delivery_id), "code": code, "cards": cards, AGAIN: str(new_id())}


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
