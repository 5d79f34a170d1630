"""Turns decoded rows into rows for the database: checked against the SKU's rule, sealed, fingerprinted, masked."""

from __future__ import annotations

import functools
import os
import struct
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, chain, islice
from typing import NamedTuple
from uuid import UUID

from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.tables import Row
from core.custody.imports.decoding import Decoded
from core.custody.imports.fingerprint import CardRule, Place, fingerprint, kept_fields
from core.custody.keychain.keys import OpenVault
from core.ids import new_ids
from core.vault.client import RefusedRow
from core.vault.seal import CardSealer
from core.vault.shapes import description, shape

_NONCE = 12
_SLICE = 500  # rows that are Python's objects at one time
PRINT, _ID = 32, 16
_EPOCH = date(2000, 1, 1)
# PostgreSQL's binary COPY, as sql.COPY_CARDS and sql.COPY_SEALS take it: each value behind its length, a row behind its
# number of values. What may change once the database was asked stands at a row's end.
_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">I").pack
_DATE = struct.Struct(">Ii").pack
_CARD, _SEAL = b"\x00\x08\x00\x00\x00\x10", b"\x00\x06\x00\x00\x00\x10"
_WHOSE = struct.Struct(">IiIqIq").pack
_WHOSE_SEAL = struct.Struct(">IqIq").pack
_PRINT_FOLLOWS = _LENGTH(PRINT)
_NO, _YES = b"\x00\x00\x00\x01\x00", b"\x00\x00\x00\x01\x01"
_FOR_SALE = _LENGTH(4) + b"free" + _NO
_KEPT_ASIDE = _LENGTH(11) + b"quarantined" + _YES
_TOGETHER = 1000  # rows that are sent in one piece


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """One import: the batch that it fills, whose cards they are, how they are read, and how many rows are done.

    `owner_id` is whose pool the cards join, `uploader_id` who brought them; `unit_cost_micro` in 10⁻⁶ major units.
    What came by a chat has its `restock` and the member of `staff` who brought it, what a supplier answered its
    `request`; either may have `most_rows` and no more.
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
    request: UUID | None = None


class Chunk:
    """Rows ready for the database, as `COPY` takes them, and the refused ones with their number in the file.

    `order`: numbers of the good rows (from 0), in the order of their fingerprints; of rows with one fingerprint the
    first. `good`: how many there are, with those that repeat another. `prints`: the fingerprints in that order, 32
    bytes each. What is the same in every row of a table (`whose`) is put in when it is copied; the rest lies in pieces
    of a slice: objects of their own, and buffers that grow, would keep the memory of all that comes and goes.
    """

    def __init__(self, whose: bytes, whose_seal: bytes) -> None:
        self.rows = 0
        self.refused = list[tuple[int, RefusedRow]]()
        self.order, self.prints = array("I"), b""
        self._whose, self._whose_seal = whose, whose_seal
        self._ids, self._prints, self._repeats = list[bytes](), list[bytes](), set[int]()
        self._masks, self._days = list[bytes](), list[bytes]()  # mostly the same few
        self._sealed, self._slice, self._ends = list[memoryview](), array("H"), array("I")

    @property
    def good(self) -> int:
        return self.rows - len(self.refused)

    def ids(self, numbers: Iterable[int]) -> list[UUID]:
        """The ids of these cards."""
        ids = b"".join(self._ids)
        return [UUID(bytes=ids[_ID * n : _ID * (n + 1)]) for n in numbers]

    def take(self, rows: Sequence[_Ready]) -> None:
        """A slice of further good rows."""
        self._ids.append(b"".join([row.id for row in rows]))
        self._prints.append(b"".join([row.print for row in rows]))
        self._masks += [row.mask for row in rows]
        self._days += [row.day for row in rows]
        self._slice.extend([len(self._sealed)] * len(rows))
        self._ends.extend(accumulate([len(row.sealed) for row in rows]))
        self._sealed.append(memoryview(b"".join([row.sealed for row in rows])))

    def put_in_order(self) -> None:
        """Once its rows are all there."""
        prints = [one for (one,) in struct.iter_unpack("32s", b"".join(self._prints))]
        last = b""
        for n in sorted(range(len(prints)), key=prints.__getitem__):  # stable: the first of the same stays first
            if prints[n] == last:
                self._repeats.add(n)
            else:
                self.order.append(n)
            last = prints[n]
        self.prints = b"".join([prints[n] for n in self.order])
        self._prints.clear()

    def cards(self, left_out: Container[int], contested: Container[int]) -> Iterator[bytes]:
        """For `sql.COPY_CARDS`, in the file's order."""
        ids = memoryview(b"".join(self._ids))

        def row(n: int) -> tuple[Buffer, ...]:
            end = _KEPT_ASIDE if n in contested else _FOR_SALE
            return _CARD, ids[_ID * n : _ID * (n + 1)], self._whose, self._masks[n], self._days[n], end

        every = range(len(self._masks))
        return _copied(row, (n for n in every if n not in left_out and n not in self._repeats))

    def seals(self, left_out: Container[int], contested: Container[int]) -> Iterator[bytes]:
        """For `sql.COPY_SEALS`, in the order of fingerprints: two imports of the same cards deadlock otherwise."""
        ids, prints = memoryview(b"".join(self._ids)), memoryview(self.prints)

        def row(place: int) -> tuple[Buffer, ...]:
            n = self.order[place]
            sealed, end = self._sealed_of(n), _YES if n in contested else _NO
            before = _SEAL, ids[_ID * n : _ID * (n + 1)], _LENGTH(len(sealed)), sealed
            return *before, _PRINT_FOLLOWS, prints[PRINT * place : PRINT * (place + 1)], self._whose_seal, end

        return _copied(row, (place for place, n in enumerate(self.order) if n not in left_out))

    def _sealed_of(self, n: int) -> memoryview:
        where = self._slice[n]
        start = self._ends[n - 1] if n and self._slice[n - 1] == where else 0
        return self._sealed[where][start : self._ends[n]]


Buffer = bytes | memoryview


class _Ready(NamedTuple):
    """A good row: its card's id, sealed fields and fingerprint; mask and last day as they are copied."""

    id: bytes
    print: bytes
    mask: bytes
    day: bytes
    sealed: bytes


def _copied(row: Callable[[int], tuple[Buffer, ...]], numbers: Iterable[int]) -> Iterator[bytes]:
    left = iter(numbers)
    yield _COPY_HEAD
    while some := list(islice(left, _TOGETHER)):
        yield b"".join(chain.from_iterable(map(row, some)))
    yield _COPY_TAIL


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
        self._place = Place(job.sku_id, job.uploader_id)
        self._whose = _WHOSE(4, job.batch_no, 8, job.owner_id, 8, job.sku_id)
        self._whose_seal = _WHOSE_SEAL(8, job.issuer_id, 8, job.uploader_id)

    def chunk(self, rows: Iterator[Decoded], most: int, *, done: int) -> Chunk:
        """The next `most` rows, a slice at a time; `done` came before them."""
        chunk = Chunk(self._whose, self._whose_seal)
        while taken := list(islice(rows, min(_SLICE, most - chunk.rows))):
            self._take(chunk, taken, done)
            chunk.rows += len(taken)
        chunk.put_in_order()
        return chunk

    def _take(self, chunk: Chunk, rows: Sequence[Decoded], done: int) -> None:
        nonces, fresh, ready = os.urandom(_NONCE * len(rows)), new_ids(len(rows)), list[_Ready]()
        for place, row in enumerate(rows):
            if isinstance(row, Row):
                refused = _refused(row.place, row.problem, self._seen(row))
                chunk.refused.append((done + chunk.rows + place, refused))
                continue
            fields = kept_fields(dict(zip(self._fields, row[1:], strict=True)), self._rule)
            problem = self._problem(fields)
            if problem is not None:
                refused = _refused(f"row {row[0]}", problem, fields["secret"])
                chunk.refused.append((done + chunk.rows + place, refused))
                continue
            card, number = fresh[place], fingerprint(self._key, fields, self._rule, self._place)
            sealed = self._seal(nonces[_NONCE * place : _NONCE * (place + 1)], fields, card)
            mask, day = _copied_mask(shape(fields["secret"])), _copied_date(fields.get("expires", ""))
            ready.append(_Ready(card, number, mask, day, sealed))
        chunk.take(ready)

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
def _copied_mask(mask: str) -> bytes:
    raw = mask.encode()
    return _LENGTH(len(raw)) + raw


@functools.lru_cache(maxsize=1024)
def _copied_date(iso: str) -> bytes:
    return _DATE(4, (date.fromisoformat(iso) - _EPOCH).days) if iso else _NULL
