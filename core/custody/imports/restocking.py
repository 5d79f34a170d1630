"""What the vault imports of a chat or the panel: everything stands in the restock's sealed row, and is checked here.

The worker names a restock and nothing else. The row counts only with its seal, made by the process that heard the
person (bot or web) over the person, the party, the SKU, the cost and the very file; then the person must still be
allowed, now, and the party's quota of the day must not be used up.

What is left to one who can write the database with web's or bot's password: nothing; a row of his own has no seal, and
another SKU, party, cost or file under a seal breaks it. He may grant a role to somebody who is bound, delay a restock
or make it fail. One who has taken over the process itself has the seal key as well: he can put cards of his own making
on sale in any party's pool, for each party 60 files of 20,000 rows a day and 1,500,000 rows that were looked at, every
file audited under a member of staff and in a batch of its own that can be locked and recalled; and he learns for as
many guessed secrets whether that party brought them before (of 2⁴⁰ possible ones and ten thousand cards that is one hit
in six weeks). He never learns of the cards of others, whose copies are counted as added, and reads no card.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.custody.imports import import_sql as sql
from core.custody.imports.fingerprint import CardRule
from core.custody.imports.jobs import MOST_ROWS_AT_ONCE, ImportRefused
from core.custody.imports.once import OneJob
from core.custody.imports.preparing import Job
from core.custody.keychain.keys import OpenVault
from core.db import execute
from core.ids import new_id
from core.parties.rules import PartyKind, may_bring_stock
from core.secret import Secret
from core.vault.primitives import SealError
from core.vault.restocks import SealedRestock, restock_seal
from core.vault.seal import new_batch_key

FILES_A_DAY = 60
"""Of one party, whoever of its staff brings them; counted over jobs, which nobody but the vault writes."""

FACTS = f"""
SELECT r.id, r.staff_id, r.party_id, r.sku_id, r.unit_cost_micro, r.upload_id, u.sealed_key, r.conversation_id,
       r.asked_at, r.secret_column, r.seal, u.owner_id, u.file_name, u.complete, p.kind, p.status = 'active',
       s.disabled_at IS NULL, r.cancel_asked_at IS NOT NULL,
       ARRAY(SELECT x.role FROM staff_role x WHERE x.staff_id = r.staff_id AND x.party_id = r.party_id),
       k.issuer_id, k.trim, k.case_sensitive, k.card_shape = 'number_secret',
       coalesce(k.secret_bits < 40, false),
       k.archived_at IS NULL AND (o.kind = 'platform' OR o.id = r.party_id OR EXISTS (
           SELECT 1 FROM offer f WHERE f.sku_id = k.id AND f.seller_id = r.party_id
           AND f.valid_from <= %(now)s AND (f.valid_to IS NULL OR f.valid_to > %(now)s))),
       {sql.WAS_LOOKED_AT}
FROM restock r JOIN upload u ON u.id = r.upload_id JOIN party p ON p.id = r.party_id JOIN staff s ON s.id = r.staff_id
JOIN sku k ON k.id = r.sku_id JOIN product t ON t.id = k.product_id JOIN party o ON o.id = t.owner_id
WHERE r.id = %(restock)s AND r.state = 'asked'
"""  # noqa: S608 - a constant of this package
TURN = "SELECT pg_advisory_xact_lock(hashtextextended('restock of a party', %s))"
IN_A_DAY = """
SELECT count(*) FROM import_job j JOIN batch b ON b.id = j.batch_id
WHERE j.restock_id IS NOT NULL AND b.owner_id = %s AND j.created_at > %s::timestamptz - interval '1 day'
"""
LOST = "the file of this restock is lost"
TAKEN_BACK = "the import of this restock was taken back"
RESTOCKS = OneJob(
    sql.JOB_OF_RESTOCK, "import_job_restock_id_key", taken_back=TAKEN_BACK, given_up=LOST, taken_back_as="cancelled"
)


def restock_of(request: Mapping[str, Any]) -> UUID:
    """The restock that a request names. Raises `ImportRefused`."""
    try:
        return UUID(str(request.get("restock")))
    except ValueError:
        raise ImportRefused("the restock's id is no id") from None


def job_of_restock(vault: OpenVault, restock: UUID, *, now: datetime) -> Job:
    """The one job of a restock: as it stands, or begun now; whoever asks later gets the same.

    Raises `ImportRefused` (with its `problem` where it is for good), `FileRefused` of a job that was given up.
    """
    return RESTOCKS.of(vault, restock, lambda: _checked(vault, restock, now), now=now)


def lost() -> ImportRefused:
    """The sealed file is not there, not whole, or not the one that the seal names."""
    return ImportRefused(LOST, problem="lost")


def _checked(vault: OpenVault, restock: UUID, now: datetime) -> Job:
    rows = execute(FACTS, {"restock": restock, "now": now})
    if not rows:
        raise ImportRefused("nobody asks for this restock")
    sealed, (seal, owner, name, complete, kind, is_active, is_enabled, is_unwanted, roles) = (
        _asked(rows[0]),
        rows[0][10:19],
    )
    if is_unwanted:
        raise ImportRefused(TAKEN_BACK, problem="cancelled")
    if not _is_sealed(vault, sealed, bytes(seal)) or owner != sealed.party_id or not complete:
        raise lost()
    *rule, is_within_reach, was_looked_at = rows[0][19:]
    if not (is_active and is_enabled and may_bring_stock(kind, frozenset(roles)) and is_within_reach):
        raise ImportRefused("who asks may not bring these cards", problem="not_allowed")
    execute(TURN, (owner,))
    if execute(IN_A_DAY, (owner, now))[0][0] >= FILES_A_DAY:
        raise ImportRefused(f"the party has brought {FILES_A_DAY} files by chats within a day", problem="too_often")
    return Job(
        id=new_id(),
        upload=sealed.upload_id,
        upload_key=sealed.upload_key,
        file_name=name,
        column=sealed.column,
        batch=new_id(),
        batch_no=0,
        batch_key=new_batch_key(),
        sku_id=sealed.sku_id,
        issuer_id=rule[0],
        owner_id=owner,
        uploader_id=owner,
        terms="consigned" if kind == PartyKind.SUPPLIER else "own",
        unit_cost_micro=sealed.unit_cost_micro if kind == PartyKind.MERCHANT else 0,
        rule=CardRule(*rule[1:]),
        restock=restock,
        staff=sealed.staff_id,
        most_rows=None if was_looked_at else MOST_ROWS_AT_ONCE,
    )


def _asked(row: Sequence[Any]) -> SealedRestock:
    return SealedRestock(
        id=row[0],
        staff_id=row[1],
        party_id=row[2],
        sku_id=row[3],
        unit_cost_micro=row[4],
        upload_id=row[5],
        upload_key=bytes(row[6]),
        conversation_id=row[7],
        asked_at=row[8],
        column=row[9],
    )


def _is_sealed(vault: OpenVault, sealed: SealedRestock, seal: bytes) -> bool:
    try:
        return hmac.compare_digest(restock_seal(Secret(vault.keys.seal), sealed), seal)
    except SealError:
        return False
