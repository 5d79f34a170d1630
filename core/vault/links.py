"""The links of card pages, `/k/<id>#<key>`: keys that no table holds, and what the vault asks for before it opens one.

The key is HKDF of the vault's link key and the link's number, so a repeat carries the same link. Two things come of it:
what the cards are sealed under, and a proof by which the page shows that it has the key. The server gets the proof
only: who knows a link's number, from a log or because the fragment was lost on the way, opens and uses up nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.bindings import Side
from core.vault.primitives import KEY_BYTES, SealError, derive, framed, gcm_seal

LASTS = timedelta(hours=24)
"""How long a link opens its cards."""

OPENINGS = 5
"""How often; a press is an opening, a look at the page is none (fault 101)."""

REPEATED_FOR = timedelta(hours=12)
"""So long a repeat of the message carries the same link; a later one gets a link that lasts its whole day."""

_KEY = "keystall card link"
_CONTENT = "keystall card page"
_PRESS = "keystall card press"
_ROW = "keystall card link row"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """What a link is, as it was made: which delivery's cards, for whom, until when."""

    id: UUID
    delivery: UUID
    occasion: UUID
    reader: Side
    contact: UUID | None
    locale: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LinkContact:
    """An address that a link is to be sent to, as the worker read it: the vault looks whether it was confirmed so."""

    id: UUID
    by: Side
    address_hash: bytes = field(repr=False)
    confirmed_at: datetime
    seal: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardLink:
    """A link in hand: what stands behind the page's address, `<id>#<key>`, and the chat that it was made for."""

    id: UUID
    key: Secret
    address: str
    expires_at: datetime

    def path(self) -> str:
        """`/k/<id>#<key>`: a secret from its `#` on."""
        return f"/k/{self.id}#{encoded(self.key.reveal())}"


def link_key(root: bytes, link: UUID) -> bytes:
    """The key of one link (32 bytes). A root under 32 bytes raises `SealError`."""
    if len(root) < KEY_BYTES:
        raise SealError
    return derive(root, f"{_KEY} {link}", KEY_BYTES)


def content_key(key: bytes) -> bytes:
    """What the cards are sealed under (32 bytes)."""
    return derive(key, _CONTENT, KEY_BYTES)


def press_proof(key: bytes) -> bytes:
    """What a page shows to have a link opened (32 bytes); nothing is opened with it."""
    return derive(key, _PRESS, KEY_BYTES)


def proof_hash(proof: bytes) -> bytes:
    """What the tables keep of a proof."""
    return hashlib.sha256(proof).digest()


def is_shown(key: bytes, shown_hash: bytes) -> bool:
    """Whether a press came from a page that has the key."""
    return hmac.compare_digest(proof_hash(press_proof(key)), shown_hash)


def seal_content(key: bytes, content: bytes, *, link: UUID, press: UUID) -> bytes:
    """The cards for one press, as the page opens them (`cardpage/card.js`): nonce (12), AES-256-GCM."""
    return gcm_seal(content_key(key), content, content_context(link=link, press=press))


def content_context(*, link: UUID, press: UUID) -> bytes:
    """What the cards of one press are bound to."""
    return framed(_CONTENT, link, press)


def row_seal(root: bytes, row: LinkRow) -> bytes:
    """What makes a row of `card_link` the vault's own (32 bytes)."""
    said = framed(
        *(_ROW, row.id, row.delivery, row.occasion, row.reader.identity_id, row.reader.chat_address),
        *(row.contact or "", row.locale, _micros(row.made_at), _micros(row.expires_at)),
    )
    return hmac.digest(derive(root, _ROW, KEY_BYTES), said, "sha256")


def is_own_row(root: bytes, row: LinkRow, seal: bytes) -> bool:
    """Whether the vault made exactly this row."""
    return hmac.compare_digest(row_seal(root, row), seal)


def encoded(raw: bytes) -> str:
    """Base64 as addresses carry it, without its closing signs."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
