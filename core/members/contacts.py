"""Addresses outside the chats where a shopper wants to hear from the shop: asked for, confirmed by a code, forgotten.

The code is minted by the worker as it sends it: the process that hears the shopper never knows it, and the table keeps
its hash. Six digits are few, so a code has three tries, ten minutes, and quotas on how often it may be asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit.service import append
from core.db import atomic, changed, execute
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.members.code_quotas import Asker, take_turn
from core.members.confirmed import NewContact, keep_contact, own_side
from core.members.service import access_shopper
from core.secret import Secret
from core.vault.contacts import wish_seal
from core.work import Work, enqueue, enqueue_missing

CODE_LIVES = timedelta(minutes=10)
TRIES = 3
AGAIN_AFTER = timedelta(seconds=30)
"""A code that nobody has sent by then is asked of the worker again."""

KEPT = timedelta(days=2)
"""How long a wish to confirm counts; then its row goes."""

_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
                    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")  # fmt: skip
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")


class ContactKind(StrEnum):
    """Where outside the chats."""

    EMAIL = "email"  # an address that any mail server takes
    PHONE = "phone"  # a mobile number of mainland China, kept as +86…: the providers' templates are for these


class BadAddress(Invalid):
    """No address of this `kind`; the address itself is not repeated."""


class PhoneNeedsOrder(NotAllowed):
    """Text messages cost money: they are for those who have bought something."""


class CodeOver(NotFound):
    """There is no code that waits: none was asked for, it is used, too old, or guessed at too often."""

    def __init__(self) -> None:
        super().__init__("code")


class WrongCode(Invalid):
    """Not the code that was sent; `left` tries remain."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A confirmed address; its text stays out of reprs and logs."""

    kind: ContactKind
    address: str = field(repr=False)
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class CodeToSend:
    """What the worker sends: the code, where to, and where the shopper waits for it."""

    id: UUID
    shopper_id: UUID
    merchant_id: int
    conversation_id: UUID
    kind: ContactKind
    locale: str
    address: str = field(repr=False)
    code: Secret = field(repr=False)


LOCK_SHOPPER = "SELECT paid_orders FROM shopper WHERE id = %s FOR NO KEY UPDATE"
ASK = """
INSERT INTO contact_code (id, shopper_id, merchant_id, conversation_id, kind, address, network, asked_at, expires_at,
    seal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
WAITING = """
SELECT id, kind, address, code_hash, seal FROM contact_code
WHERE shopper_id = %s AND conversation_id = %s ORDER BY asked_at DESC, id DESC LIMIT 1
"""
SPEND_TRY = """
UPDATE contact_code SET tries_left = tries_left - 1
WHERE id = %s AND tries_left > 0 AND used_at IS NULL AND code_hash IS NOT NULL AND expires_at > %s RETURNING tries_left
"""
USE = "UPDATE contact_code SET used_at = %s WHERE id = %s"
CONTACTS = "SELECT kind, address, confirmed_at FROM contact WHERE shopper_id = %s ORDER BY kind"
FORGET = "DELETE FROM contact WHERE shopper_id = %s AND kind = %s"
MINT = """
UPDATE contact_code c SET code_hash = %s FROM shopper s
WHERE c.id = %s AND s.id = c.shopper_id AND c.code_hash IS NULL AND c.expires_at > %s
RETURNING c.shopper_id, c.merchant_id, c.conversation_id, c.kind, s.locale, c.address
"""
UNMINT = "UPDATE contact_code SET code_hash = NULL WHERE id = %s AND used_at IS NULL"
UNSENT = "SELECT id FROM contact_code WHERE code_hash IS NULL AND asked_at < %s AND expires_at > %s LIMIT %s"
OLD = "DELETE FROM contact_code WHERE id IN (SELECT id FROM contact_code WHERE asked_at < %s LIMIT %s)"


def read_address(kind: ContactKind, written: str) -> str:
    """The address as it is kept: a mail address, a mobile number as +8613800138000. Raises `BadAddress`."""
    plain = "".join(written.split())
    if kind is ContactKind.EMAIL:
        local, _, domain = plain.rpartition("@")
        if len(plain) <= 254 and len(local) <= 64 and _EMAIL.fullmatch(plain):
            return f"{local}@{domain.lower()}"
    elif found := _MOBILE.fullmatch(plain.replace("-", "")):
        return f"+86{found[1]}"
    raise BadAddress(kind=kind.value)


def masked(kind: ContactKind, address: str) -> str:
    """The address as it is shown back: `m***@example.com`, `138****8000`."""
    if kind is ContactKind.PHONE:
        number = address.removeprefix("+86")
        return f"{number[:3]}****{number[-4:]}"
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def ask_confirmation(
    *,
    actor: Actor,
    conversation_id: UUID,
    chat: str,
    kind: ContactKind,
    address: str,
    network: str,
    seal_key: Secret,
    now: datetime,
) -> str:
    """Have a code sent to an address; returns the address masked. An older code of the chat is void with that.

    `chat` is the private chat as its own door knows it, not as the tables do; `network` a keyed hash of where it is
    spoken from, or empty. Raises `BadAddress`, `PhoneNeedsOrder`, `TooManyCodes`, `NotFound`.
    """
    place = read_address(kind, address)
    shopper_id = _shopper(actor)
    with atomic():
        shopper = access_shopper(actor=actor, shopper_id=shopper_id)
        by = own_side(shopper_id=shopper_id, conversation_id=conversation_id, chat=chat)
        ((paid_orders,),) = execute(LOCK_SHOPPER, (shopper_id,))
        if kind is ContactKind.PHONE and not paid_orders:
            raise PhoneNeedsOrder()
        asker = Asker(shopper_id, shopper.merchant_id, network, is_guest=not paid_orders)
        take_turn(asker, kind=kind.value, address=place, now=now)
        code_id = new_id()
        wish = (code_id, shopper_id, shopper.merchant_id, conversation_id, kind.value, place, network)
        seal = wish_seal(seal_key, wish=code_id, by=by, kind=kind.value, address=place)
        execute(ASK, (*wish, now, now + CODE_LIVES, seal))
        enqueue(Work.CONTACT_CODE, code_id)
        _note(actor, "contact.code_asked", kind, now)
    return masked(kind, place)


def confirm(*, actor: Actor, conversation_id: UUID, chat: str, code: str, seal_key: Secret, now: datetime) -> Contact:
    """The code that was sent: from now on the shopper is told there too, by what this chat has confirmed.

    A wrong code costs a try for good: the refusal is raised after the commit that counts it. `chat` is as for
    `ask_confirmation`. Raises `CodeOver`, `WrongCode`, `NotFound`.
    """
    shopper_id = _shopper(actor)
    with atomic():
        shopper = access_shopper(actor=actor, shopper_id=shopper_id)
        by = own_side(shopper_id=shopper_id, conversation_id=conversation_id, chat=chat)
        execute(LOCK_SHOPPER, (shopper_id,))
        rows = execute(WAITING, (shopper_id, conversation_id))
        left = execute(SPEND_TRY, (rows[0][0], now)) if rows else []
        if not left:
            raise CodeOver()
        code_id, kind, address, code_hash, seal = rows[0]
        asked = wish_seal(seal_key, wish=code_id, by=by, kind=kind, address=address)
        is_asked = hmac.compare_digest(asked, bytes(seal))  # else somebody only wrote it
        is_right = hmac.compare_digest(hash_of(code_id, code), bytes(code_hash)) and is_asked
        if is_right:
            execute(USE, (now, code_id))
            known = NewContact(shopper_id, shopper.merchant_id, by, kind, address)
            keep_contact(known, seal_key=seal_key, now=now)
            _note(actor, "contact.confirmed", ContactKind(kind), now)
    if not is_right:
        raise WrongCode(left=left[0][0]) if left[0][0] else CodeOver()
    return Contact(ContactKind(kind), address, now)


def contacts_of(*, shopper_id: UUID) -> list[Contact]:
    """The confirmed addresses of a shopper, for the worker and for the shopper's own chat."""
    return [Contact(ContactKind(kind), address, at) for kind, address, at in execute(CONTACTS, (shopper_id,))]


def forget(*, actor: Actor, kind: ContactKind, now: datetime) -> bool:
    """Say nothing at this address any more; whether there was one. Raises `NotFound`."""
    shopper_id = _shopper(actor)
    with atomic():
        access_shopper(actor=actor, shopper_id=shopper_id)
        gone = bool(changed(FORGET, (shopper_id, kind.value)))
        if gone:
            _note(actor, "contact.forgotten", kind, now)
    return gone


def mint_code(*, code_id: UUID, now: datetime) -> CodeToSend | None:
    """For the worker: make the code and keep its hash; None when it was made before, or is too late.

    Six random digits. The hash is no protection against who reads the table (a million guesses take a second): such a
    reader could confirm addresses anyway; it keeps live codes out of dumps and of what the web process can read.
    """
    code = f"{secrets.randbelow(10**6):06}"
    rows = execute(MINT, (hash_of(code_id, code), code_id, now))
    if not rows:
        return None
    shopper_id, merchant_id, conversation_id, kind, locale, address = rows[0]
    place = (shopper_id, merchant_id, conversation_id, ContactKind(kind), locale)
    return CodeToSend(code_id, *place, address, Secret(code))


def give_code_back(*, code_id: UUID) -> None:
    """It certainly was not sent: another one is made at the next try."""
    changed(UNMINT, (code_id,))


def codes_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: ask the worker again for codes that nobody has sent; returns how many."""
    waiting = [code_id for (code_id,) in execute(UNSENT, (now - AGAIN_AFTER, now, limit))]
    return enqueue_missing(Work.CONTACT_CODE, waiting)


def forget_codes(*, now: datetime, limit: int = 2000) -> int:
    """Remove wishes that no quota counts any more; returns how many."""
    return changed(OLD, (now - KEPT, limit))


def hash_of(code_id: UUID, code: str) -> bytes:
    """SHA-256 (32 bytes) over the wish and its code."""
    return hashlib.sha256(b"keystall contact code\0" + code_id.bytes + code.encode()).digest()


def _shopper(actor: Actor) -> UUID:
    if actor.kind is not ActorKind.SHOPPER or actor.id is None:
        raise NotFound("shopper")
    return actor.id


def _note(actor: Actor, action: str, kind: ContactKind, now: datetime) -> None:
    append(actor=actor, action=action, object_kind="shopper", object_id=str(actor.id), detail={"kind": kind}, now=now)
