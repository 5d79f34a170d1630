"""Which chats may read a line's cards: the one that ordered, and those bound to it by bindings whose seals prove right.

The tables around are not trusted: who belongs to whom is read from sealed bindings only, where a chat is from them and
from the order's seal, and when an order was placed from its own id, which the seal covers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.custody.keychain.keys import OpenVault
from core.db import execute
from core.secret import Secret
from core.vault import sessions
from core.vault.bindings import SealedBinding, Side, is_sealed
from core.vault.reading import may_read, minted_at
from core.vault.sessions import SealedSession

log = structlog.get_logger()

COLUMNS = """
b.id, b.merchant_id, b.kept_shopper_id, b.merged_shopper_id, b.kept_identity_id, b.kept_address, b.merged_identity_id,
b.merged_address, b.bound_at, b.ended_at, b.seal
"""

BINDINGS_OF = f"""
WITH RECURSIVE reached (identity) AS (
    SELECT %(identity)s::uuid
    UNION
    SELECT CASE r.identity WHEN b.kept_identity_id THEN b.merged_identity_id ELSE b.kept_identity_id END
    FROM reached r JOIN binding b ON r.identity IN (b.kept_identity_id, b.merged_identity_id)
)
SELECT {COLUMNS} FROM binding b
WHERE b.kept_identity_id IN (SELECT identity FROM reached) ORDER BY b.bound_at, b.id LIMIT 1000
"""  # noqa: S608 - constants of this module only
"""All bindings, those that ended too, that lead from one identity to others, whoever wrote them."""


def proved(vault: OpenVault, rows: Iterable[Sequence[Any]]) -> list[SealedBinding]:
    """Those among rows of `binding` (`COLUMNS`) whose seal proves right; one that somebody only wrote is none."""
    key = Secret(vault.keys.seal)
    found = []
    for number, merchant, kept_by, merged_from, kept, kept_at, merged, merged_at, bound_at, ended_at, seal in rows:
        sides = (Side(kept, kept_at), Side(merged, merged_at))
        binding = SealedBinding(number, merchant, kept_by, merged_from, *sides, bound_at, ended_at)
        if is_sealed(key, binding, bytes(seal)):
            found.append(binding)
    return found


def bindings_of(vault: OpenVault, identity: UUID) -> list[SealedBinding]:
    """The sealed bindings that lead from an identity to others, those that ended too."""
    return proved(vault, execute(BINDINGS_OF, {"identity": identity}))


def own_sessions(vault: OpenVault, rows: Iterable[Sequence[Any]], chat: Side) -> list[SealedSession]:
    """Those among rows of `chat_session` that the store itself made for this chat; what was only written is none."""
    key, found = Secret(vault.keys.seal), []
    for session_id, public_key, expires_at, seal in rows:
        ends = datetime.fromisoformat(expires_at)
        session = SealedSession(UUID(session_id), chat, base64.b64decode(public_key), ends)
        if sessions.is_sealed(key, session, base64.b64decode(seal)):
            found.append(session)
        else:
            log.warning("cards are not sealed to a chat session that the store did not make", session=session_id)
    return found


def reads(vault: OpenVault, *, order: UUID, buyer: Side, reader: Side, now: datetime) -> bool:
    """Whether the chat `reader` may read the cards of a sealed order that `buyer` placed: the vault's own check."""
    if reader == buyer:
        return True
    return may_read(
        buyer=buyer, reader=reader, placed_at=minted_at(order), bindings=bindings_of(vault, buyer.identity_id), now=now
    )
