"""The question that both sides of a binding answer: its row, who may answer it, and what a yes is kept as.

A yes is a keyed value: whoever only writes the tables agrees for nobody.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.actor import Actor, ActorKind
from core.conversations.sessions import Conversation, find_conversation
from core.db import changed, execute
from core.errors import Conflict, NotFound
from core.members.accounts import Account, account_of
from core.secret import Secret
from core.vault.bindings import Side, agreement

CODE_LASTS = timedelta(minutes=10)
"""How long a code can be entered; whoever entered it, and who asked, then have as long to agree."""

_REQUEST = """
SELECT r.id, r.merchant_id, r.tries, r.claim_id, r.claimed_at, r.asked_identity_id, a.chat_address,
       r.asked_conversation_id, r.claimed_identity_id, c.chat_address, r.claimed_conversation_id,
       r.asked_agreement, r.claimed_agreement, r.ended_at
FROM binding_request r JOIN conversation a ON a.id = r.asked_conversation_id
LEFT JOIN conversation c ON c.id = r.claimed_conversation_id
"""
BY_CODE = (
    _REQUEST + "WHERE r.code_hash = %s AND r.merchant_id = %s AND r.asked_at > %s AND r.ended_at IS NULL"
    " FOR NO KEY UPDATE OF r"
)
BY_CLAIM = _REQUEST + "WHERE r.claim_id = %s"

WAITING = (
    _REQUEST + "WHERE r.ended_at IS NULL AND r.claimed_at > %(after)s"
    " AND ((r.asked_conversation_id = %(chat)s AND r.asked_agreement IS NULL)"
    "  OR (r.claimed_conversation_id = %(chat)s AND r.claimed_agreement IS NULL))"
    " ORDER BY r.claimed_at DESC LIMIT 1"
)

AGREE_ASKED = "UPDATE binding_request SET asked_agreement = %s WHERE claim_id = %s"
AGREE_CLAIMED = "UPDATE binding_request SET claimed_agreement = %s WHERE claim_id = %s"
END = "UPDATE binding_request SET ended_at = %s WHERE claim_id = %s AND ended_at IS NULL"


class RequestOver(Conflict):
    """The question was answered, is too old, or was never asked of this chat."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A code that was entered: `claim_id` names the question that both sides answer, `other` is the other side."""

    claim_id: UUID
    other: Account


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to be bound as its row stands; the claimed side is None before a chat has entered the code."""

    id: UUID
    merchant_id: int
    tries: int
    claim_id: UUID | None
    claimed_at: datetime | None
    asked: Side
    asked_conversation_id: UUID
    claimed: Side | None
    claimed_conversation_id: UUID | None
    asked_agreement: bytes | None
    claimed_agreement: bytes | None
    is_over: bool


def own_chat(actor: Actor, conversation_id: UUID) -> Conversation:
    """The acting shopper's own chat. Raises `NotFound` for every other alike."""
    found = find_conversation(conversation_id=conversation_id)
    if (actor.kind, actor.id, actor.party_id) != (ActorKind.SHOPPER, found.shopper_id, found.merchant_id):
        raise NotFound("conversation")
    return found


def request_of_code(*, kept: bytes, merchant_id: int, now: datetime) -> Request | None:
    """The wish whose code, kept like this, can be entered now; locked, so that chats enter it one after another."""
    rows = execute(BY_CODE, (kept, merchant_id, now - CODE_LASTS))
    return _request(rows[0]) if rows else None


def find_request(*, claim_id: UUID) -> Request | None:
    """The wish whose question has this name, in whatever state."""
    rows = execute(BY_CLAIM, (claim_id,))
    return _request(rows[0]) if rows else None


def open_request(chat: Conversation, claim_id: UUID, now: datetime) -> Request:
    """The wish that this chat may answer now. Raises `RequestOver` for every other alike."""
    request = find_request(claim_id=claim_id)
    if request is None or request.is_over or request.claimed is None or request.claimed_at is None:
        raise RequestOver
    is_a_side = chat.identity_id in (request.asked.identity_id, request.claimed.identity_id)
    if not is_a_side or now >= request.claimed_at + CODE_LASTS:
        raise RequestOver
    return request


def pending_claim(*, actor: Actor, conversation_id: UUID, now: datetime) -> Claim | None:
    """The question that waits for this chat's answer, if any. Raises `NotFound`."""
    chat = own_chat(actor, conversation_id)
    for row in execute(WAITING, {"chat": chat.id, "after": now - CODE_LASTS}):
        request = _request(row)
        is_asked = chat.identity_id == request.asked.identity_id
        other = request.claimed if is_asked else request.asked
        if request.claim_id is not None and other is not None:
            return Claim(request.claim_id, account_of(identity_id=other.identity_id))
    return None


def other_chat(chat: Conversation, request: Request) -> UUID:
    """The conversation of the side that this chat is not."""
    if chat.identity_id == request.asked.identity_id and request.claimed_conversation_id is not None:
        return request.claimed_conversation_id
    return request.asked_conversation_id


def agree(chat: Conversation, request: Request, seal_key: Secret) -> bool:
    """Keep this side's yes, in the caller's transaction and under its lock; True once the other side's stands too."""
    yes_asked, yes_claimed = _agreements(request, seal_key)
    is_asked = chat.identity_id == request.asked.identity_id
    statement, own = (AGREE_ASKED, yes_asked) if is_asked else (AGREE_CLAIMED, yes_claimed)
    if changed(statement, (own, request.claim_id)) != 1:  # another chat has entered the code since
        raise RequestOver
    theirs, yes = (request.claimed_agreement, yes_claimed) if is_asked else (request.asked_agreement, yes_asked)
    return hmac.compare_digest(theirs or b"", yes)


def was_agreed(chat: Conversation, request: Request, seal_key: Secret) -> bool:
    """Whether this chat's question was answered with yes on both sides before."""
    if not request.is_over or request.claimed is None:
        return False
    if chat.identity_id not in (request.asked.identity_id, request.claimed.identity_id):
        return False
    yes_asked, yes_claimed = _agreements(request, seal_key)
    both = hmac.compare_digest(request.asked_agreement or b"", yes_asked)
    return hmac.compare_digest(request.claimed_agreement or b"", yes_claimed) and both


def _agreements(request: Request, seal_key: Secret) -> tuple[bytes, bytes]:
    """What is kept of a yes of the asking side, and of the other."""
    claim_id, asked, claimed = request.claim_id, request.asked, request.claimed
    if claimed is None or claim_id is None:
        raise RequestOver
    return (
        agreement(seal_key, claim_id=claim_id, asked=asked, claimed=claimed, by=asked),
        agreement(seal_key, claim_id=claim_id, asked=asked, claimed=claimed, by=claimed),
    )


def end_request(*, claim_id: UUID, now: datetime) -> bool:
    """The question is answered; False when it was before."""
    return changed(END, (now, claim_id)) == 1


def _request(row: tuple[Any, ...]) -> Request:
    request_id, merchant_id, tries, claim_id, claimed_at, *sides, asked_yes, claimed_yes, ended_at = row
    asked_id, asked_address, asked_chat, claimed_id, claimed_address, claimed_chat = sides
    return Request(
        id=request_id,
        merchant_id=merchant_id,
        tries=tries,
        claim_id=claim_id,
        claimed_at=claimed_at,
        asked=Side(asked_id, asked_address),
        asked_conversation_id=asked_chat,
        claimed=Side(claimed_id, claimed_address) if claimed_id is not None else None,
        claimed_conversation_id=claimed_chat,
        asked_agreement=bytes(asked_yes) if asked_yes is not None else None,
        claimed_agreement=bytes(claimed_yes) if claimed_yes is not None else None,
        is_over=ended_at is not None,
    )
