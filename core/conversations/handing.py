"""Cards that staff and suppliers bring by the panel: sealed while they are read, asked for as a restock by a chat is.

No copy of them is kept but the sealed one. The worker has the vault import it, which derives everything from the sealed
row (`core.custody.imports.restocking`); the panel shows what became of it instead of a message.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import UUID

from core.actor import Actor, ActorKind
from core.conversations.restocking import SKU, RestockTooOften, UnknownGoods, checked_cost, write_down
from core.db import execute, in_transaction
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.parties.rules import PartyKind, may_bring_stock
from core.parties.service import access_party
from core.secret import Secret
from core.vault.restocks import SealedRestock
from core.vault.uploads import upload_file

A_DAY = 60
"""So many files a member of staff may bring by the panel within a day; the vault takes as many of a party."""

LONGEST_COLUMN = 200

LOCK_STAFF = "SELECT pg_advisory_xact_lock(7188, hashtext(%s))"
BEFORE = "SELECT id FROM restock WHERE staff_id = %s AND conversation_id IS NULL AND submission = %s"
ASKED_TODAY = "SELECT count(*) FROM restock WHERE staff_id = %s AND conversation_id IS NULL AND asked_at > %s"
SKU_BY_ID = SKU + "  AND k.id = %(sku)s"
LYING = """
SELECT 1 FROM upload u WHERE u.id = %s AND u.owner_id = %s AND u.complete
AND NOT EXISTS (SELECT 1 FROM restock r WHERE r.upload_id = u.id)
"""


def find_handed(*, actor: Actor, submission_id: str) -> UUID | None:
    """The restock that this very form asked for before, if it did."""
    rows = execute(BEFORE, (actor.id, submission_id))
    return rows[0][0] if rows else None


def hand_over(
    *,
    actor: Actor,
    party_id: int,
    sku_id: int,
    unit_cost: str = "",
    file: BinaryIO,
    name: str,
    column: str | None = None,
    submission_id: str,
    vault_public: bytes,
    seal_key: Secret,
    now: datetime,
) -> UUID:
    """Seal a file of cards for a party's pool and ask for its import, in one transaction; the same form asks once.

    Arguments, result and refusals are those of `ask_import`, and `FileTooLarge`; where it refuses, nothing is kept.
    """
    staff_id, _ = bringer(actor, party_id)
    start = file.tell()

    def work() -> UUID:
        before = _asked_before(staff_id, submission_id, now)
        if before is not None:
            return before
        file.seek(start)  # a second try reads it again
        return ask_import(
            actor=actor,
            party_id=party_id,
            sku_id=sku_id,
            unit_cost=unit_cost,
            upload_id=upload_file(file=file, name=name, owner_id=party_id, vault_public=vault_public, now=now),
            column=column,
            submission_id=submission_id,
            seal_key=seal_key,
            now=now,
        )

    return in_transaction(work, repeatable=True)


def ask_import(
    *,
    actor: Actor,
    party_id: int,
    sku_id: int,
    unit_cost: str = "",
    upload_id: UUID,
    column: str | None = None,
    submission_id: str,
    seal_key: Secret,
    now: datetime,
) -> UUID:
    """Ask for the import of a file that lies sealed in a party's name; the same form asks once. Returns the restock.

    `unit_cost` in major units of the store's currency or empty, `column` where a person named the secrets' one. Raises
    `NotFound` (party, upload), `NotAllowed`, `UnknownGoods`, `BadCost`, `CostNotYours`, `RestockTooOften`, `Invalid`
    (column).
    """
    staff_id, kind = bringer(actor, party_id)
    cost = checked_cost(kind, unit_cost)
    if column is not None and (not 0 < len(column) <= LONGEST_COLUMN or "\0" in column):
        raise Invalid(what="column")

    def work() -> UUID:
        before = _asked_before(staff_id, submission_id, now)
        if before is not None:
            return before
        if not execute(SKU_BY_ID, {"sku": sku_id, "party": party_id, "now": now}):
            raise UnknownGoods
        if not execute(LYING, (upload_id, party_id)):
            raise NotFound("upload")
        asked = SealedRestock(new_id(), staff_id, party_id, sku_id, cost, upload_id, b"", None, now, column)
        write_down(asked, actor=actor, submission_id=submission_id, seal_key=seal_key)
        return asked.id

    return in_transaction(work, repeatable=True)


def bringer(actor: Actor, party_id: int) -> tuple[UUID, PartyKind]:
    """Who brings cards, own staff with a role for it, and of what kind its party is.

    Raises `NotFound`, `NotAllowed`.
    """
    party = access_party(actor=actor, party_id=party_id)
    own = actor.kind is ActorKind.STAFF and actor.party_id == party_id
    if actor.id is None or not own or not may_bring_stock(party.kind, actor.roles):
        raise NotAllowed
    return actor.id, party.kind


def _asked_before(staff_id: UUID, submission_id: str, now: datetime) -> UUID | None:
    """What this form asked for before; in the turn of this person. Raises `RestockTooOften`."""
    execute(LOCK_STAFF, (str(staff_id),))
    rows = execute(BEFORE, (staff_id, submission_id))
    if not rows and execute(ASKED_TODAY, (staff_id, now - timedelta(days=1)))[0][0] >= A_DAY:
        raise RestockTooOften(most=A_DAY)
    return rows[0][0] if rows else None
