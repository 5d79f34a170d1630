"""What each seal protects and which context binds it: batches, cards, orders, answers, inbox bodies.

Whoever can write the database can move, copy and repoint rows. Every seal here therefore names in its context all
that the row must not be able to change: a card opened as another card's, batch's or owner's gives `SealError` (INV-K2).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import json.encoder
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.vault.primitives import (
    KEY_BYTES,
    POINT_BYTES,
    SEED_BYTES,
    SealError,
    derive,
    framed,
    gcm_open,
    gcm_seal,
    gcm_seal_at,
    gcm_sealer,
    hpke_open,
    hpke_seal,
    new_private,
    point_seal,
    private_from_seed,
    public_id,
    public_of,
)

CARD_FORMAT = 1
ORDER_FORMAT = 1
CARD_FIELDS = ("secret", "number", "pin", "expires")
_CARD_BEFORE, _CARD_AFTER = b"\x00\x00\x00\x10", b"\x00\x00\x00\x07payload"  # framed(card, "payload") around it
_FIELDS = frozenset(CARD_FIELDS)
_quoted = json.encoder.encode_basestring  # a text as JSON writes it, other letters as they are


class Purpose(StrEnum):
    """What a key or a seal is for; part of its context, so that none can stand in for another."""

    BATCH_KEY = "keystall batch key"  # a batch's data key, sealed to the vault
    UPLOAD_KEY = "keystall upload key"  # an upload's file key, sealed to the vault
    CARD = "keystall card"  # the fields of one card under the batch's data key
    BATCH = "keystall batch"  # the vault's signature of a finished batch
    ORDER = "keystall order"  # the order seal
    ANSWER = "keystall answer"  # cards sealed to the one who may read them
    INBOX = "keystall inbox"  # a message body until it is handled


def generate_keypair() -> tuple[bytes, bytes]:
    """A fresh (private, public) pair as the bytes of the two key files (104 and 1,224 bytes)."""
    private = new_private()
    return private, public_of(private)


def generate_sign_key() -> bytes:
    """A fresh Ed25519 private key (32 bytes) for `sign_batch`."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def verify_key(sign_key: bytes) -> bytes:
    """The Ed25519 public key (32 bytes) of a signing key. Raises `SealError`."""
    return _signer(sign_key).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """Sixteen hex characters that name a vault public key. Raises `SealError`."""
    return public_id(public)


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a batch's data key is bound to, beside the id of the vault key: the vault (installation) and the batch."""

    vault: UUID
    batch: UUID


def new_batch_key() -> bytes:
    """A random data key (32 bytes) for the cards of one batch."""
    return os.urandom(KEY_BYTES)


def seal_batch_key(public: bytes, batch_key: bytes, context: BatchContext) -> bytes:
    """The batch's data key sealed to the vault: 1,168 bytes."""
    return hpke_seal(public, batch_key, _batch_info(public, context))


def open_batch_key(private: bytes, sealed: bytes, context: BatchContext) -> bytes:
    """The batch's data key. Raises `SealError`."""
    return hpke_open(private, sealed, _batch_info(public_of(private), context))


def _batch_info(public: bytes, context: BatchContext) -> bytes:
    return framed(Purpose.BATCH_KEY, key_id(public), context.vault, context.batch)


@dataclass(frozen=True, slots=True)
class CardContext:
    """What a card's ciphertext is bound to; `owner` is the owner at import and never changes for the seal."""

    vault: UUID
    owner: int
    batch: UUID
    card: UUID


def card_payload(fields: Mapping[str, str]) -> bytes:
    """Canonical JSON of a card's non-empty fields: `secret`, and `number`, `pin`, `expires` (ISO date) if it has them.

    Raises `ValueError` for a field of another name or a card without a secret.
    """
    if not fields.get("secret") or not fields.keys() <= _FIELDS:
        raise ValueError("a card has a secret, and number, pin, expires at most")
    kept = [f'"{name}":{_quoted(fields[name])}' for name in CARD_FIELDS if fields.get(name)]
    return f"{{{','.join(kept)}}}".encode()


def seal_card(batch_key: bytes, nonce: bytes, fields: Mapping[str, str], context: CardContext) -> bytes:
    """One card under its batch's data key, the nonce (12 bytes, never used twice with this key) in front."""
    return nonce + gcm_seal_at(batch_key, nonce, card_payload(fields), _card_info(context))


class CardSealer:
    """`seal_card` for a whole batch: what is the same for all of its cards is made once. Cards go by their 16 bytes."""

    def __init__(self, batch_key: bytes, *, vault: UUID, owner: int, batch: UUID) -> None:
        self._encrypt = gcm_sealer(batch_key)
        self._before = _batch_info_of_cards(vault, owner, batch)

    def seal(self, nonce: bytes, fields: Mapping[str, str], card: bytes) -> bytes:
        """One card, the nonce (12 bytes, never used twice with this key) in front."""
        return nonce + self._encrypt(nonce, card_payload(fields), self._before + _card_part(card))


def open_card(batch_key: bytes, sealed: bytes, context: CardContext) -> dict[str, str]:
    """The fields of one card. Raises `SealError` for any other card, batch, owner, vault, key or altered bit."""
    payload = gcm_open(batch_key, sealed, _card_info(context))
    fields: dict[str, str] = json.loads(payload)
    return fields


def _card_info(context: CardContext) -> bytes:
    return _batch_info_of_cards(context.vault, context.owner, context.batch) + _card_part(context.card.bytes)


def _card_part(card: bytes) -> bytes:
    return _CARD_BEFORE + card + _CARD_AFTER


@functools.lru_cache(maxsize=64)
def _batch_info_of_cards(vault: UUID, owner: int, batch: UUID) -> bytes:
    return framed(CARD_FORMAT, Purpose.CARD, vault, owner, batch)


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """What the vault signs when a batch is complete: an unsigned or altered batch never opens."""

    vault: UUID
    batch: UUID
    sku: int
    owner: int
    count: int
    source_hash: bytes
    batch_key_hash: bytes


def batch_key_hash(batch_key: bytes, batch: UUID) -> bytes:
    """A commitment to the data key (SHA-256 over it and its batch), safe to store."""
    return hashlib.sha256(framed(Purpose.BATCH_KEY, batch, batch_key)).digest()


def sign_batch(sign_key: bytes, statement: BatchStatement) -> bytes:
    """The vault's Ed25519 signature (64 bytes) of a finished batch."""
    return _signer(sign_key).sign(_statement(statement))


def check_batch(public_sign_key: bytes, statement: BatchStatement, signature: bytes) -> None:
    """Raises `SealError` unless the vault signed exactly this statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public_sign_key).verify(signature, _statement(statement))
    except (InvalidSignature, ValueError):
        raise SealError from None


def _statement(batch: BatchStatement) -> bytes:
    return framed(
        *(Purpose.BATCH, batch.vault, batch.batch, batch.sku, batch.owner, batch.count),
        *(batch.source_hash, batch.batch_key_hash),
    )


def _signer(sign_key: bytes) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(sign_key)
    except ValueError:
        raise SealError from None


@dataclass(frozen=True, slots=True)
class SealedLine:
    """One order line as it was placed; `total_minor` is what the shopper pays for all of it, in minor units."""

    line: UUID
    sku: int
    quantity: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class SealedOrder:
    """One order as it was placed; `chat_address` is where its cards may go, `total_minor` what must be paid."""

    order: UUID
    merchant: int
    identity: UUID
    chat_address: str
    lines: tuple[SealedLine, ...]
    currency: str
    total_minor: int


def order_seal(key: bytes, order: SealedOrder) -> bytes:
    """HMAC-SHA256 (32 bytes) over an order; lines count in the order of their ids, however they are passed.

    `key` is the seal key (never in the database); a key under 32 bytes raises `SealError`.
    """
    if len(key) < KEY_BYTES:
        raise SealError
    lines = sorted(order.lines, key=lambda line: line.line.bytes)
    sealed = framed(
        *(ORDER_FORMAT, Purpose.ORDER, order.order, order.merchant, order.identity, order.chat_address),
        *(order.currency, order.total_minor, len(lines)),
        *(framed(line.line, line.sku, line.quantity, line.total_minor) for line in lines),
    )
    return hmac.new(key, sealed, hashlib.sha256).digest()


def check_order_seal(key: bytes, order: SealedOrder, seal: bytes) -> None:
    """Raises `SealError` unless `seal` was made for exactly this order."""
    if not hmac.compare_digest(order_seal(key, order), seal):
        raise SealError


def answer_context(*, delivery: UUID, session: UUID) -> bytes:
    """The context of delivered cards that are sealed to one chat session."""
    return framed("delivery", delivery, session)


def answer_public_key(token: str) -> bytes:
    """The public key (1,224 bytes) that belongs to a bearer token; stored beside the token's hash."""
    return public_of(_answer_private(token))


def seal_answer(public: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Seal an answer so that only its reader opens it: whoever holds the bearer token, or the page that made the pair.

    A page's key is a point of P-256, which its browser opens (`static/js/seal.js`). Raises `SealError` for other bytes.
    """
    purpose = framed(Purpose.ANSWER, context)
    seal_to = point_seal if len(public) == POINT_BYTES else hpke_seal
    return seal_to(public, plaintext, purpose)


def open_answer(token: str, sealed: bytes, context: bytes) -> bytes:
    """Open an answer with the token of the request in hand. Raises `SealError`."""
    return hpke_open(_answer_private(token), sealed, framed(Purpose.ANSWER, context))


def _answer_private(token: str) -> bytes:
    return private_from_seed(derive(token.encode(), Purpose.ANSWER, SEED_BYTES))


def seal_inbox(inbox_key: bytes, body: bytes, context: bytes) -> bytes:
    """Seal a message body for the inbox; `context` names the connection and its event id."""
    return gcm_seal(inbox_key, body, framed(Purpose.INBOX, context))


def open_inbox(inbox_key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Open an inbox body. Raises `SealError`."""
    return gcm_open(inbox_key, sealed, framed(Purpose.INBOX, context))
