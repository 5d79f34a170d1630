"""Import jobs: what a request means in the tables, the batch it begins, and the jobs that a restart finds open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.custody.imports import import_sql as sql
from core.custody.imports.fingerprint import CardRule
from core.custody.imports.preparing import Job
from core.custody.keychain.keys import OpenVault
from core.db import atomic, changed, execute
from core.ids import new_id
from core.vault.seal import BatchContext, new_batch_key, open_batch_key, seal_batch_key


class ImportRefused(Exception):
    """The request does not fit the tables; the text says what to mend, naming codes only.

    `problem` is set for a restock that is refused for good (`core.conversations.restocking.RestockProblem`).
    """

    def __init__(self, text: str, *, problem: str = "") -> None:
        super().__init__(text)
        self.problem = problem

    @property
    def params(self) -> dict[str, str]:
        """What goes over the socket beside the text."""
        return {"problem": self.problem} if self.problem else {}


IMPORTS_AT_ONCE = 4
"""Of one party: more of them only wait for each other, and hold the vault's threads."""

MOST_ROWS_AT_ONCE = 20_000
"""Of one file that the vault has not looked at before (`core.custody.imports.looking`): by a chat, or pasted. They are
one chunk, so that a file with more is refused before its first row is stored."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An import request as it came over the socket."""

    upload: UUID
    sku: str
    merchant: str | None
    supplier: str | None
    terms: str | None
    unit_cost_micro: int
    column: str | None
    dry_run: bool


def wanted(request: Mapping[str, Any]) -> Wanted:
    """Read a request. Raises `ImportRefused` for anything that is not of its shape."""
    texts = {name: request.get(name) for name in ("merchant", "supplier", "terms", "column")}
    sku, cost = request.get("sku"), request.get("unit_cost_micro", 0)
    sound = isinstance(sku, str) and type(cost) is int and 0 <= cost <= 10**15
    if not sound or any(value is not None and not isinstance(value, str) for value in texts.values()):
        raise ImportRefused("the request is not one: SKU, codes and unit cost have other types")
    try:
        upload = UUID(str(request.get("upload")))
    except ValueError:
        raise ImportRefused("the upload's id is no id") from None
    return Wanted(upload, str(sku), unit_cost_micro=cost, dry_run=request.get("dry_run") is True, **texts)


def begin(vault: OpenVault, asked: Wanted, *, now: datetime) -> Job:
    """Make the batch (not on sale) and the job of a request; for a dry run only the job, with nothing written.

    Raises `ImportRefused`.
    """
    job = _described(vault, asked)
    return job if asked.dry_run else begun(vault, job, now=now)


def begun(vault: OpenVault, job: Job, *, now: datetime) -> Job:
    """Write a job and its batch (not on sale) down, with the batch's number from then on.

    Raises `ImportRefused` when its party has too many under way.
    """
    sealed_key = seal_batch_key(vault.keys.public, job.batch_key, BatchContext(vault.vault_id, job.batch))
    supplier = job.uploader_id if job.terms != "own" else None
    with atomic():
        execute(sql.PARTYS_TURN, (job.uploader_id,))
        if execute(sql.UNDER_WAY, (job.uploader_id,))[0][0] >= IMPORTS_AT_ONCE:
            raise ImportRefused(f"{IMPORTS_AT_ONCE} imports of this party are under way: wait for one, or cancel one")
        rows = execute(
            sql.BEGIN_BATCH,
            {
                "batch": job.batch,
                "owner": job.owner_id,
                "supplier": supplier,
                "sku": job.sku_id,
                "terms": job.terms,
                "unit_cost": job.unit_cost_micro,
                "upload": job.upload,
                "name": job.file_name,
                "key_id": vault.keys.key_id,
                "sealed_key": sealed_key,
                "job": job.id,
                "column": job.column,
                "restock": job.restock,
                "request": job.request,
                "now": now,
            },
        )
    return replace(job, batch_no=int(rows[0][0]))


def give_up(job: Job, *, error: str, now: datetime) -> bool:
    """End a job whose file was refused before its first row was stored: no card of it exists.

    False, and nothing changed, where it does not run any more: somebody took it back meanwhile.
    """
    with atomic():
        if not changed(
            "UPDATE import_job SET state = 'failed', error = %s, finished_at = %s WHERE id = %s AND state = 'running'",
            (error, now, job.id),
        ):
            return False
        changed(
            "UPDATE batch SET state = 'abandoned', reason = %s WHERE id = %s AND state = 'importing'",
            (error, job.batch),
        )
        execute(sql.FORGET_CHUNKS, (job.upload,))
    return True


def left_behind(vault: OpenVault, row: Sequence[Any]) -> Job:
    """A row of `sql.UNFINISHED_JOBS` or `JOB_OF_RESTOCK` as a job that is ready to go on. Raises `SealError`."""
    batch = row[2]
    return Job(
        id=row[0],
        upload=row[1],
        upload_key=bytes(row[12]),
        file_name=row[11],
        column=row[3],
        batch=batch,
        batch_no=row[5],
        batch_key=vault.keys.ring.opened(
            lambda private: open_batch_key(private, bytes(row[13]), BatchContext(vault.vault_id, batch))
        ),
        sku_id=row[8],
        issuer_id=row[14],
        owner_id=row[6],
        uploader_id=row[7] or row[6],
        terms=row[9],
        unit_cost_micro=row[10],
        rule=CardRule(*row[15:19]),
        rows_done=row[4],
        restock=row[19],
        staff=row[20],
        most_rows=MOST_ROWS_AT_ONCE if row[19] and not row[22] else None,
        request=row[21],
    )


def _described(vault: OpenVault, asked: Wanted) -> Job:
    named = {"upload": asked.upload, "sku": asked.sku, "merchant": asked.merchant, "supplier": asked.supplier}
    rows = execute(sql.IMPORT_FACTS, named)
    if not rows or not rows[0][2]:
        raise ImportRefused("there is no finished upload with this id")
    owner, name, _, upload_key, sku, issuer, *rule, merchant, supplier = rows[0]
    if sku is None:
        raise ImportRefused(f"there is no SKU {asked.sku}")
    if merchant is None:
        raise ImportRefused(f"there is no merchant {asked.merchant or '(default)'}")
    if asked.supplier is not None and supplier is None:
        raise ImportRefused(f"there is no supplier {asked.supplier}")
    terms = _terms(asked)
    pool = supplier if terms == "consigned" else merchant
    if owner != pool:
        raise ImportRefused("the upload belongs to another party")
    return Job(
        id=new_id(),
        upload=asked.upload,
        upload_key=bytes(upload_key),
        file_name=name,
        column=asked.column,
        batch=new_id(),
        batch_no=0,
        batch_key=new_batch_key(),
        sku_id=sku,
        issuer_id=issuer,
        owner_id=pool,
        uploader_id=supplier or merchant,
        terms=terms,
        unit_cost_micro=asked.unit_cost_micro,
        rule=CardRule(*rule),
    )


def _terms(asked: Wanted) -> str:
    if asked.terms not in (None, "owned", "consigned"):
        raise ImportRefused("terms are owned or consigned")
    if asked.supplier is None:
        if asked.terms == "consigned":
            raise ImportRefused("consigned cards have a supplier: name it")
        return "own"
    return asked.terms or "consigned"
