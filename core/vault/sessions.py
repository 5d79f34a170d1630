"""The seal of a chat session: the vault seals cards to a session's key only where the store itself made the session.

Whoever only writes the database could else add a key of their own to somebody's chat, wait until that shopper pays, and
read the cards along.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.bindings import EPOCH, Side
from core.vault.primitives import KEY_BYTES, SealError, framed

SESSION_FORMAT = 1
_SESSION = "keystall chat session"


@dataclass(frozen=True, slots=True)
class SealedSession:
    """A key that cards of one chat are sealed to until a time: of a bearer token, or of a page that made its own."""

    id: UUID
    chat: Side
    public_key: bytes
    expires_at: datetime


def session_seal(key: Secret, session: SealedSession) -> bytes:
    """HMAC-SHA256 (32 bytes) over everything that the session says, under the order-seal key.

    A key under 32 bytes raises `SealError`.
    """
    raw = key.reveal()
    if len(raw) < KEY_BYTES:
        raise SealError
    sealed = framed(
        *(SESSION_FORMAT, _SESSION, session.id, session.chat.identity_id, session.chat.chat_address),
        *(session.public_key, (session.expires_at - EPOCH) // timedelta(microseconds=1)),
    )
    return hmac.new(raw, sealed, hashlib.sha256).digest()


def is_sealed(key: Secret, session: SealedSession, seal: bytes) -> bool:
    """Whether `seal` was made for exactly this session."""
    return hmac.compare_digest(session_seal(key, session), seal)
