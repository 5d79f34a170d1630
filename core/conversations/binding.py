"""Asking for two chats to be one shopper's: a code shown in one, entered in the other, and a yes in both.

What follows once both have agreed is the business of `core.payments.merging`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.audit import service as audit
from core.conversations.requests import (
    CODE_LASTS,
    Claim,
    Request,
    RequestOver,
    end_request,
    open_request,
    other_chat,
    own_chat,
    request_of_code,
)
from core.conversations.sessions import Conversation, find_conversation
from core.conversations.wallets import wallet_of_both
from core.db import changed, execute, in_transaction
from core.errors import Conflict, Invalid, Limited, NotFound
from core.ids import new_id
from core.members.accounts import account_of, accounts_of, are_joined
from core.messages.service import MessageKind, tell
from core.secret import Secret
from core.vault.bindings import binding_code, binding_code_hash

CHATS_PER_CODE = 3
"""So many chats may enter a code, one after another, before it is as unknown as any other."""

WRONG_CODES = 3
"""So many wrong codes of one shopper within the time that a code lasts, then none is looked at."""

MOST_ACCOUNTS = 8
"""So many accounts one shopper may have: as many as anybody has, and a list that fits a screen."""

_CODE = re.compile(r"[A-Z2-7]{8}")
_MISREAD = str.maketrans("018", "OIB")  # none of them stands in a code

REPLACE_OTHERS = """
UPDATE binding_request SET ended_at = %(now)s
WHERE asked_identity_id IN (SELECT id FROM identity WHERE shopper_id = %(shopper)s)
  AND ended_at IS NULL AND code_hash <> %(hash)s
"""
ASK = """
INSERT INTO binding_request AS r (id, merchant_id, asked_identity_id, asked_conversation_id, code_hash, asked_at)
VALUES (%(id)s, %(merchant)s, %(identity)s, %(conversation)s, %(hash)s, %(now)s)
ON CONFLICT (asked_identity_id) DO UPDATE SET id = excluded.id, code_hash = excluded.code_hash,
    asked_at = excluded.asked_at, tries = 0, claim_id = NULL, claimed_identity_id = NULL,
    claimed_conversation_id = NULL, claimed_at = NULL, asked_agreement = NULL, claimed_agreement = NULL, ended_at = NULL
WHERE r.code_hash <> excluded.code_hash
"""
"""A new code replaces the one before; the same message heard twice asks once."""

ASKED_AT = "SELECT asked_at FROM binding_request WHERE asked_identity_id = %s"

LOCK_SHOPPER = "SELECT 1 FROM shopper WHERE id = %s AND merged_into IS NULL FOR NO KEY UPDATE"
"""One shopper's codes and guesses come one after another."""

CLAIM = """
UPDATE binding_request SET tries = tries + 1, claim_id = %(claim)s, claimed_identity_id = %(identity)s,
    claimed_conversation_id = %(conversation)s, claimed_at = %(now)s, asked_agreement = NULL, claimed_agreement = NULL
WHERE id = %(id)s
"""
WRONG = """
SELECT coalesce(sum(g.wrong), 0) FROM binding_guess g JOIN identity i ON i.id = g.identity_id
WHERE i.shopper_id = %s AND g.first_at > %s
"""
GUESSED_WRONG = """
INSERT INTO binding_guess AS g (identity_id, wrong, first_at) VALUES (%(identity)s, 1, %(now)s)
ON CONFLICT (identity_id) DO UPDATE SET
    wrong = CASE WHEN g.first_at > %(since)s THEN least(g.wrong + 1, 1000) ELSE 1 END,
    first_at = CASE WHEN g.first_at > %(since)s THEN g.first_at ELSE excluded.first_at END
"""


class UnknownCode(NotFound):
    """No such code: mistyped, of another merchant, too old, used or declined; the answers are the same."""

    def __init__(self) -> None:
        super().__init__("code")


class TooManyWrongCodes(Limited):
    """Too many wrong codes; for `minutes` none is looked at, be it right or wrong."""


class OwnCode(Invalid):
    """The code was entered in the chat that it was shown in."""


class AlreadyBound(Conflict):
    """Both chats are one shopper's already."""


class TooManyAccounts(Limited):
    """Together the two shoppers have more accounts than one may have (`most`)."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is to be typed in the other chat, as people read it: `K7QD-2MXA`."""

    text: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Code(****, {self.expires_at})"


def begin_binding(*, actor: Actor, conversation_id: UUID, submission_id: str, seal_key: Secret, now: datetime) -> Code:
    """Give the shopper of a chat a code of 40 bits for its other chat; any code before it is over.

    The same submission gives the same code. Raises `NotFound`, `TooManyAccounts`.
    """
    raw = binding_code(seal_key, conversation_id=conversation_id, submission_id=submission_id)

    def work() -> datetime:
        chat = own_chat(actor, conversation_id)
        if not execute(LOCK_SHOPPER, (chat.shopper_id,)):
            raise NotFound("shopper")
        if len(accounts_of(shopper_id=chat.shopper_id)) >= MOST_ACCOUNTS:
            raise TooManyAccounts(most=MOST_ACCOUNTS)
        kept = binding_code_hash(seal_key, merchant_id=chat.merchant_id, code=raw)
        named = {"id": new_id(), "merchant": chat.merchant_id, "identity": chat.identity_id, "hash": kept}
        named |= {"conversation": chat.id, "shopper": chat.shopper_id, "now": now}
        execute(REPLACE_OTHERS, named)
        if changed(ASK, named):
            _audit(actor, "binding.asked", chat.identity_id, now)
        asked_at: datetime = execute(ASKED_AT, (chat.identity_id,))[0][0]
        return asked_at

    asked_at = in_transaction(work, repeatable=True)
    text = base64.b32encode(raw).decode()
    return Code(f"{text[:4]}-{text[4:]}", asked_at + CODE_LASTS)


def claim_binding(*, actor: Actor, conversation_id: UUID, code: str, seal_key: Secret, now: datetime) -> Claim:
    """Enter a code in the other chat: who asks is shown here, and the chat that asks is told who entered it.

    The same chat may enter it again. Raises `UnknownCode` for everything that is no code of this merchant any more,
    `TooManyWrongCodes`, `OwnCode`, `AlreadyBound`, `TooManyAccounts`, `NotFound`.
    """
    raw = read_code(code)
    if raw is None:
        raise UnknownCode

    def work() -> Claim | None:
        chat = own_chat(actor, conversation_id)
        if not execute(LOCK_SHOPPER, (chat.shopper_id,)):
            raise NotFound("shopper")
        wrong = execute(WRONG, (chat.shopper_id, now - CODE_LASTS))[0][0]
        if wrong >= WRONG_CODES:
            raise TooManyWrongCodes(minutes=CODE_LASTS // timedelta(minutes=1))
        kept = binding_code_hash(seal_key, merchant_id=chat.merchant_id, code=raw)
        request = request_of_code(kept=kept, merchant_id=chat.merchant_id, now=now)
        if request is not None and request.claimed is not None and request.claimed.identity_id == chat.identity_id:
            return _claim(request)
        if request is None or request.tries >= CHATS_PER_CODE:
            execute(GUESSED_WRONG, {"identity": chat.identity_id, "now": now, "since": now - CODE_LASTS})
            return None
        return _enter(actor, chat, request, now)

    claim = in_transaction(work, repeatable=True)
    if claim is None:  # the guess is counted by now
        raise UnknownCode
    return claim


def decline_binding(*, actor: Actor, conversation_id: UUID, claim_id: UUID, now: datetime) -> None:
    """No: the question is over and so is its code; the other side is told. Raises `RequestOver`, `NotFound`."""

    def work() -> None:
        chat = own_chat(actor, conversation_id)
        request = open_request(chat, claim_id, now)
        if not end_request(claim_id=claim_id, now=now):
            raise RequestOver
        other = other_chat(chat, request)
        body = account_of(identity_id=chat.identity_id).as_body()
        tell(conversation_id=other, kind=MessageKind.BINDING_DECLINED, body=body, now=now)
        _audit(actor, "binding.declined", chat.identity_id, now)

    in_transaction(work)


def read_code(text: str) -> bytes | None:
    """The 5 bytes of a code as people type it: in any case, with or without its dash; None for anything else."""
    plain = re.sub(r"[^A-Z0-9]", "", text.upper()).translate(_MISREAD)
    if not _CODE.fullmatch(plain):
        return None
    try:
        return base64.b32decode(plain)
    except binascii.Error:
        return None


def _enter(actor: Actor, chat: Conversation, request: Request, now: datetime) -> Claim:
    """The code is right: note who entered it, ask the other side."""
    asking = find_conversation(conversation_id=request.asked_conversation_id)
    if asking.id == chat.id:
        raise OwnCode
    if asking.shopper_id == chat.shopper_id and are_joined(one=chat.identity_id, other=asking.identity_id):
        raise AlreadyBound
    shoppers = {asking.shopper_id, chat.shopper_id}
    if sum(len(accounts_of(shopper_id=one)) for one in shoppers) > MOST_ACCOUNTS:
        raise TooManyAccounts(most=MOST_ACCOUNTS)
    claim_id = new_id()
    named = {"claim": claim_id, "identity": chat.identity_id, "conversation": chat.id, "now": now, "id": request.id}
    execute(CLAIM, named)
    body: dict[str, Any] = {"claim": str(claim_id), **account_of(identity_id=chat.identity_id).as_body()}
    if wallet := wallet_of_both(mine=asking.identity_id, other=chat.identity_id):
        body["wallet"] = wallet.as_body()
    tell(conversation_id=asking.id, kind=MessageKind.BINDING_ASKED, body=body, now=now)
    _audit(actor, "binding.claimed", chat.identity_id, now)
    return Claim(claim_id, account_of(identity_id=asking.identity_id))


def _claim(request: Request) -> Claim:
    if request.claim_id is None:
        raise UnknownCode
    return Claim(request.claim_id, account_of(identity_id=request.asked.identity_id))


def _audit(actor: Actor, action: str, identity_id: UUID, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind="identity", object_id=identity_id, now=now)
