"""Which cards have a secret that somebody holds: found by fingerprints, of every rule that its SKU may have."""

from __future__ import annotations

from uuid import UUID

from core.custody.imports import import_sql
from core.custody.imports.fingerprint import CardRule, Place, possible_fingerprints
from core.db import execute

FOUND = "SELECT card_id FROM card_seal WHERE fingerprint = ANY (%s::bytea[])"
FOUND_FOR = """
SELECT s.card_id FROM card_seal s JOIN card c ON c.id = s.card_id LEFT JOIN order_line l ON l.id = c.line_id
WHERE s.fingerprint = ANY (%(prints)s::bytea[])
  AND (%(sees_all)s OR c.owner_id = %(party)s OR l.merchant_id = %(party)s)
ORDER BY c.batch_no, c.pos
"""
"""Of a party: its own cards and those of its orders, which are what the panel shows it by their tokens."""


def cards_with(key: bytes, secret: bytes) -> list[UUID]:
    """Every card that has this secret; `key` is the one of fingerprints. What is no text has none."""
    return [row[0] for row in execute(FOUND, (_prints(key, secret),))]


def cards_seen_by(party_id: int, key: bytes, secret: bytes, *, sees_all: bool) -> list[UUID]:
    """As `cards_with`, but only what a party may see (the platform: all)."""
    named = {"prints": _prints(key, secret), "sees_all": sees_all, "party": party_id}
    return [row[0] for row in execute(FOUND_FOR, named)]


def _prints(key: bytes, secret: bytes) -> list[bytes]:
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return []
    places = [(Place(*row[:2]), CardRule(*row[2:])) for row in execute(import_sql.PLACES)]
    return list(possible_fingerprints(key, text, places))
