"""Turns decoded rows into rows for the database: checked against the SKU's rule, sealed, fingerprinted, masked."""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from uuid import UUID

from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.tables import Row
from core.custody.imports.decoding import Decoded
from core.custody.imports.fingerprint import CardRule, fingerprint, kept_fields
from core.custody.keychain.keys import OpenVault
from core.ids import new_ids
from core.vault.client import RefusedRow
from core.vault.seal import CardSealer
from core.vault.shapes import description, shape

_NONCE = 12
_SLICE = 2000  # rows that are Python's objects at one time
# PostgreSQL's binary COPY, as sql.STAGE takes it: each value behind its length, a row behind its number of values.
_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_BEGINNING = struct.Struct(">hiiI16sI").pack
_LENGTH = struct.Struct(">I").pack
_DATE = struct.Struct(">Ii").pack
_COLUMNS, _NUMBER, _ID, _LONG_DATE = 6, 4, 16, 4
_PRINT = b"\x00\x00\x00\x20"
_EPOCH = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """One import: the batch that it fills, whose cards they are, how they are read, and how many rows are done.

    `owner_id` is whose pool the cards join, `uploader_id` who brought them; `unit_cost_micro` in 10⁻⁶ major units.
    What came by a chat has its `restock`, the member of `staff` who brought it, and may have `most_rows` and no more.
    """

    id: UUID
    upload: UUID
    upload_key: bytes
    file_name: str
    column: str | None
    batch: UUID
    batch_no: int
    batch_key: bytes
    sku_id: int
    issuer_id: int
    owner_id: int
    uploader_id: int
    terms: str
    unit_cost_micro: int
    rule: CardRule
    rows_done: int = 0
    restock: UUID | None = None
    staff: UUID | None = None
    most_rows: int | None = None


@dataclass(slots=True, repr=False)
class Chunk:
    """Rows ready for the database, as `COPY` takes them, and the refused ones with their number in the file."""

    rows: int
    copied: list[bytes] = field(default_factory=list)
    refused: list[tuple[int, RefusedRow]] = field(default_factory=list)

    @property
    def good(self) -> int:
        """How many of the rows are staged."""
        return self.rows - len(self.refused)


class Preparer:
    """Checks the rows of one file against the SKU's rule, seals, fingerprints and masks them.

    `fields` names the values of a row; `today` is the store's date, on which a card must still be valid.
    """

    def __init__(self, vault: OpenVault, job: Job, fields: Sequence[str], *, today: date) -> None:
        self._fields = tuple(fields)
        self._rule = job.rule
        self._key = vault.keys.fingerprint
        self._today = today.isoformat()
        self._seal = CardSealer(job.batch_key, vault=vault.vault_id, owner=job.owner_id, batch=job.batch).seal

    def chunk(self, rows: Iterator[Decoded], most: int, *, done: int) -> Chunk:
        """The next `most` rows, a slice at a time; `done` came before them."""
        chunk = Chunk(0, [_COPY_HEAD])
        while taken := list(islice(rows, min(_SLICE, most - chunk.rows))):
            chunk.copied.append(b"".join(self._copied(chunk, taken, done)))
            chunk.rows += len(taken)
        chunk.copied.append(_COPY_TAIL)
        return chunk

    def _copied(self, chunk: Chunk, rows: Sequence[Decoded], done: int) -> list[bytes]:
        nonces, cards = os.urandom(_NONCE * len(rows)), new_ids(len(rows))
        copied = list[bytes]()
        for place, row in enumerate(rows):
            number = chunk.rows + place
            if isinstance(row, Row):
                chunk.refused.append((done + number, _refused(row.place, row.problem, self._seen(row))))
                continue
            fields = kept_fields(dict(zip(self._fields, row[1:], strict=True)), self._rule)
            problem = self._problem(fields)
            if problem is not None:
                chunk.refused.append((done + number, _refused(f"row {row[0]}", problem, fields["secret"])))
                continue
            sealed = self._seal(nonces[_NONCE * place : _NONCE * (place + 1)], fields, cards[place])
            mask = shape(fields["secret"]).encode()
            copied += (
                _BEGINNING(_COLUMNS, _NUMBER, number, _ID, cards[place], len(sealed)),
                sealed,
                _PRINT,
                fingerprint(self._key, fields, self._rule),
                _LENGTH(len(mask)),
                mask,
                _copied_date(fields.get("expires", "")),
            )
        return copied

    def _problem(self, fields: dict[str, str]) -> RowProblem | None:
        if not fields["secret"]:
            return RowProblem.NO_SECRET
        end = fields.get("expires")
        return RowProblem.EXPIRED if end and end < self._today else None

    def _seen(self, row: Row) -> str:
        return kept_fields(row.fields, self._rule).get("secret", "")


def _refused(place: str, problem: RowProblem | None, seen: str) -> RefusedRow:
    return RefusedRow(place, problem.value if problem else "", description(seen) if seen else "")


@functools.lru_cache(maxsize=1024)
def _copied_date(iso: str) -> bytes:
    return _DATE(_LONG_DATE, (date.fromisoformat(iso) - _EPOCH).days) if iso else _NULL
