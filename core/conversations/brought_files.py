"""Files that staff bring by the panel, from their last byte to the import: looked at first, then confirmed or left.

A file lies sealed when it gets here. The worker has the vault look at it and, once a person has confirmed what was
seen, import it as a restock; whoever brought it may leave it, or take the import back while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from core.actor import Actor
from core.audit import service as audit
from core.conversations.handing import LONGEST_COLUMN, SKU_BY_ID, ask_import, bringer
from core.conversations.restocking import SKU, UnknownGoods
from core.db import changed, execute, in_transaction
from core.errors import Conflict, Invalid, Limited, NotFound
from core.ids import new_id
from core.secret import Secret
from core.vault.client import VaultCode, VaultRefused
from core.vault.looks import SealedLook, look_seal
from core.work import Work, enqueue, enqueue_missing

LOOKS_A_DAY = 200
"""So many looks a member of staff may ask for within a day; the vault bounds the rows of a party."""

KEPT = timedelta(hours=23)
"""Until then a file can be confirmed: a day after it came the vault forgets what nobody imported."""

AGAIN_AFTER = timedelta(seconds=60)

LOCK_STAFF = "SELECT pg_advisory_xact_lock(7193, hashtext(%s))"
BEFORE = "SELECT id FROM brought_file WHERE staff_id = %s AND submission = %s"
TODAY = "SELECT count(*) FROM brought_file WHERE staff_id = %s AND brought_at > %s"
LYING = """
SELECT u.sealed_key FROM upload u WHERE u.id = %s AND u.owner_id = %s AND u.complete
AND NOT EXISTS (SELECT 1 FROM restock r WHERE r.upload_id = u.id)
"""
BRING = """
INSERT INTO brought_file (id, staff_id, party_id, sku_id, upload_id, secret_column, submission, brought_at, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
FILE = """
SELECT f.party_id, f.sku_id, f.upload_id, f.secret_column, f.restock_id, f.left_at IS NOT NULL, u.created_at,
       l.state, l.added
FROM brought_file f JOIN upload u ON u.id = f.upload_id LEFT JOIN file_look l ON l.file_id = f.id
WHERE f.id = %s FOR NO KEY UPDATE OF f
"""
CONFIRM = "UPDATE brought_file SET restock_id = %s WHERE id = %s"
LEAVE = "UPDATE brought_file SET left_at = %s WHERE id = %s AND left_at IS NULL AND restock_id IS NULL"
TAKE_BACK = "UPDATE restock SET cancel_asked_at = %s WHERE id = %s AND state = 'asked' AND cancel_asked_at IS NULL"
TAKE_ALL_BACK = """
UPDATE restock SET cancel_asked_at = %s WHERE party_id = %s AND state = 'asked' AND cancel_asked_at IS NULL RETURNING id
"""
STATE = "SELECT state FROM restock WHERE id = %s"
UNSEEN = """
SELECT f.id FROM brought_file f LEFT JOIN file_look l ON l.file_id = f.id
WHERE f.left_at IS NULL AND f.restock_id IS NULL AND f.brought_at > %(day_ago)s
  AND ((l.file_id IS NULL AND f.brought_at < %(before)s) OR (l.state = 'looking' AND l.moved_at < %(before)s))
ORDER BY f.brought_at LIMIT %(limit)s
"""
NOT_TAKEN_BACK = """
SELECT id FROM restock WHERE state = 'asked' AND cancel_asked_at < %s ORDER BY cancel_asked_at LIMIT %s
"""


class FileIsNot(Conflict):
    """The file is not at a point at which this can be done: left, imported, not looked at yet, or kept no longer."""


class NothingNew(Conflict):
    """An import of this file would add no card."""


class TooManyLooks(Limited):
    """As many files as one person may have looked at within a day (`most`)."""


@dataclass(frozen=True, slots=True)
class GoodsToBring:
    """A SKU that a party may hold cards of."""

    sku_id: int
    code: str
    names: Mapping[str, str]
    product: Mapping[str, str]


class LookingVault(Protocol):
    """The vault, as far as this room asks it (`core.vault.import_requests`)."""

    def look_at_file(self, file: UUID, /) -> None: ...

    def take_back(self, restock: UUID, /) -> None: ...


def goods_to_bring(*, actor: Actor, now: datetime) -> Sequence[GoodsToBring]:
    """The SKUs whose cards the actor's party may bring, by code. Raises `NotFound`, `NotAllowed`."""
    bringer(actor, actor.party_id or 0)
    statement = SKU.replace("SELECT k.id, k.names, p.names", "SELECT k.id, k.code, k.names, p.names")
    rows = execute(f"{statement} ORDER BY k.code LIMIT 1000", {"party": actor.party_id, "now": now})
    return [GoodsToBring(*row) for row in rows]


def bring_file(
    *,
    actor: Actor,
    sku_id: int,
    upload_id: UUID,
    column: str | None = None,
    submission_id: str,
    seal_key: Secret,
    now: datetime,
) -> UUID:
    """Have a file looked at that lies sealed for the actor's party; the same form sent twice brings it once.

    Raises `NotFound` (upload), `NotAllowed`, `UnknownGoods`, `TooManyLooks`, `Invalid` (column); nothing changes then.
    """
    party_id = actor.party_id or 0
    staff_id, _ = bringer(actor, party_id)
    if column is not None and (not 0 < len(column) <= LONGEST_COLUMN or "\0" in column):
        raise Invalid(what="column")

    def work() -> UUID:
        execute(LOCK_STAFF, (str(staff_id),))
        before = execute(BEFORE, (staff_id, submission_id))
        if before:
            return UUID(str(before[0][0]))
        if execute(TODAY, (staff_id, now - timedelta(days=1)))[0][0] >= LOOKS_A_DAY:
            raise TooManyLooks(most=LOOKS_A_DAY)
        if not execute(SKU_BY_ID, {"sku": sku_id, "party": party_id, "now": now}):
            raise UnknownGoods
        lying = execute(LYING, (upload_id, party_id))
        if not lying:
            raise NotFound("upload")
        look = SealedLook(new_id(), staff_id, party_id, sku_id, upload_id, bytes(lying[0][0]), column, now)
        what = (look.id, staff_id, party_id, sku_id, upload_id, column, submission_id, now)
        execute(BRING, (*what, look_seal(seal_key, look)))
        enqueue(Work.LOOK, look.id)
        _note(actor, "file.brought", look.id, now)
        return look.id

    return in_transaction(work, repeatable=True)


def confirm_file(*, actor: Actor, file_id: UUID, unit_cost: str = "", seal_key: Secret, now: datetime) -> UUID:
    """Have a file imported that was looked at; confirmed twice it is imported once. Returns the restock.

    `unit_cost` in major units of the store's currency or empty. Raises `NotFound` for a missing or foreign file,
    `FileIsNot`, `NothingNew`, and what `ask_import` refuses.
    """
    bringer(actor, actor.party_id or 0)

    def work() -> UUID:
        party, sku, upload, column, restock, is_left, came_at, state, added = _file(actor, file_id)
        if restock is not None:
            return UUID(str(restock))
        if is_left or state != "looked" or now - came_at > KEPT:
            raise FileIsNot(state="left" if is_left else "old" if state == "looked" else state or "waiting")
        if not added:
            raise NothingNew
        asked = ask_import(
            actor=actor,
            party_id=party,
            sku_id=sku,
            unit_cost=unit_cost,
            upload_id=upload,
            column=column,
            submission_id=str(file_id),
            seal_key=seal_key,
            now=now,
        )
        execute(CONFIRM, (asked, file_id))
        return asked

    return in_transaction(work, repeatable=True)


def leave_file(*, actor: Actor, file_id: UUID, now: datetime) -> bool:
    """Nobody wants this file any more: before its import nothing of it is looked at, one that runs is taken back.

    Whether an import is taken back. Raises `NotFound` for a missing or foreign file, `FileIsNot` when its import is
    over: its cards are on sale, and their batch can be locked.
    """
    bringer(actor, actor.party_id or 0)

    def work() -> bool:
        _, _, _, _, restock, is_left, *_ = _file(actor, file_id)
        if restock is None:
            if not is_left:
                changed(LEAVE, (now, file_id))
                _note(actor, "file.left", file_id, now)
            return False
        if execute(STATE, (restock,))[0][0] != "asked":
            raise FileIsNot(state="imported")
        if changed(TAKE_BACK, (now, restock)):
            enqueue(Work.TAKE_BACK, restock)
            _note(actor, "file.taken_back", file_id, now)
        return True

    return in_transaction(work, repeatable=True)


def take_back_imports(*, party_id: int, now: datetime) -> int:
    """Take every import of a party back that is asked for or runs, in the caller's transaction; returns how many."""
    found = execute(TAKE_ALL_BACK, (now, party_id))
    for (restock,) in found:
        enqueue(Work.TAKE_BACK, restock)
    return len(found)


def carry_out_look(*, file_id: UUID, vault: LookingVault) -> bool:
    """Have the vault look at a file; it writes down what it found. False when nobody wants that any more."""
    try:
        vault.look_at_file(file_id)
    except VaultRefused as refused:
        if refused.vault_code is not VaultCode.IMPORT_CANCELLED:
            raise
        return False
    return True


def carry_out_taking_back(*, restock_id: UUID, vault: LookingVault) -> bool:
    """Have the vault take an import back; False when it is over already."""
    try:
        vault.take_back(restock_id)
    except VaultRefused as refused:
        if refused.vault_code is not VaultCode.IMPORT_REFUSED:
            raise
        return False
    return True


def looks_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: ask the worker again for what it has not seen to; returns how many."""
    before = now - AGAIN_AFTER
    unseen = execute(UNSEEN, {"before": before, "day_ago": now - timedelta(days=1), "limit": limit})
    count = enqueue_missing(Work.LOOK, [one for (one,) in unseen])
    return count + enqueue_missing(Work.TAKE_BACK, [one for (one,) in execute(NOT_TAKEN_BACK, (before, limit))])


def _file(actor: Actor, file_id: UUID) -> tuple[int, int, UUID, str | None, UUID | None, bool, datetime, str, int]:
    rows = execute(FILE, (file_id,))
    if not rows or rows[0][0] != actor.party_id:
        raise NotFound("file")
    return rows[0]


def _note(actor: Actor, action: str, file_id: UUID, now: datetime) -> None:
    audit.append(
        actor=actor, action=action, object_kind="file", object_id=file_id, party_id=actor.party_id or 0, now=now
    )
