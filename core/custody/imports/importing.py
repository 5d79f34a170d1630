"""From a sealed upload to a signed batch on sale: exact counts, no half batch, and a job that outlives a kill -9.

Rows are taken in chunks; each chunk and its progress are one commit. A restart decodes the file again and skips the
rows that are done: decoding is deterministic, and a batch's data key is sealed before its first card.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import peewee

from core import db
from core.actor import OPERATOR, SYSTEM, Actor, ActorKind
from core.audit.service import append
from core.custody.imports import import_sql as sql
from core.custody.imports.decoding import Decoded, DecodedFile
from core.custody.imports.preparing import PRINT, Chunk, Job, Preparer
from core.custody.imports.purchases import book_purchase
from core.custody.imports.sealed_file import SealedFile
from core.custody.imports.vetting import Quota, quota_of
from core.custody.keychain.keys import OpenVault
from core.db import copy_in, execute, in_transaction, planned_each_time
from core.ids import Prefix, public
from core.messages.alerts import AlertKind, raise_alert_if
from core.vault.client import RefusedRow
from core.vault.primitives import SealError
from core.vault.seal import BatchStatement, batch_key_hash, sign_batch
from core.workbooks.problems import FileProblem, FileRefused

CHUNK_ROWS = 16_000
REFUSALS_SHOWN = 1000
Progress = Callable[[int, int], None]
Noted = Callable[[DecodedFile, Iterator[Decoded]], Iterator[Decoded]]
_ASKED = 4000
_TAKEN = ("card_seal_uploader", "card_seal_first")


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
    """Fills batches. A card whose end date has passed in the store's `zone` is refused; costs are in `currency`.

    A supplier who is not vetted may bring `unvetted_rows` a day.
    """

    vault: OpenVault
    zone: ZoneInfo
    currency: str
    now: Callable[[], datetime]
    unvetted_rows: int

    def run(self, job: Job, *, progress: Progress | None = None) -> Counts:
        """Import what is left of a job and put its batch on sale.

        Raises `FileRefused` (after the first chunk only `DecoderDied`, or for a workbook that is damaged further down),
        `SealError`, `AlreadyMoved`; what was stored until then stays, and the job can go on.
        """
        done, quota = job.rows_done, self._quota(job)
        with self._decoded(job) as (source, file), ThreadPoolExecutor(1, "sealing") as sealing:
            rows = islice(_no_more_than(job.most_rows, quota, file.decoded()), done, None)
            preparer = Preparer(self.vault, job, file.fields, today=self._today())

            def following(before: int) -> Chunk:
                return preparer.chunk(rows, CHUNK_ROWS, done=before)

            waiting = sealing.submit(following, done)
            while (chunk := waiting.result()).rows:
                before, done = done, done + chunk.rows
                waiting = sealing.submit(following, done)  # the next is sealed while this one is written
                self._store(job, chunk, quota, before=before, about=file.about)
                if progress:
                    progress(done, max(done, file.about))
        return self._finish(job, source.source_hash)

    def finish_early(self, job: Job, *, error: str) -> Counts:
        """Put the batch on sale with the rows that were stored; `error` says why the file was not read further."""
        try:
            source = SealedFile(self.vault, job.upload, job.upload_key).source_hash
        except SealError:  # the upload itself is damaged: nothing is said about where the cards came from
            source = b""
        return self._finish(job, source, error=error)

    def look(
        self, job: Job, progress: Progress | None = None, *, noted: Noted | None = None
    ) -> tuple[Counts, list[RefusedRow]]:
        """What an import would count, with nothing changed: the dry run; `noted` sees the rows. Raises `FileRefused`.

        Fingerprints are compared in a temporary table of this connection, which goes with it.
        """
        counts, refused = Counts(), list[RefusedRow]()
        of, quota = {"issuer": job.issuer_id, "uploader": job.uploader_id}, self._quota(job)
        with self._decoded(job) as (_, file), _looking():
            rows = _no_more_than(job.most_rows, quota, file.decoded())
            rows = noted(file, rows) if noted else rows
            preparer, done = Preparer(self.vault, job, file.fields, today=self._today()), 0
            while (chunk := preparer.chunk(rows, CHUNK_ROWS, done=done)).rows:
                with planned_each_time():
                    added = in_transaction(partial(_looked_at, chunk, quota, of))
                done += chunk.rows
                counts.added += added
                counts.duplicates += chunk.good - added
                counts.refused += len(chunk.refused)
                refused += [row for _, row in chunk.refused[: REFUSALS_SHOWN - len(refused)]]
                if progress:
                    progress(done, max(done, file.about))
        return counts, refused

    def _quota(self, job: Job) -> Quota | None:
        return quota_of(job, most=self.unvetted_rows, day=self._today())

    def _today(self) -> date:
        return self.now().astimezone(self.zone).date()

    @contextlib.contextmanager
    def _decoded(self, job: Job) -> Iterator[tuple[SealedFile, DecodedFile]]:
        source = SealedFile(self.vault, job.upload, job.upload_key)
        extension = job.file_name.rpartition(".")[2].lower() if "." in job.file_name else ""
        with DecodedFile(source, extension=extension, column=job.column) as file:
            yield source, file

    def _store(self, job: Job, chunk: Chunk, quota: Quota | None, *, before: int, about: int) -> None:
        now = self.now()
        of = {"batch_no": job.batch_no, "issuer": job.issuer_id, "uploader": job.uploader_id, "now": now}

        def write(*, alone: bool) -> None:
            execute(sql.CHUNKS_TURN_ALONE if alone else sql.CHUNKS_TURN, (job.issuer_id,))
            if quota:
                quota.take(chunk.rows)
            added = _added(chunk, of)
            if chunk.refused:
                numbers, rows = zip(*chunk.refused, strict=True)
                texts = [[getattr(row, name) for row in rows] for name in ("place", "reason", "shape")]
                execute(sql.ADD_REFUSALS, (job.id, list(numbers), *texts))
            progress = {"job": job.id, "before": before, "done": before + chunk.rows, "refused": len(chunk.refused)}
            progress |= {"about": about, "now": now}
            if not execute(sql.MOVE_JOB, progress | {"added": added, "duplicates": chunk.good - added}):
                raise AlreadyMoved

        with planned_each_time():
            try:
                in_transaction(partial(write, alone=False))
            except peewee.IntegrityError as error:
                if db.constraint(error) not in _TAKEN:
                    raise
                in_transaction(partial(write, alone=True))  # another import brought one of these cards meanwhile

    def _finish(self, job: Job, source_hash: bytes, *, error: str | None = None) -> Counts:
        def write() -> Counts:
            found = execute(sql.COUNTED, (job.id,))
            if not found:
                raise AlreadyMoved
            counts = Counts(*found[0])
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
            if job.request:
                execute(sql.KEEP_FOR_ITS_LINES, (job.batch_no,))
            execute(sql.FORGET_CHUNKS, (job.upload,))
            self._record(job, counts, error)
            self._say_contested(job, int(finished[0][0]))
            return counts

        return in_transaction(write)

    def _say_contested(self, job: Job, cards: int) -> None:
        """The platform must decide; nobody else hears of it, nor sees it in how long this takes."""
        subject, detail = public(Prefix.BATCH, job.batch), {"cards": cards}
        raise_alert_if(cards > 0, kind=AlertKind.CARDS_CONTESTED, subject=subject, detail=detail, now=self.now())

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
            actor=_who(job),
            action="batch.imported",
            object_kind="batch",
            object_id=job.batch,
            detail={"added": counts.added, "duplicates": counts.duplicates, "refused": counts.refused}
            | ({"not_read_to_its_end": error} if error else {}),
            party_id=job.owner_id,
            now=now,
        )


def _added(chunk: Chunk, of: Mapping[str, Any]) -> int:
    """How many cards of a chunk were new, contested ones among them; they are in the tables now."""
    mine, contested = set[int](), dict[int, UUID]()
    for begin in range(0, len(chunk.order), _ASKED):  # a chunk's at once would be copied several times on the way
        numbers = chunk.order[begin : begin + _ASKED]
        prints = chunk.prints[PRINT * begin : PRINT * (begin + _ASKED)]
        for n, is_mine, first in execute(sql.KNOWN, {**of, "prints": prints, "cards": len(numbers)}):
            if is_mine:
                mine.add(numbers[n])
            else:
                contested[numbers[n]] = first
    copy_in(sql.COPY_CARDS, chunk.cards(mine, contested))
    copy_in(sql.COPY_SEALS, chunk.seals(mine, contested))
    execute(sql.ADD_CONTESTED, {**of, "cards": chunk.ids(contested), "firsts": list(contested.values())})
    return len(chunk.order) - len(mine)


def _who(job: Job) -> Actor:
    if job.request:
        return SYSTEM
    return Actor(ActorKind.STAFF, id=job.staff, party_id=job.owner_id) if job.staff else OPERATOR


@contextlib.contextmanager
def _looking() -> Iterator[None]:
    with db.connection():  # the table lives as long as the connection is this one
        execute(sql.LOOKED)
        execute(sql.LOOKING)
        try:
            yield
        finally:
            with contextlib.suppress(peewee.PeeweeException):
                execute(sql.LOOKED)


def _looked_at(chunk: Chunk, quota: Quota | None, of: Mapping[str, int]) -> int:
    if quota:
        quota.take(chunk.rows)
    return int(execute(sql.LOOK, {**of, "prints": chunk.prints, "cards": len(chunk.order)})[0][0])


def _no_more_than(most: int | None, quota: Quota | None, rows: Iterator[Decoded]) -> Iterator[Decoded]:
    """The rows of a file that may have `most`, or what a quota leaves.

    Raises `FileRefused` for more, before the first is given away.
    """
    left = None if quota is None else max(0, quota.left)
    bounds = [bound for bound in (most, left) if bound is not None]
    if not bounds:
        return rows
    first = list(islice(rows, max(bounds) + 1))
    if most is not None and len(first) > most:
        raise FileRefused(FileProblem.TOO_MANY_ROWS)
    if quota and len(first) > min(bounds):
        raise quota.refusal()
    return iter(first)
