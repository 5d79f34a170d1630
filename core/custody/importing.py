"""From a sealed upload to a signed batch on sale: exact counts, no half batch, and a job that outlives a kill -9.

Rows are taken in chunks; each chunk and its progress are one commit. A restart decodes the file again and skips the
rows that are done: decoding is deterministic, and a batch's data key is sealed before its first card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.actor import OPERATOR, Actor, ActorKind
from core.audit.service import append
from core.custody import sql
from core.custody.decoder.problems import FileProblem, FileRefused
from core.custody.decoder.tables import Row
from core.custody.decoding import DecodedFile
from core.custody.keys import OpenVault
from core.custody.preparing import Chunk, Job, prepare
from core.custody.purchases import book_purchase
from core.db import execute, in_transaction
from core.vault.chunks import open_chunks
from core.vault.client import RefusedRow
from core.vault.primitives import SealError
from core.vault.seal import BatchStatement, batch_key_hash, sign_batch

CHUNK_ROWS = 20_000
REFUSALS_SHOWN = 1000
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Counts:
    """What became of the rows so far."""

    added: int = 0
    duplicates: int = 0
    refused: int = 0


class AlreadyMoved(Exception):
    """Another process went on with this job; ours stops without a trace."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Fills batches. A card whose end date has passed in the store's `zone` is refused; costs are in `currency`."""

    vault: OpenVault
    zone: ZoneInfo
    currency: str
    now: Callable[[], datetime]

    def run(self, job: Job, *, progress: Progress | None = None) -> Counts:
        """Import what is left of a job and put its batch on sale.

        Raises `FileRefused` (after the first chunk only `DecoderDied`, or for a workbook that is damaged further down),
        `SealError`, `AlreadyMoved`; what was stored until then stays, and the job can go on.
        """
        source = hashlib.sha256()
        today = self.now().astimezone(self.zone).date()
        done = job.rows_done
        with self._decoded(job, source.update) as file, ThreadPoolExecutor(1, "sealing") as sealing:
            rows = islice(_no_more_than(job.most_rows, file.rows()), done, None)

            def following(before: int) -> tuple[Chunk, int]:
                taken = list(islice(rows, CHUNK_ROWS))
                return prepare(self.vault, job, taken, done=before, today=today), len(taken)

            waiting = sealing.submit(following, done)
            while (ready := waiting.result())[1]:
                chunk, count = ready
                waiting = sealing.submit(following, done + count)  # the next is sealed while this one is written
                self._store(job, chunk, before=done, count=count)
                done += count
                if progress:
                    progress(done, max(done, file.about))
        return self._finish(job, source.digest())

    def finish_early(self, job: Job, *, error: str) -> Counts:
        """Put the batch on sale with the rows that were stored; `error` says why the file was not read further."""
        return self._finish(job, self._source_hash(job), error=error)

    def _source_hash(self, job: Job) -> bytes:
        source, vault = hashlib.sha256(), self.vault
        try:
            for block in open_chunks(
                _sealed_chunks(job.upload),
                privates=vault.keys.ring.privates,
                sealed_key=job.upload_key,
                vault=vault.vault_id,
                upload=job.upload,
            ):
                source.update(block)
        except SealError:  # the upload itself is damaged: nothing is said about where the cards came from
            return b""
        return source.digest()

    def look(self, job: Job) -> tuple[Counts, list[RefusedRow]]:
        """What an import would count, with nothing changed: the dry run. Raises `FileRefused`."""
        counts, refused, seen = Counts(), list[RefusedRow](), set[bytes]()
        today = self.now().astimezone(self.zone).date()
        with self._decoded(job, lambda _: None) as file:
            rows = file.rows()
            while taken := list(islice(rows, CHUNK_ROWS)):
                chunk = prepare(self.vault, job, taken, done=0, today=today)
                known = execute(sql.KNOWN_PRINTS, (job.uploader_id, job.issuer_id, chunk.prints))
                fresh = set(chunk.prints) - seen - {bytes(row[0]) for row in known}
                seen.update(chunk.prints)
                counts.added += len(fresh)
                counts.duplicates += len(chunk.prints) - len(fresh)
                counts.refused += len(chunk.refused)
                refused += [row for _, row in chunk.refused]
        return counts, refused[:REFUSALS_SHOWN]

    def _decoded(self, job: Job, hashed: Callable[[bytes], None]) -> DecodedFile:
        def plain() -> Iterator[bytes]:
            vault = self.vault
            sealed = _sealed_chunks(job.upload)
            for block in open_chunks(
                sealed,
                privates=vault.keys.ring.privates,
                sealed_key=job.upload_key,
                vault=vault.vault_id,
                upload=job.upload,
            ):
                hashed(block)
                yield block

        extension = job.file_name.rpartition(".")[2].lower() if "." in job.file_name else ""
        return DecodedFile(plain(), extension=extension, column=job.column)

    def _store(self, job: Job, chunk: Chunk, *, before: int, count: int) -> None:
        owner: dict[str, Any] = {"batch_no": job.batch_no, "owner": job.owner_id, "sku": job.sku_id}
        owner |= {"issuer": job.issuer_id, "uploader": job.uploader_id, "now": self.now()}
        every = list(range(len(chunk.ids)))

        def write() -> None:
            execute(sql.PLAN_EACH_CHUNK)
            new = {row[0] for row in execute(sql.ADD_CARDS, owner | chunk.columns(every))} if every else set()
            left = [place for place in every if chunk.ids[place] not in new]
            contested = execute(sql.ADD_CONTESTED, owner | chunk.columns(left))[0][0] if left else 0
            if chunk.refused:
                numbers, rows = zip(*chunk.refused, strict=True)
                texts = [[getattr(row, name) for row in rows] for name in ("place", "reason", "shape")]
                execute(sql.ADD_REFUSALS, (job.id, list(numbers), *texts))
            added = len(new) + int(contested)
            progress = {"job": job.id, "before": before, "done": before + count, "refused": len(chunk.refused)}
            if not execute(sql.MOVE_JOB, progress | {"added": added, "duplicates": len(every) - added}):
                raise AlreadyMoved

        in_transaction(write)

    def _finish(self, job: Job, source_hash: bytes, *, error: str | None = None) -> Counts:
        def write() -> Counts:
            counts = Counts(*execute("SELECT added, duplicates, refused FROM import_job WHERE id = %s", (job.id,))[0])
            finished = execute(
                sql.FINISH_BATCH,
                {
                    "batch_no": job.batch_no,
                    "state": "selling" if counts.added else "abandoned",
                    "source_hash": source_hash,
                    "signature": self._signature(job, counts.added, source_hash),
                    "count": counts.added,
                    "job": job.id,
                    "error": error,
                    "now": self.now(),
                },
            )
            if not finished:
                raise AlreadyMoved
            execute(sql.FORGET_CHUNKS, (job.upload,))
            self._record(job, counts, error)
            return counts

        return in_transaction(write)

    def _signature(self, job: Job, count: int, source_hash: bytes) -> bytes:
        statement = BatchStatement(
            vault=self.vault.vault_id,
            batch=job.batch,
            sku=job.sku_id,
            owner=job.owner_id,
            count=count,
            source_hash=source_hash,
            batch_key_hash=batch_key_hash(job.batch_key, job.batch),
        )
        return sign_batch(self.vault.keys.sign, statement)

    def _record(self, job: Job, counts: Counts, error: str | None) -> None:
        cost, now = job.unit_cost_micro * counts.added, self.now()
        book_purchase(
            batch=job.batch, owner_id=job.owner_id, terms=job.terms, cost_micro=cost, currency=self.currency, now=now
        )
        append(
            actor=Actor(ActorKind.STAFF, id=job.staff, party_id=job.owner_id) if job.staff else OPERATOR,
            action="batch.imported",
            object_kind="batch",
            object_id=job.batch,
            detail={"added": counts.added, "duplicates": counts.duplicates, "refused": counts.refused}
            | ({"not_read_to_its_end": error} if error else {}),
            party_id=job.owner_id,
            now=now,
        )


def _sealed_chunks(upload: UUID) -> Iterator[bytes]:
    number = 0
    while rows := execute(sql.UPLOAD_CHUNK, (upload, number)):
        yield bytes(rows[0][0])
        number += 1


def _no_more_than(most: int | None, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a file that may have `most`. Raises `FileRefused` for more, before the first is given away."""
    if most is None:
        return rows
    first = list(islice(rows, most + 1))
    if len(first) > most:
        raise FileRefused(FileProblem.TOO_MANY_ROWS)
    return iter(first)
