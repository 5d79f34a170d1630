"""How a paid line reaches its shopper: opened by the vault, told in the chat that ordered, exactly what it claimed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from core.connections.chats import read_address
from core.conversations.service import find_conversation
from core.db import in_transaction
from core.fulfilment.carrying import Vault, carry, carry_waiting, report, way_of
from core.fulfilment.memberships import give_membership
from core.fulfilment.mending import Mended, mend
from core.fulfilment.otherwise import Carrier, parcel_for
from core.fulfilment.reading import NothingDelivered, RereadLimit, readings_due, request_reread, reread
from core.ids import Prefix, public
from core.messages import outgoing
from core.messages.alerts import AlertKind, raise_alert
from core.messages.outgoing import Pen
from core.messages.service import MessageKind, OutgoingState, store_sealed, tell
from core.orders.service import Sending, begin_sending, finish_sending, hold_for_review, put_back
from core.ports import SendAnswer
from core.vault.client import RETRY_LATER, Opened, VaultAway, VaultCode, VaultRefused

__all__ = [
    "Carrier",
    "NothingDelivered",
    "RereadLimit",
    "carry",
    "deliver",
    "readings_due",
    "request_reread",
    "reread",
]

log = structlog.get_logger()

AGAIN_AFTER = (2, 5, 15, 60, 300, 900)
"""Seconds until a delivery that could not be sent is tried again, by number of tries so far."""

VAULT_AWAY = "vault_away"
"""The problem of a delivery that waits for the vault."""

PATIENCE = 3.0
"""Seconds that a delivery waits for whoever writes in its chat."""


def deliver(*, delivery_id: UUID, vault: Vault, carrier: Carrier, zone: str = "Asia/Shanghai", now: datetime) -> bool:
    """Deliver one paid line; True when its cards are in the chat after this call's own commit.

    Taken under a lease before the vault opens anything; a crash anywhere leaves a lease that a sweep finds, and the
    same cards are sent again (faults 1 and 2). An absent vault leaves the delivery waiting (fault 72). Cards that were
    recalled or ended meanwhile are replaced, or their money goes back (faults 65 and 66). No transaction is open while
    a platform is spoken to. A membership has no cards: its period is given, and told as any other message.
    """
    sending = in_transaction(lambda: begin_sending(delivery_id=delivery_id, zone=zone, now=now))
    if sending is None or (sending.is_unfit and not _mended(sending, now)):
        return False
    if sending.is_plan:
        return give_membership(sending=sending, now=now)
    if read_address(sending.chat_address) is None:
        opened = _opened(sending, vault, now, plain=False)
        return opened is not None and _finish(sending, opened, OutgoingState.SENT, None, now)
    with outgoing.pen(conversation_id=sending.conversation_id, patience=PATIENCE) as pen:
        if pen is None:
            _try_later(sending, problem="chat_busy", now=now)
            return False
        return _deliver_into_chat(sending, pen, vault, carrier, now)


def _deliver_into_chat(sending: Sending, pen: Pen, vault: Vault, carrier: Carrier, now: datetime) -> bool:
    """The cards go into the chat that the order's seal names, after what was said there before (we have the pen).

    A chat that takes nothing now does not stop the delivery: the cards are this order's for ever, and its shopper
    fetches them with 取卡, or gets them when it speaks again (faults 43 and 53). So it is with cards that the platform
    refuses, and where an account waits for a mend or an outage lasts: then they stay the first that is carried there.
    """
    chat = find_conversation(conversation_id=sending.conversation_id)
    carry_waiting(chat, pen, vault=vault, carrier=carrier, now=now)
    opened = _opened(sending, vault, now, plain=True)
    if opened is None:
        return False
    if not pen.renew():
        _try_later(sending, problem="chat_busy", now=now)
        return False
    body = _cards_body(sending.order_id, sending.listing_code, sending.delivery_id, opened)
    parcel = parcel_for(chat, opened.address, MessageKind.CARDS, body, opened.plain)
    answer = carrier.hand_over(parcel, tries=sending.attempts)
    state = outgoing.ENDS.get(answer.outcome)
    if state is None and not outgoing.needs_mending(answer) and sending.attempts <= outgoing.STUCK_AFTER:
        _note(sending, answer, now)
        _try_later(sending, problem=answer.problem or answer.outcome.value, now=now, wait=answer.retry_after)
        return False
    if not _finish(sending, opened, state or OutgoingState.READY, answer, now):
        return False
    report(chat, parcel, answer, now=now)
    carrier.tell_due(chat, now=now)
    return True


def _opened(sending: Sending, vault: Vault, now: datetime, *, plain: bool) -> Opened | None:
    """The cards of a delivery in hand; None when the vault says no, and what follows from that is done."""
    try:
        return vault.open_delivery(sending.delivery_id, plain=plain)
    except VaultAway:
        _try_later(sending, problem=VAULT_AWAY, now=now)
    except VaultRefused as refusal:
        if refusal.vault_code in RETRY_LATER:
            _try_later(sending, problem=refusal.vault_code.value, now=now)
        elif refusal.vault_code is VaultCode.BATCH_STOPPED:
            _after_a_stop(sending, now)
        else:
            _hold(sending, problem=refusal.vault_code.value, now=now)
    return None


def _mended(sending: Sending, now: datetime) -> bool:
    """Whether the line can be delivered after its unfit cards were looked at; else what follows from that is done."""
    done = mend(sending=sending, now=now)
    if done is Mended.BEYOND:
        _hold(sending, problem=VaultCode.BATCH_STOPPED.value, now=now)
    return done in (Mended.FIT, Mended.REPLACED)


def _after_a_stop(sending: Sending, now: datetime) -> None:
    """A batch of the cards was recalled in this very moment, or is locked: then a person decides."""
    done = mend(sending=sending, now=now)
    if done is Mended.REPLACED:
        _try_later(sending, problem=VaultCode.BATCH_STOPPED.value, now=now)
    elif done is not Mended.REFUNDED:
        _hold(sending, problem=VaultCode.BATCH_STOPPED.value, now=now)


def _finish(sending: Sending, opened: Opened, state: OutgoingState, answer: SendAnswer | None, now: datetime) -> bool:
    """Delivered, with the message that says so; False when another sender finished the delivery."""

    def finish() -> bool:
        if not finish_sending(sending=sending, now=now):
            return False
        body = _cards_body(sending.order_id, sending.listing_code, sending.delivery_id, opened)
        waits = outgoing.again_after(answer, sending.attempts) if answer and state is OutgoingState.READY else None
        message_id = tell(
            conversation_id=sending.conversation_id,
            kind=MessageKind.CARDS,
            body=body,
            now=now,
            state=state,
            again_at=now + waits if waits else None,
        )
        store_sealed(message_id=message_id, sealed=opened.sealed, now=now)
        if answer is not None:
            _note(sending, answer, now, message_id)
        return True

    return in_transaction(finish, repeatable=True)


def _note(sending: Sending, answer: SendAnswer, now: datetime, message_id: int | None = None) -> None:
    outgoing.note_attempt(
        conversation_id=sending.conversation_id,
        order_id=sending.order_id,
        way=way_of(sending.chat_address),
        answer=answer,
        now=now,
        message_id=message_id,
    )


def _try_later(sending: Sending, *, problem: str, now: datetime, wait: float = 0.0) -> None:
    log.warning("delivery.waits", delivery=str(sending.delivery_id), problem=problem)
    wait = wait or AGAIN_AFTER[min(sending.attempts, len(AGAIN_AFTER)) - 1]
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
        if first and problem == VAULT_AWAY:
            raise_alert(kind=AlertKind.VAULT_AWAY, subject="vault", now=now)

    in_transaction(work)


def _hold(sending: Sending, *, problem: str, now: datetime) -> None:
    """A person looks at it first: the line's gate closes, shopper and operator are told, the log says why."""

    def work() -> None:
        hold_for_review(sending=sending, problem=problem, now=now)
        tell(
            conversation_id=sending.conversation_id,
            kind=MessageKind.IN_REVIEW,
            body={"order": public(Prefix.ORDER, sending.order_id)},
            now=now,
        )
        order = public(Prefix.ORDER, sending.order_id)
        raise_alert(kind=AlertKind.DELIVERY_HELD, subject=order, detail={"problem": problem}, now=now)

    in_transaction(work)
    log.error("delivery.held", delivery=str(sending.delivery_id), problem=problem)


def _cards_body(order_id: UUID, code: str, delivery_id: UUID, opened: Opened) -> dict[str, Any]:
    return {
        "order": public(Prefix.ORDER, order_id),
        "delivery": str(delivery_id),
        "code": code,
        "cards": [{"token": card.token, "mask": card.mask} for card in opened.cards],
    }
