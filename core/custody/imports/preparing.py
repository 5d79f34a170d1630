"""Turns decoded rows into rows for the database: checked against the SKU's rule, sealed, fingerprinted, masked."""

from __future__ import annotations

import functools
import os
import struct
from array import array
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, islice
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
_PRINT = 32
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
_PRINT_FOLLOWS = _LENGTH(_PRINT)
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


class _Rows:
    """Rows of a table, one behind the other, as `COPY` takes them."""

    __slots__ = ("_ends", "_joined")

    def __init__(self) -> None:
        self._joined = bytearray()
        self._ends = array("L", (0,))

    def add(self, rows: Sequence[bytes]) -> None:
        self._joined += b"".join(rows)
        self._ends.extend(list(accumulate(map(len, rows), initial=self._ends[-1]))[1:])

    def copied(self, numbers: Iterable[int], others: Container[int], end: bytes, other_end: bytes) -> Iterator[bytes]:
        """Those of these numbers, in that order; the `others` with `other_end` in the place of their `end`."""
        view, ends, left = memoryview(self._joined), self._ends, iter(numbers)
        yield _COPY_HEAD
        while some := list(islice(left, _TOGETHER)):
            rows = list[bytes | memoryview]()
            for n in some:
                if n in others:
                    rows += (view[ends[n] : ends[n + 1] - len(end)], other_end)
                else:
                    rows.append(view[ends[n] : ends[n + 1]])
            yield b"".join(rows)
        yield _COPY_TAIL


class Chunk:
    """Rows ready for the database, as `COPY` takes them, and the refused ones with their number in the file.

    `order`: numbers of the good rows (from 0), in the order of their fingerprints; of rows with one fingerprint the
    first. `good`: how many there are, with those that repeat another.
    """

    __slots__ = ("_cards", "_ids", "_prints", "_seals", "order", "refused", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.refused = list[tuple[int, RefusedRow]]()
        self.order = list[int]()
        self._ids = list[bytes]()
        self._prints = list[bytes]()
        self._cards, self._seals = _Rows(), _Rows()

    @property
    def good(self) -> int:
        return self.rows - len(self.refused)

    @property
    def prints(self) -> bytes:
        """The fingerprints, 32 bytes each, in `order`."""
        return b"".join([self._prints[n] for n in self.order])

    def card(self, n: int) -> UUID:
        """The id of a card."""
        return UUID(bytes=self._ids[n])

    def add(
        self, ids: Sequence[bytes], prints: Sequence[bytes], cards: Sequence[bytes], seals: Sequence[bytes]
    ) -> None:
        """Take further good rows: ids, fingerprints, and rows of both tables."""
        self._ids += ids
        self._prints += prints
        self._cards.add(cards)
        self._seals.add(seals)

    def put_in_order(self) -> None:
        """Once its rows are all there."""
        prints, last = self._prints, b""
        for n in sorted(range(len(prints)), key=prints.__getitem__):  # stable: the first of the same stays first
            if prints[n] != last:
                self.order.append(n)
            last = prints[n]

    def cards(self, left_out: Container[int], contested: Container[int]) -> Iterator[bytes]:
        """For `sql.COPY_CARDS`, in the file's order."""
        return self._cards.copied(self._but(sorted(self.order), left_out), contested, _FOR_SALE, _KEPT_ASIDE)

    def seals(self, left_out: Container[int], contested: Container[int]) -> Iterator[bytes]:
        """For `sql.COPY_SEALS`, in the order of fingerprints: two imports of the same cards deadlock otherwise."""
        return self._seals.copied(self._but(self.order, left_out), contested, _NO, _YES)

    def _but(self, numbers: Iterable[int], left_out: Container[int]) -> Iterator[int]:
        return (n for n in numbers if n not in left_out)


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
        self._whose = _WHOSE(4, job.batch_no, 8, job.owner_id, 8, job.sku_id)
        self._whose_seal = _WHOSE_SEAL(8, job.issuer_id, 8, job.uploader_id) + _NO

    def chunk(self, rows: Iterator[Decoded], most: int, *, done: int) -> Chunk:
        """The next `most` rows, a slice at a time; `done` came before them."""
        chunk = Chunk()
        while taken := list(islice(rows, min(_SLICE, most - chunk.rows))):
            self._take(chunk, taken, done)
            chunk.rows += len(taken)
        chunk.put_in_order()
        return chunk

    def _take(self, chunk: Chunk, rows: Sequence[Decoded], done: int) -> None:
        nonces, fresh = os.urandom(_NONCE * len(rows)), new_ids(len(rows))
        ids, prints, cards, seals = list[bytes](), list[bytes](), list[bytes](), list[bytes]()
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
            card, number = fresh[place], fingerprint(self._key, fields, self._rule)
            sealed = self._seal(nonces[_NONCE * place : _NONCE * (place + 1)], fields, card)
            mask, ends = _copied_mask(shape(fields["secret"])), _copied_date(fields.get("expires", ""))
            ids.append(card)
            prints.append(number)
            cards.append(b"".join((_CARD, card, self._whose, mask, ends, _FOR_SALE)))
            seals.append(
                b"".join((_SEAL, card, _LENGTH(len(sealed)), sealed, _PRINT_FOLLOWS, number, self._whose_seal))
            )
        chunk.add(ids, prints, cards, seals)

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
