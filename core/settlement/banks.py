"""Where a party's money is sent: sealed with the link key, masked in every print, changed only by a named person.

Rows are only added, so that who changed the details lately cannot be rewritten; the last one counts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.secret import Secret
from core.settlement.people import require_person
from core.settlement.rules import masked
from core.submission import claim_submission
from core.titles import checked_title
from core.vault.primitives import derive, framed, gcm_open, gcm_seal

PURPOSE = "keystall bank details"
NUMBER = re.compile(r"[A-Z0-9][A-Z0-9._+@-]{3,63}", re.IGNORECASE)
"""An account or IBAN, or the login of a wallet at a payment service."""

STORE = "INSERT INTO bank_details (id, party_id, sealed, mask, changed_by, changed_at) VALUES (%s, %s, %s, %s, %s, %s)"
LAST = "SELECT id, mask FROM bank_details WHERE party_id = %s ORDER BY no DESC LIMIT 1"
CHANGES = "SELECT changed_by, changed_at FROM bank_details WHERE party_id = %s"
SEALED = "SELECT party_id, changed_by, sealed FROM bank_details WHERE id = %s"
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7165, hashint8(%s))"
"""Of a party's bank details and of whoever goes by them in the same moment."""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """The bank details of a party as its last change has them; `mask` is all that is ever printed of them."""

    id: UUID
    mask: str


class NoBankDetails(NotFound):
    """The party has not said where its money is to be sent."""

    def __init__(self) -> None:
        super().__init__("bank_details")


def set_bank_details(
    *, actor: Actor, party_id: int, name: str, bank: str, number: Secret, key: Secret, submission_id: str, now: datetime
) -> BankAccount:
    """Say where a party's money is sent from now on: account holder, bank, account number. `key` is the link key.

    Raises `NotFound`, `NotAllowed`, `Invalid`, `OtherContent`.
    """
    person = require_person(actor, party_id, what="party")
    said = number.reveal().decode("utf-8", "replace").replace(" ", "")
    if not NUMBER.fullmatch(said):
        raise Invalid(what="number")
    whole = {"name": checked_title(name, what="name"), "bank": checked_title(bank, what="bank"), "number": said}
    bank_id, mask = new_id(), masked(said)
    sealed = gcm_seal(_key(key), json.dumps(whole, ensure_ascii=False).encode(), _context(bank_id, party_id, person))
    digest = hmac.new(_key(key), json.dumps(whole).encode(), hashlib.sha256).hexdigest()  # compared, tells nothing

    def work() -> BankAccount:
        lock_bank_details(party_id)
        first = claim_submission(
            merchant_id=party_id,
            caller=f"staff:{person}",
            operation="payout.bank",
            key=submission_id,
            request={"details": digest},
            reference=bank_id,
            now=now,
        )
        if first is not None:
            return BankAccount(first, mask)
        execute(STORE, (bank_id, party_id, sealed, mask, person, now))
        append(
            actor=actor,
            action="payout.bank_changed",
            object_kind="bank_details",
            object_id=bank_id,
            detail={"mask": mask},
            party_id=party_id,
            now=now,
        )
        return BankAccount(bank_id, mask)

    return in_transaction(work, repeatable=True)


def lock_bank_details(party_id: int) -> None:
    """Until the caller's transaction ends nobody changes these bank details."""
    execute(ONE_AT_A_TIME, (party_id,))


def bank_of(*, party_id: int) -> BankAccount:
    """Where a party's money is sent. Raises `NoBankDetails`."""
    rows = execute(LAST, (party_id,))
    if not rows:
        raise NoBankDetails
    return BankAccount(*rows[0])


def changes_of(*, party_id: int) -> list[tuple[UUID, datetime]]:
    """Who changed a party's bank details, and when."""
    return [(person, at) for person, at in execute(CHANGES, (party_id,))]


def open_bank_details(*, bank_id: UUID, key: Secret) -> dict[str, Secret]:
    """`name`, `bank`, `number` in full. Raises `NotFound`, and `SealError` for a row that was altered or copied."""
    rows = execute(SEALED, (bank_id,))
    if not rows:
        raise NoBankDetails
    party_id, person, sealed = rows[0]
    whole = json.loads(gcm_open(_key(key), bytes(sealed), _context(bank_id, party_id, person)))
    return {name: Secret(whole[name]) for name in ("name", "bank", "number")}


def _key(key: Secret) -> bytes:
    return derive(key.reveal(), PURPOSE, 32)


def _context(bank_id: UUID, party_id: int, person: UUID) -> bytes:
    return framed(PURPOSE, bank_id, party_id, person)
