"""Pages that read cards with a key pair of their own: rows like sessions, for a few minutes, without any token.

The page's private key is in its browser only, so web relays what the vault seals to it and reads none of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.conversations.sessions import find_conversation
from core.db import execute, in_transaction
from core.errors import Invalid, Limited, NotFound
from core.ids import new_id
from core.messages.service import last_seq
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.primitives import SealError, check_point
from core.vault.sessions import SealedSession, session_seal

LASTS = timedelta(minutes=5)
"""How long the vault seals to a page after it asked for cards."""

MOST = 5
"""How many pages of one conversation may read at once."""

LOCK = "SELECT 1 FROM conversation WHERE id = %s FOR NO KEY UPDATE"
OF_KEY = "SELECT id, start_seq, expires_at > %s FROM chat_session WHERE token_hash = %s AND conversation_id = %s"
LIVE = """
SELECT count(*) FROM chat_session
WHERE conversation_id = %s AND octet_length(answer_public_key) = 65 AND expires_at > %s
"""
OPEN = """
INSERT INTO chat_session (id, conversation_id, token_hash, answer_public_key, network, start_seq, created_at,
                          expires_at, seal)
VALUES (%s, %s, %s, %s, '', %s, %s, %s, %s)
"""


class TooManyReaders(Limited):
    """Cards are being read on `limit` pages of this conversation already."""


@dataclass(frozen=True, slots=True)
class PageReader:
    """One page that reads; messages up to `start_seq` were told before it asked."""

    id: UUID
    start_seq: int


def open_page_reader(*, seal_key: Secret, conversation_id: UUID, point: bytes, now: datetime) -> PageReader:
    """From now on the vault seals the conversation's cards to this P-256 point as well; the same point is one reader.

    Raises `Invalid` for bytes that are no point, `NotFound` where this reader's time is over, `TooManyReaders`.
    """
    try:
        check_point(point)
    except SealError:
        raise Invalid(what="key") from None
    named = hashlib.sha256(b"keystall page reader\x00" + conversation_id.bytes + point).digest()

    def work() -> PageReader:
        execute(LOCK, (conversation_id,))
        known = execute(OF_KEY, (now, named, conversation_id))
        if known:
            reader_id, start_seq, is_live = known[0]
            if not is_live:
                raise NotFound("reader")
            return PageReader(reader_id, start_seq)
        if execute(LIVE, (conversation_id, now))[0][0] >= MOST:
            raise TooManyReaders(limit=MOST)
        reader = PageReader(new_id(), last_seq(conversation_id=conversation_id))
        chat = find_conversation(conversation_id=conversation_id)
        session = SealedSession(reader.id, Side(chat.identity_id, chat.chat_address), point, now + LASTS)
        row = (reader.id, conversation_id, named, point, reader.start_seq, now, session.expires_at)
        execute(OPEN, (*row, session_seal(seal_key, session)))
        return reader

    return in_transaction(work, repeatable=True)
