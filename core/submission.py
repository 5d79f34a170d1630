"""The same request twice has one effect: a row per submission, written in the effect's own transaction."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import execute
from core.errors import Conflict


class OtherContent(Conflict):
    """The key was used before with other content; nothing was changed (INV-O5)."""


def request_hash(request: Any) -> bytes:
    """SHA-256 of the canonical JSON of what was asked."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).digest()


def claim_submission(
    *, merchant_id: int, caller: str, operation: str, key: str, request: Any, reference: UUID, now: datetime
) -> UUID | None:
    """Record a submission whose result will be `reference`; None when it is new, else the first one's reference.

    Waits for a concurrent twin's commit. Raises `OtherContent` when the key was used for another request.
    """
    digest = request_hash(request)
    new = execute(
        "INSERT INTO submission (merchant_id, caller, operation, key, request_hash, reference, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1",
        (merchant_id, caller, operation, key, digest, reference, now),
    )
    if new:
        return None
    found = execute(
        "SELECT request_hash, reference FROM submission"
        " WHERE merchant_id = %s AND caller = %s AND operation = %s AND key = %s",
        (merchant_id, caller, operation, key),
    )
    first_hash: bytes = found[0][0]
    first_reference: UUID = found[0][1]
    if bytes(first_hash) != digest:
        raise OtherContent(operation=operation)
    return first_reference
