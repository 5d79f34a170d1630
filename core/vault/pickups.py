"""Pick-up codes: what is written in a text message or a letter, and the seals that make the vault believe one.

A code is 50 random bits. Four processes meet it, and none of the tables ever holds it:
- the *worker* mints it as it sends it, and keeps keyed hashes with a proof over order, hashes and times. Its key is
  derived from the worker's own, which the vault has too. Plain SHA-256 would not do: 2⁵⁰ tries are a day's work for a
  graphics card, and web's role could read the hashes of all cards that wait for their buyers.
- *web or bot* hears it and seals it to the vault's public key, in a context that names this one wish and the private
  chat in which it was typed. So the row on the way to the vault says nothing to who reads it, and a copy of it in
  another wish or for another chat does not open. Who has taken over web hears what is typed into web, as ever.
- the *vault* looks it up, counts tries, looks whether the address that it was sent to was confirmed by an account that
  may read the order, and notes who used it under a seal of its own that nobody else can make.

Who writes the database as any role, without keys, gains nothing. A code whose order or end was altered has no proof,
one that went to an address which was only written has no seal of it, a use that was only written has no seal either,
and one that was taken away is still in the audit. Who has taken over the worker may mint codes for delivered orders,
and every use of one is audited and in the vault's log on disk.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.bindings import Side
from core.vault.contacts import SealedContact
from core.vault.primitives import derive, framed, hpke_open, hpke_seal

LASTS = timedelta(days=7)
"""How long a code may be used."""

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: I, L, O and U are missing, and are read as what they are mistaken for."""

LENGTH = 10  # of 5 bits each
PART = 4
"""So many signs tell which code was meant: a wrong code that begins like one costs that one a try."""

_MISREAD = str.maketrans("ILO", "110")
_BETWEEN = frozenset(" -_.·–—−")
_CODE = "keystall pickup code"
_PART = "keystall pickup part"
_PROOF = "keystall pickup proof"
_ASKED = "keystall pickup asked"
_USE = "keystall pickup use"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PickupCode:
    """What the tables keep of a code: whose order, keyed hashes of the whole and of its first signs (32 bytes each),
    and the address that it was sent to with the seal that address had.
    """

    id: UUID
    order: UUID
    merchant: int
    part_hash: bytes = field(repr=False)
    code_hash: bytes = field(repr=False)
    made_at: datetime
    expires_at: datetime
    sent_to: SealedContact
    contact_seal: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PickupWish:
    """Somebody typed a code: this one time, in this private chat."""

    id: UUID
    conversation: UUID
    chat: Side


@dataclass(frozen=True, slots=True)
class PickupUse:
    """A code was exchanged in a chat, which may read the order's cards from then on."""

    code: UUID
    order: UUID
    conversation: UUID
    chat: Side
    used_at: datetime


def new_code() -> Secret:
    """50 random bits as 10 signs."""
    return Secret("".join(secrets.choice(SIGNS) for _ in range(LENGTH)))


def shown(code: Secret) -> str:
    """A code as people read it: `K7QM-3XWP-4T`."""
    text = code.reveal().decode()
    return "-".join((text[:4], text[4:8], text[8:]))


def read_code(written: str) -> Secret | None:
    """A code as people type it: any case, with or without dashes, full-width as well; None for anything else."""
    plain = unicodedata.normalize("NFKC", written).upper()
    plain = "".join(sign for sign in plain if sign not in _BETWEEN).translate(_MISREAD)
    return Secret(plain) if len(plain) == LENGTH and set(plain) <= set(SIGNS) else None


def pickup_key(worker_key: bytes) -> bytes:
    """The key of codes (32 bytes); the worker and the vault can derive it, no other process."""
    return derive(worker_key, "keystall pickup key", 32)


def code_hash(key: bytes, *, merchant: int, code: Secret) -> bytes:
    """What is kept of a code: of another merchant it is another, and without the key it tells nothing."""
    return hmac.digest(key, framed(_CODE, merchant, code.reveal()), "sha256")


def part_hash(key: bytes, *, merchant: int, code: Secret) -> bytes:
    """What is kept of a code's first signs, by which it is found."""
    return hmac.digest(key, framed(_PART, merchant, code.reveal()[:PART]), "sha256")


def prove(key: bytes, code: PickupCode) -> bytes:
    """The proof (32 bytes) that the worker minted exactly this."""
    times = (_micros(code.made_at), _micros(code.expires_at))
    to, by = code.sent_to, code.sent_to.by
    said = framed(
        *(_PROOF, code.id, code.order, code.merchant, code.part_hash, code.code_hash, *times),
        *(to.id, to.merchant, by.identity_id, by.chat_address, to.address_hash, _micros(to.confirmed_at)),
        code.contact_seal,
    )
    return hmac.digest(key, said, "sha256")


def is_proved(key: bytes, code: PickupCode, proof: bytes) -> bool:
    """Whether a code is as the worker minted it."""
    return hmac.compare_digest(prove(key, code), proof)


def seal_typed(public: bytes, *, vault: UUID, wish: PickupWish, code: Secret, network: str) -> bytes:
    """What was typed, for the vault's eyes only, and only as this wish of this chat.

    `network` is a keyed hash of the client's network. Raises `SealError` for bytes that are no public key.
    """
    return hpke_seal(public, code.reveal() + network.encode(), _context(vault, wish))


def open_typed(private: bytes, *, vault: UUID, wish: PickupWish, sealed: bytes) -> tuple[Secret, str]:
    """The code and the network again. Raises `SealError` for another wish or chat than the one that was sealed."""
    typed = hpke_open(private, sealed, _context(vault, wish)).decode()
    return Secret(typed[:LENGTH]), typed[LENGTH:]


def use_key(sign_key: bytes) -> bytes:
    """The key of uses (32 bytes), from the vault's signing key: no other process can make one."""
    return derive(sign_key, "keystall pickup use key", 32)


def seal_use(key: bytes, use: PickupUse) -> bytes:
    """The seal (32 bytes) that the vault puts on a use."""
    chat = (use.conversation, use.chat.identity_id, use.chat.chat_address)
    return hmac.digest(key, framed(_USE, use.code, use.order, *chat, _micros(use.used_at)), "sha256")


def is_used(key: bytes, use: PickupUse, seal: bytes) -> bool:
    """Whether the vault noted exactly this use."""
    return hmac.compare_digest(seal_use(key, use), seal)


def _context(vault: UUID, wish: PickupWish) -> bytes:
    return framed(_ASKED, vault, wish.id, wish.conversation, wish.chat.identity_id, wish.chat.chat_address)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
