"""From a file's bytes to its rows: which format, which header, which cell is which field, what is wrong with a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from core.custody.decoder import columns as headers
from core.custody.decoder.archive import Archive, is_zip, refuse_other_kinds
from core.custody.decoder.columns import HEADER_WITHIN, Columns
from core.custody.decoder.dates import date_of_serial, end_date
from core.custody.decoder.encodings import text_of
from core.custody.decoder.problems import FileProblem, FileRefused, RowProblem
from core.custody.decoder.records import SEPARATORS, CellKind, Record, Splitter, lines
from core.custody.decoder.workbook import address, first_sheet

LONGEST_FIELD = 8192  # characters
_WHOLE_LINE = Columns({"secret": 0}, ("",))
_PROBLEM_OF = {
    CellKind.NUMBER: RowProblem.NUMERIC_CELL,
    CellKind.DATE: RowProblem.DATE_CELL,
    CellKind.BOOLEAN: RowProblem.BOOLEAN_CELL,
    CellKind.ERROR: RowProblem.ERROR_CELL,
    CellKind.FORMULA: RowProblem.FORMULA_CELL,
}


@dataclass(slots=True, repr=False)
class Row:
    """One row as decoded: `place` is where people find it, `problem` why it cannot be a card, None for a good one."""

    place: str
    fields: dict[str, str] = field(default_factory=dict)
    problem: RowProblem | None = None


@dataclass(slots=True, repr=False)
class Table:
    """A decoded file: how it was read, which columns were taken, and its rows (blank ones left out)."""

    format: str  # workbook | text
    encoding: str
    columns: Columns
    rows: Iterator[Row]
    about: int  # how many rows there are, for a progress bar


def decode(raw: bytes, *, extension: str, column: str | None) -> Table:
    """Read a file. `extension` is the lower-case end of its name without the dot, `column` the name asked for.

    Raises `FileRefused`, for the file as a whole and before its first row.
    """
    refuse_other_kinds(raw, named_workbook=extension in ("xlsx", "xlsm"))
    if is_zip(raw):
        return _workbook(raw, column)
    text, encoding = text_of(raw)
    if not text.strip():
        raise FileRefused(FileProblem.EMPTY)
    records, columns = _columns_of_text(text, extension, column)
    about = text.count("\n") + (not text.endswith("\n"))
    return Table("text", encoding, columns, _rows(records, columns, sheet=False, from_1904=False), about)


def _workbook(raw: bytes, column: str | None) -> Table:
    about = sum(1 for _ in first_sheet(Archive(raw))[0])  # to its end first: a damaged file must not be half imported
    records, from_1904 = first_sheet(Archive(raw))
    head = list(islice((record for record in records if not record.is_blank()), HEADER_WITHIN))
    if not head:
        raise FileRefused(FileProblem.EMPTY)
    at, columns = _header_among(head, column)
    following = chain(head[at + 1 :] if at is not None else head, records)
    return Table("workbook", "", columns, _rows(following, columns, sheet=True, from_1904=from_1904), about)


def _header_among(head: list[Record], column: str | None) -> tuple[int | None, Columns]:
    at = headers.find_header([record.cells for record in head], column, lone_lines=False)
    if at is not None:
        return at, headers.map_columns(head[at].cells, column)
    width = max(len(record.cells) for record in head)
    columns = _WHOLE_LINE if width == 1 else headers.column_by_position(column, width)
    if columns is None:
        raise FileRefused(FileProblem.HEADER_MISSING, columns=width)
    return None, columns


def _columns_of_text(text: str, extension: str, column: str | None) -> tuple[Iterable[Record], Columns]:
    lone_lines = extension not in ("csv", "tsv")
    best: tuple[int, Splitter, Record] | None = None
    for separator in SEPARATORS:
        splitter = Splitter(text, separator)
        head = list(islice((record for record in splitter.records() if not record.is_blank()), HEADER_WITHIN))
        at = headers.find_header([record.cells for record in head], column, lone_lines=lone_lines)
        if at is not None and (best is None or headers.known_columns(head[at].cells) > best[0]):
            best = (headers.known_columns(head[at].cells), splitter, head[at])
    if best:
        _, splitter, record = best
        columns = headers.map_columns(record.cells, column)
        following = splitter.records(offset=record.end, number=record.number + record.span, width=columns.width)
        if columns.width == 1 and lone_lines:
            return _lines_after(text, record), columns
        return following, columns
    if lone_lines and column is None:
        return lines(text), _WHOLE_LINE
    return _without_header(text, extension, column)


def _lines_after(text: str, header: Record) -> Iterator[Record]:
    return (record for record in lines(text) if record.number > header.number)


def _without_header(text: str, extension: str, column: str | None) -> tuple[Iterable[Record], Columns]:
    widest: tuple[int, Splitter] | None = None
    for separator in ("\t",) if extension == "tsv" else SEPARATORS:
        splitter = Splitter(text, separator)
        widths = {len(record.cells) for record in islice(splitter.records(), 200) if not record.is_blank()}
        width = max(widths)
        if len(widths) == 1 and width > 1 and (widest is None or width > widest[0]):
            widest = (width, splitter)
        elif extension in ("csv", "tsv") and width > 1 and widest is None and separator in ",\t;":
            raise FileRefused(FileProblem.HEADER_MISSING, columns=width)
    if widest is None:
        if column is not None and column != "1":
            raise FileRefused(FileProblem.NO_SUCH_COLUMN, column=column, columns="")
        splitter = Splitter(text, "\t" if extension == "tsv" else ",")
        return (splitter.records(width=1) if extension in ("csv", "tsv") else lines(text)), _WHOLE_LINE
    columns = headers.column_by_position(column, widest[0])
    if columns is None:
        raise FileRefused(FileProblem.HEADER_MISSING, columns=widest[0])
    return widest[1].records(width=widest[0]), columns


def _rows(records: Iterable[Record], columns: Columns, *, sheet: bool, from_1904: bool) -> Iterator[Row]:
    for record in records:
        if not record.is_blank() and not _repeats_header(record, columns):
            yield _row(record, columns, sheet=sheet, from_1904=from_1904)


def _repeats_header(record: Record, columns: Columns) -> bool:
    return columns.width > 1 and any(columns.names) and tuple(c.strip() for c in record.cells) == columns.names


def _row(record: Record, columns: Columns, *, sheet: bool, from_1904: bool) -> Row:
    def place(name: str | None = None) -> str:
        if name is None:
            return f"row {record.number}"
        at = columns.places[name]
        if sheet:
            return address(at, record.number)
        return f"row {record.number}" + (f", {columns.names[at]}" if columns.names[at] else "")

    fields = {name: record.cells[at] for name, at in columns.places.items() if at < len(record.cells)}
    for name in ("secret", "number", "pin"):
        kind = record.kinds.get(columns.places.get(name, -1))
        if kind is not None:
            return Row(place(name), {}, _PROBLEM_OF[kind])
    if record.is_ambiguous:
        return Row(place(), {}, RowProblem.QUOTES)
    if any(len(value) > LONGEST_FIELD for value in fields.values()):
        return Row(place("secret"), {}, RowProblem.TOO_LONG)
    if any(cell.strip() for cell in record.cells[columns.width :]):
        return Row(place(), fields, RowProblem.EXTRA_CELLS)
    if not fields.get("secret", "").strip():
        return Row(place("secret"), fields, RowProblem.NO_SECRET)
    try:
        fields = _with_end_date(fields, record.kinds.get(columns.places.get("expires", -1)), from_1904)
    except ValueError:
        return Row(place("expires"), fields, RowProblem.BAD_DATE)
    return Row(place(), fields)


def _with_end_date(fields: dict[str, str], kind: CellKind | None, from_1904: bool) -> dict[str, str]:
    text = fields.pop("expires", "")
    if kind in (CellKind.FORMULA, CellKind.BOOLEAN, CellKind.ERROR):
        raise ValueError("no date")
    end = date_of_serial(text, from_1904=from_1904) if kind is CellKind.NUMBER else end_date(text)
    return {**fields, "expires": end.isoformat()} if end else fields
