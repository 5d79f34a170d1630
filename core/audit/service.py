"""Who did what: one unchained row in the transaction of the deed; the vault's chainer links the rows later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.db import execute

APPEND = (
    "INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


def append(
    *,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: str | UUID | int,
    detail: Mapping[str, str | int | bool | None] | None = None,
    party_id: int | None = None,
    now: datetime,
) -> None:
    """Add one entry to the caller's transaction (one INSERT).

    `action` is a name of the event list (`order.placed`, `listing.priced`); `detail` holds ids, codes and figures only,
    so that a person can be erased; `party_id` defaults to the party the actor acts for.
    """
    party = actor.party_id if party_id is None else party_id
    subject = (actor.kind.value, actor.id, party)
    execute(APPEND, (now, *subject, action, object_kind, str(object_id), Jsonb(dict(detail or {}))))
