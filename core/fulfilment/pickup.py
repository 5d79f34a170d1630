"""取卡 with a code: the cards of somebody who was told by a text message or a letter, in another chat of the shop.

The door that hears the code cannot tell whether it is right: it seals it to the vault and asks the worker to have it
looked at. What comes of it is told in that chat: the cards, or one refusal for whatever is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog

from core.actor import Actor
from core.audit.service import append
from core.conversations.service import access_conversation, answer_keys
from core.db import changed, execute, in_transaction
from core.errors import Limited, NotFound, Unavailable, error_id
from core.fulfilment.carrying import Vault
from core.fulfilment.reading import cards_again, tell_again
from core.ids import new_id
from core.messages.service import MessageKind, OutgoingState, tell
from core.submission import claim_submission
from core.vault.bindings import Side
from core.vault.client import Opened, PickedUp, VaultAway, VaultCode, VaultRefused
from core.vault.pickups import PickupWish, read_code, seal_typed
from core.work import Work, enqueue, enqueue_missing

log = structlog.get_logger()

ASKED_PER_HOUR = 10
"""So many codes one shopper may type within an hour; the vault itself stops after five wrong ones."""

AGAIN_AFTER, GIVEN_UP_AFTER = timedelta(seconds=30), timedelta(minutes=10)
"""A wish that nobody looked at is asked of the worker again, for a while; nobody waits for it longer."""

COUNTED = timedelta(hours=2)
"""How long the vault's counters of wrong codes matter to anybody."""

LOCK = "SELECT 1 FROM shopper WHERE id = %s FOR NO KEY UPDATE"
ASKED = """
SELECT count(*) FROM audit_entry
WHERE object_kind = 'shopper' AND object_id = %s AND action = 'cards.pickup_asked' AND at > %s
"""
VAULT = "SELECT vault_id FROM installation"
ASK = "INSERT INTO pickup_wish (id, conversation_id, sealed_code, asked_at) VALUES (%s, %s, %s, %s)"
CHAT = "SELECT conversation_id FROM pickup_wish WHERE id = %s"
DONE = "DELETE FROM pickup_wish WHERE id = %s"
GOODS = """
SELECT l.listing_id, l.names FROM delivery d JOIN order_line l ON l.id = d.line_id
WHERE d.id = %s AND EXISTS (SELECT 1 FROM pickup_use u WHERE u.order_id = d.order_id AND u.conversation_id = %s)
"""
LEFT = "SELECT id FROM pickup_wish WHERE asked_at BETWEEN %s AND %s ORDER BY asked_at LIMIT %s"
OLD_WISHES = "DELETE FROM pickup_wish WHERE id IN (SELECT id FROM pickup_wish WHERE asked_at < %s LIMIT %s)"
OLD_CODES = "DELETE FROM pickup_code WHERE id IN (SELECT id FROM pickup_code WHERE expires_at < %s LIMIT %s)"
OLD_GUESSES = "DELETE FROM pickup_guess WHERE asker IN (SELECT asker FROM pickup_guess WHERE first_at < %s LIMIT %s)"


class PickupRefused(NotFound):
    """No code that may be used here: mistyped, of another merchant, too old, used or replaced; all alike."""

    def __init__(self) -> None:
        super().__init__("code")


class TooManyPickups(Limited):
    """Too many codes were typed; for `minutes` none is looked at, be it right or wrong."""


class PickupLater(Unavailable):
    """The vault could not look at the code; it works as before."""


class PickupProblem(StrEnum):
    """Why no cards come, as the message that says so keeps it."""

    REFUSED = "refused"  # the code
    TOO_OFTEN = "too_often"  # whoever types
    LATER = "later"  # ours


@dataclass(frozen=True, slots=True)
class Goods:
    """A listing and its names as they were sold."""

    listing_id: int
    names: Mapping[str, str]


class PickupVault(Vault, Protocol):
    """`core.vault.client.VaultClient`, or what a test puts in its place."""

    def pick_up(self, wish: UUID, /) -> PickedUp: ...


def request_pickup(
    *,
    actor: Actor,
    conversation_id: UUID,
    address: str,
    code: str,
    network: str,
    vault_public: bytes | None,
    submission_id: str,
    now: datetime,
) -> None:
    """取卡 CODE: have a code looked at; cards or a refusal come as messages of the chat. The same submission asks once.

    `address` is the private chat as its own door knows it, not as the tables do: the cards go nowhere else. `network`
    is a keyed hash of the client's network. Raises `PickupRefused` for what is no code at all, `TooManyPickups`,
    `PickupLater` without the vault's public key, `NotFound`.
    """
    typed = read_code(code)
    if typed is None:
        raise PickupRefused
    if vault_public is None:
        raise PickupLater(what="vault")

    def work() -> None:
        chat = access_conversation(actor=actor, conversation_id=conversation_id)
        wish = PickupWish(new_id(), chat.id, Side(chat.identity_id, address))
        if claim_submission(
            merchant_id=chat.merchant_id,
            caller=f"shopper:{actor.id}",
            operation="cards.pick_up",
            key=submission_id,
            request=[],  # not the code: its hash could be tried out
            reference=wish.id,
            now=now,
        ):
            return
        vault: UUID = execute(VAULT)[0][0]
        sealed = seal_typed(vault_public, vault=vault, wish=wish, code=typed, network=network[:100])
        _ask(actor, wish, sealed, now)

    in_transaction(work, repeatable=True)


def _ask(actor: Actor, wish: PickupWish, sealed: bytes, now: datetime) -> None:
    execute(LOCK, (actor.id,))
    if execute(ASKED, (str(actor.id), now - timedelta(hours=1)))[0][0] >= ASKED_PER_HOUR:
        raise TooManyPickups(minutes=60)
    execute(ASK, (wish.id, wish.conversation, sealed, now))
    enqueue(Work.PICK_UP, wish.id)
    append(actor=actor, action="cards.pickup_asked", object_kind="shopper", object_id=str(actor.id), now=now)


def carry_out_pickup(*, wish_id: UUID, vault: PickupVault, now: datetime) -> bool:
    """Have the code of a wish exchanged, and tell what comes of it in its chat; whether that were cards.

    All lines of the order are told at once, so that a reply that waits shows all of them. A crash anywhere leaves the
    wish: asked again for the same chat the vault answers the same.
    """
    rows = execute(CHAT, (wish_id,))
    if not rows:
        return False
    conversation_id: UUID = rows[0][0]
    opened = _exchanged(wish_id, conversation_id, vault)
    if isinstance(opened, PickupProblem):
        _refuse(wish_id, conversation_id, opened, now)
        return False
    in_transaction(lambda: _tell_all(wish_id, conversation_id, opened, now))
    return True


def goods_of(*, conversation_id: UUID, delivery_id: UUID) -> Goods:
    """What a delivery brought, for a chat that has picked its order up. Raises `NotFound` for every other chat."""
    rows = execute(GOODS, (delivery_id, conversation_id))
    if not rows:
        raise NotFound("delivery")
    return Goods(*rows[0])


def pickups_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: ask the worker again for wishes that nobody has looked at; returns how many."""
    waiting = [wish for (wish,) in execute(LEFT, (now - GIVEN_UP_AFTER, now - AGAIN_AFTER, limit))]
    return enqueue_missing(Work.PICK_UP, waiting)


def forget_pickups(*, now: datetime, limit: int = 2000) -> int:
    """For the sweep: remove wishes that nobody waits for, codes that are too old, counters that are over."""
    return (
        changed(OLD_WISHES, (now - GIVEN_UP_AFTER, limit))
        + changed(OLD_CODES, (now, limit))
        + changed(OLD_GUESSES, (now - COUNTED, limit))
    )


PROBLEMS = {VaultCode.PICKUP_REFUSED: PickupProblem.REFUSED, VaultCode.TOO_OFTEN: PickupProblem.TOO_OFTEN}


def _exchanged(
    wish_id: UUID, conversation_id: UUID, vault: PickupVault
) -> Sequence[tuple[UUID, Opened]] | PickupProblem:
    """The cards of every line; after the exchange whatever hinders is ours, and the code works again for this chat."""
    try:
        found = vault.pick_up(wish_id)
    except VaultAway:
        return PickupProblem.LATER
    except VaultRefused as refusal:
        return PROBLEMS.get(refusal.vault_code, PickupProblem.LATER)
    try:
        return [(one, vault.open_delivery(one, reader=conversation_id)) for one in found.deliveries]
    except (VaultAway, VaultRefused) as refusal:
        log.warning("pickup.not_opened", order=str(found.order), why=str(refusal))
        return PickupProblem.LATER


def _refuse(wish_id: UUID, conversation_id: UUID, problem: PickupProblem, now: datetime) -> None:
    """Say no, under an error id; where a reply waits for it, it is not carried to the platform as well."""
    error = error_id()
    log.info("pickup.refused", wish=str(wish_id), problem=problem.value, error_id=error)
    body = {"problem": problem.value, "error": error}

    def work() -> None:
        if not changed(DONE, (wish_id,)):
            return
        is_read = bool(answer_keys(conversation_id=conversation_id, now=now))
        state = OutgoingState.SENT if is_read else OutgoingState.READY
        tell(conversation_id=conversation_id, kind=MessageKind.PICKUP_REFUSED, body=body, now=now, state=state)

    in_transaction(work)


def _tell_all(wish_id: UUID, conversation_id: UUID, opened: Sequence[tuple[UUID, Opened]], now: datetime) -> None:
    if not changed(DONE, (wish_id,)):  # a twin has told it
        return
    for delivery_id, cards in opened:
        body = cards_again(conversation_id, delivery_id, cards)
        tell_again(conversation_id, delivery_id, body, cards, now)
