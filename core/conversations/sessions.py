"""Conversations and the bearer tokens that open them: the database keeps a token's hash and public key only."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.conversations import sql
from core.db import atomic, execute
from core.errors import NotFound
from core.ids import new_id
from core.members.service import Channel, create_shopper_with_identity
from core.messages.service import last_seq
from core.parties.service import may_see
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.seal import answer_public_key
from core.vault.sessions import SealedSession, session_seal

SESSION_LASTS = timedelta(days=180)
"""How long a guest finds orders again with the same token."""

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits, URL-safe base64 without padding."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """What the door hands out once; the token is shown this one time."""

    session_id: UUID
    conversation_id: UUID
    token: str

    def __repr__(self) -> str:
        return f"NewSession(session_id={self.session_id}, token=****)"


@dataclass(frozen=True, slots=True)
class Session:
    """Who speaks when a token is shown; messages up to `start_seq` were told before this session began."""

    id: UUID
    conversation_id: UUID
    merchant_id: int
    merchant_code: str
    shopper_id: UUID
    identity_id: UUID
    locale: str
    network: str
    start_seq: int
    chat_address: str

    @property
    def actor(self) -> Actor:
        """The shopper as the one who acts."""
        return Actor(ActorKind.SHOPPER, id=self.shopper_id, party_id=self.merchant_id)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A private chat with one identity of one shopper; `chat_address` says where its messages go."""

    id: UUID
    merchant_id: int
    shopper_id: UUID
    identity_id: UUID
    locale: str
    chat_address: str


def open_session(*, seal_key: Secret, merchant_id: int, network: str, locale: str, now: datetime) -> NewSession:
    """Begin a conversation with a guest of a merchant; `network` is a keyed hash of the client's network.

    Raises `Invalid` for a locale we do not speak.
    """
    token = secrets.token_urlsafe(32)
    new = NewSession(new_id(), new_id(), token)
    public_key = answer_public_key(token)
    with atomic():
        shopper_id, identity_id = create_shopper_with_identity(
            merchant_id=merchant_id, channel=Channel.WEB, external_id=f"guest:{new.session_id}", locale=locale, now=now
        )
        chat = (new.conversation_id, merchant_id, shopper_id, identity_id, f"web:{identity_id}", now)
        sealed = SealedSession(new.session_id, Side(identity_id, f"web:{identity_id}"), public_key, now + SESSION_LASTS)
        key = (new.session_id, hashed(token), public_key, network, sealed.expires_at)
        execute(sql.OPEN, (*chat, *key, session_seal(seal_key, sealed)))
        actor = Actor(ActorKind.SHOPPER, id=shopper_id, party_id=merchant_id)
        audit.append(actor=actor, action="session.opened", object_kind="session", object_id=new.session_id, now=now)
    return new


def open_reader(*, seal_key: Secret, conversation_id: UUID, token: str, lasts: timedelta, now: datetime) -> UUID:
    """A session that lives as long as one reply or page: what is opened for the conversation meanwhile it can read.

    The same token twice is the same session; returns its id. Raises `NotFound` for a token of another conversation.
    """
    chat = find_conversation(conversation_id=conversation_id)
    session = SealedSession(new_id(), Side(chat.identity_id, chat.chat_address), answer_public_key(token), now + lasts)
    row = (session.id, conversation_id, hashed(token), session.public_key, last_seq(conversation_id=conversation_id))
    execute(sql.OPEN_READER, (*row, now, session.expires_at, session_seal(seal_key, session)))
    found = execute(sql.READER, (hashed(token), conversation_id, now))
    if not found:
        raise NotFound("session")
    return UUID(str(found[0][0]))


def session_by_token(*, token: str, now: datetime) -> Session:
    """Who holds this bearer token. Raises `NotFound` for an unknown, expired or malformed one alike."""
    rows = execute(sql.SESSION, (hashed(token), now)) if TOKEN.fullmatch(token) else []
    if not rows:
        raise NotFound("session")
    return Session(*rows[0])


def answer_keys(*, conversation_id: UUID, now: datetime) -> dict[UUID, bytes]:
    """The public keys of the conversation's live sessions by session id: what cards are sealed to for reading."""
    rows = execute(sql.ANSWER_KEYS, (conversation_id, now))
    return {session_id: bytes(key) for session_id, key in rows}


def find_conversation(*, conversation_id: UUID) -> Conversation:
    """One conversation, for the store itself. Raises `NotFound`."""
    rows = execute(sql.CONVERSATION, (conversation_id,))
    if not rows:
        raise NotFound("conversation")
    return Conversation(*rows[0])


def access_conversation(*, actor: Actor, conversation_id: UUID) -> Conversation:
    """A conversation of the acting shopper or with the actor's merchant. Raises `NotFound` for all others alike."""
    found = find_conversation(conversation_id=conversation_id)
    own = (actor.kind, actor.id, actor.party_id) == (ActorKind.SHOPPER, found.shopper_id, found.merchant_id)
    if not own and not may_see(actor, found.merchant_id):
        raise NotFound("conversation")
    return found


def hashed(token: str) -> bytes:
    """SHA-256 of a token: what the tables keep; a lookup by hash leaks nothing of the token by its time."""
    return hashlib.sha256(token.encode()).digest()
