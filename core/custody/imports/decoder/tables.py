"""From a file to its rows: which format, which header, which cell is which field, what is wrong with a row."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from typing import BinaryIO

from core.custody.imports.decoder import columns as headers
from core.custody.imports.decoder.columns import FIELDS, HEADER_WITHIN, Columns
from core.custody.imports.decoder.dates import date_of_serial, end_date
from core.custody.imports.decoder.encodings import Text, text_of
from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.records import SEPARATORS, Splitter, lines
from core.workbooks.archive import Archive, is_zip, refuse_other_kinds
from core.workbooks.problems import FileProblem, FileRefused
from core.workbooks.records import CellKind, Record
from core.workbooks.sheet import FirstSheet, address

LONGEST_FIELD = 8192  # characters
MOST_ROWS = 1_500_000  # a sheet cannot have more than 1,048,576
_HEAD = 1024 * 1024  # characters in which the header is looked for
_WHOLE_LINE = Columns({"secret": 0}, ("",))
_PROBLEM_OF = {
    CellKind.NUMBER: RowProblem.NUMERIC_CELL,
    CellKind.DATE: RowProblem.DATE_CELL,
    CellKind.BOOLEAN: RowProblem.BOOLEAN_CELL,
    CellKind.ERROR: RowProblem.ERROR_CELL,
    CellKind.FORMULA: RowProblem.FORMULA_CELL,
}
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_NO_DATES = (CellKind.FORMULA, CellKind.BOOLEAN, CellKind.ERROR)


@dataclass(slots=True, repr=False)
class Row:
    """One row as decoded: a good one has the table's `fields` and no `problem`; `where` is the cell of a bad one."""

    number: int
    fields: dict[str, str] = field(default_factory=dict)
    problem: RowProblem | None = None
    where: str = ""

    @property
    def place(self) -> str:
        """Where people find it."""
        return self.where or f"row {self.number}"


@dataclass(slots=True, repr=False)
class Table:
    """A decoded file: how it was read, which columns were taken, and its rows (blank ones left out)."""

    format: str  # workbook | text
    encoding: str
    columns: Columns
    rows: Iterator[Row]
    about: int  # how many rows there are, for a progress bar
    separator: str = ""  # between the columns of a text

    @property
    def fields(self) -> tuple[str, ...]:
        """What a good row has, in this order; empty where its cell is."""
        return tuple(name for name in FIELDS if name in self.columns.places)


def decode(file: BinaryIO, *, extension: str, column: str | None) -> Table:
    """Read a file. `extension` is the lower-case end of its name without the dot, `column` the name asked for.

    Raises `FileRefused`, for the file as a whole and before its first row.
    """
    refuse_other_kinds(file, named_workbook=extension in ("xlsx", "xlsm"))
    if is_zip(file):
        return _workbook(file, column)
    text = text_of(file)
    if text.is_blank:
        raise FileRefused(FileProblem.EMPTY)
    _check_rows(text.lines)
    records, columns, separator = _columns_of_text(text, file, extension, column)
    return Table("text", text.encoding, columns, _rows(records, columns), text.lines, separator)


def _check_rows(count: int) -> None:
    if count > MOST_ROWS:
        raise FileRefused(FileProblem.TOO_MANY_ROWS, most=MOST_ROWS)


def _workbook(file: BinaryIO, column: str | None) -> Table:
    sheet = FirstSheet(Archive(file))
    about = sheet.count()  # to its end first: a damaged file must not be half imported
    _check_rows(about)
    records = sheet.records()
    head = list(islice((record for record in records if not record.is_blank()), HEADER_WITHIN))
    if not head:
        raise FileRefused(FileProblem.EMPTY)
    at, columns = _header_among(head, column)
    following = chain(head[at + 1 :] if at is not None else head, records)
    return Table("workbook", "", columns, _rows(following, columns, from_1904=sheet.from_1904), about)


def _header_among(head: list[Record], column: str | None) -> tuple[int | None, Columns]:
    at = headers.find_header([record.cells for record in head], column, lone_lines=False)
    if at is not None:
        return at, headers.map_columns(head[at].cells, column)
    width = max(len(record.cells) for record in head)
    columns = _WHOLE_LINE if width == 1 else headers.column_by_position(column, width)
    if columns is None:
        raise FileRefused(FileProblem.HEADER_MISSING, columns=width)
    return None, columns


def _columns_of_text(
    text: Text, file: BinaryIO, extension: str, column: str | None
) -> tuple[Iterable[Record], Columns, str]:
    lone_lines = extension not in ("csv", "tsv")
    beginning = _beginning(text.pieces(file))
    best: tuple[int, Splitter, Record] | None = None
    for separator in SEPARATORS:
        splitter = Splitter(separator)
        head = list(islice((record for record in splitter.of(beginning) if not record.is_blank()), HEADER_WITHIN))
        at = headers.find_header([record.cells for record in head], column, lone_lines=lone_lines)
        if at is not None and (best is None or headers.known_columns(head[at].cells) > best[0]):
            best = (headers.known_columns(head[at].cells), splitter, head[at])
    if best:
        _, splitter, header = best
        columns = headers.map_columns(header.cells, column)
        if columns.width == 1 and lone_lines:
            return (record for record in lines(text.pieces(file)) if record.number > header.number), columns, ""
        behind = _behind(text.pieces(file), header.end)
        following = splitter.records(behind, number=header.number + header.span, width=columns.width)
        return following, columns, splitter.separator
    if lone_lines and column is None:
        return lines(text.pieces(file)), _WHOLE_LINE, ""
    return _without_header(text, file, beginning, extension, column)


def _beginning(pieces: Iterator[str]) -> str:
    """The start of a text, up to the end of a line."""
    held = ""
    for piece in pieces:
        held += piece
        if len(held) >= _HEAD:
            return held[: max(held.rfind("\n"), held.rfind("\r")) + 1]
    return held


def _behind(pieces: Iterator[str], start: int) -> Iterator[str]:
    for piece in pieces:
        if start < len(piece):
            yield piece[start:]
        start = max(0, start - len(piece))


def _without_header(
    text: Text, file: BinaryIO, beginning: str, extension: str, column: str | None
) -> tuple[Iterable[Record], Columns, str]:
    widest: tuple[int, Splitter] | None = None
    for separator in ("\t",) if extension == "tsv" else SEPARATORS:
        splitter = Splitter(separator)
        widths = {len(record.cells) for record in islice(splitter.of(beginning), 200) if not record.is_blank()}
        width = max(widths, default=0)
        if len(widths) == 1 and width > 1 and (widest is None or width > widest[0]):
            widest = (width, splitter)
        elif extension in ("csv", "tsv") and width > 1 and widest is None and separator in ",\t;":
            raise FileRefused(FileProblem.HEADER_MISSING, columns=width)
    if widest is None:
        if column is not None and column != "1":
            raise FileRefused(FileProblem.NO_SUCH_COLUMN, column=column, columns="")
        if extension not in ("csv", "tsv"):
            return lines(text.pieces(file)), _WHOLE_LINE, ""
        separator = "\t" if extension == "tsv" else ","
        return Splitter(separator).records(text.pieces(file), width=1), _WHOLE_LINE, separator
    columns = headers.column_by_position(column, widest[0])
    if columns is None:
        raise FileRefused(FileProblem.HEADER_MISSING, columns=widest[0])
    return widest[1].records(text.pieces(file), width=widest[0]), columns, widest[1].separator


def _rows(records: Iterable[Record], columns: Columns, *, from_1904: bool | None = None) -> Iterator[Row]:
    """`from_1904` says of a sheet where its dates begin; None is for text, whose cells have no addresses."""
    reader = _Reader(columns, from_1904)
    for record in records:
        if not record.is_blank() and not reader.repeats_header(record.cells):
            yield reader.row(record)


class _Reader:
    """Turns records into rows under one header."""

    def __init__(self, columns: Columns, from_1904: bool | None) -> None:
        self._columns = columns
        self._width = columns.width
        self._places = [(name, columns.places[name]) for name in FIELDS if name in columns.places]
        self._texts = [(name, at) for name, at in self._places if name != "expires"]
        self._names = list(columns.names) if columns.width > 1 and any(columns.names) else None
        self._from_1904 = from_1904

    def repeats_header(self, cells: list[str]) -> bool:
        """Whether the header stands here once more."""
        names = self._names
        return names is not None and cells[0].strip() == names[0] and [cell.strip() for cell in cells] == names

    def row(self, record: Record) -> Row:
        """One record as a row, with what is wrong with it."""
        cells, width = record.cells, len(record.cells)
        if record.kinds:
            for name, at in self._texts:
                if at in record.kinds:
                    return self._bad(record, _PROBLEM_OF[record.kinds[at]], name)
        if record.is_ambiguous:
            return self._bad(record, RowProblem.QUOTES)
        fields = {name: cells[at] if at < width else "" for name, at in self._places}
        for value in fields.values():
            if len(value) > LONGEST_FIELD:
                return self._bad(record, RowProblem.TOO_LONG, "secret")
        if self._from_1904 is not None and any(_NO_TEXT.search(value) for value in fields.values()):
            return self._bad(record, RowProblem.BAD_CHARACTER, "secret")
        if width > self._width and any(cell.strip() for cell in cells[self._width :]):
            return self._bad(record, RowProblem.EXTRA_CELLS, None, fields)
        if not fields["secret"] or fields["secret"].isspace():
            return self._bad(record, RowProblem.NO_SECRET, "secret", fields)
        if fields.get("expires"):
            try:
                fields["expires"] = self._end_date(fields["expires"], record)
            except ValueError:
                return self._bad(record, RowProblem.BAD_DATE, "expires", fields)
        return Row(record.number, fields)

    def _end_date(self, text: str, record: Record) -> str:
        kind = record.kinds.get(self._columns.places["expires"])
        if kind in _NO_DATES:
            raise ValueError("no date")
        if kind is CellKind.NUMBER:
            return _iso(date_of_serial(text, from_1904=bool(self._from_1904)))
        return _iso_of_text(text)

    def _bad(
        self, record: Record, problem: RowProblem, name: str | None = None, fields: dict[str, str] | None = None
    ) -> Row:
        where = ""
        if name is not None:
            at = self._columns.places[name]
            heading = self._columns.names[at]
            if self._from_1904 is not None:
                where = address(at, record.number)
            elif heading:
                where = f"row {record.number}, {heading}"
        return Row(record.number, fields or {}, problem, where)


@functools.lru_cache(maxsize=1024)
def _iso_of_text(text: str) -> str:
    return _iso(end_date(text))


def _iso(end: date | None) -> str:
    return end.isoformat() if end else ""
