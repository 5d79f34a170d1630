"""A sheet of goods as an .xlsx: read cell by cell to what the same sheet would say as CSV."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Context, Decimal

from core.catalog.sheets.cells import LARGEST, SheetUnreadable, gathered, read_cells
from core.workbooks.archive import Archive, is_zip, refuse_other_kinds
from core.workbooks.problems import FileRefused
from core.workbooks.records import CellKind, Record
from core.workbooks.sheet import FirstSheet, address

MOST_INFLATED = 4 * 1024 * 1024
MOST_CELLS = 200_000
"""Empty ones too, and rows. A full sheet has a quarter of each; what takes longer to read keeps others waiting."""

_DIGITS = Context(prec=15)  # what a spreadsheet keeps and shows of a number
_NUMBER = re.compile(r"-?[0-9]{0,40}\.?[0-9]{0,40}(?:[eE][+-]?[0-9]{1,4})?")
_MOST_DAYS = 2_900_000  # the last day of a spreadsheet is in the year 9999
_EPOCH = date(1899, 12, 30)
_EPOCH_1904 = date(1904, 1, 1)


def read_file(content: bytes, *, file_name: str) -> list[list[str]]:
    """The rows of a sheet, a workbook or a text with separators. Raises `SheetUnreadable`."""
    if len(content) > LARGEST:
        raise SheetUnreadable(what="sheet", problem="too_large")
    file = io.BytesIO(content)
    try:
        refuse_other_kinds(file, named_workbook=file_name.lower().endswith((".xlsx", ".xlsm")))
        if not is_zip(file):
            return read_cells(content)
        archive = Archive(file, most_bytes=MOST_INFLATED)
        if archive.has_macros():
            raise SheetUnreadable(what="sheet", problem="macros")
        sheet = FirstSheet(archive, as_shown=True)
        if not sheet.is_only():
            raise SheetUnreadable(what="sheet", problem="several_sheets")
        return gathered(_rows(sheet))
    except FileRefused as refused:
        problem = "too_many_columns" if "most_columns" in refused.params else refused.problem.value
        raise SheetUnreadable(what="sheet", problem=problem) from None


def _rows(sheet: FirstSheet) -> Iterator[list[str]]:
    seen = 0
    for record in sheet.records():
        seen += 1 + len(record.cells)
        if seen > MOST_CELLS:
            raise SheetUnreadable(what="sheet", problem="too_large")
        yield [_said(record, at, cell, from_1904=sheet.from_1904) for at, cell in enumerate(record.cells)]


def _said(record: Record, at: int, cell: str, *, from_1904: bool) -> str:
    """What a cell says. Raises `SheetUnreadable` for a formula that came to nothing yet."""
    match record.kinds.get(at):
        case CellKind.FORMULA:
            raise SheetUnreadable(what="sheet", problem="formula", where=address(at, record.number))
        case CellKind.NUMBER:
            return _number(cell)
        case CellKind.DATE:
            return _date(cell, from_1904=from_1904)
        case CellKind.BOOLEAN:
            return {"1": "TRUE", "0": "FALSE"}.get(cell, cell)
        case _:
            return cell


def _number(cell: str) -> str:
    """A number as a spreadsheet shows it: 9.9000000000000004 is 9.9."""
    short = _decimal(cell)
    return cell if short is None or abs(short.adjusted()) > 2 * _DIGITS.prec else f"{short.normalize():f}"


def _date(cell: str, *, from_1904: bool) -> str:
    """The day of a number that is shown as a date; `cell` itself where it is a date in words, or beyond all dates."""
    days = _decimal(cell)
    if days is None or not 0 <= days < _MOST_DAYS:
        return cell
    return ((_EPOCH_1904 if from_1904 else _EPOCH) + timedelta(days=int(days))).isoformat()


def _decimal(cell: str) -> Decimal | None:
    try:
        return _DIGITS.create_decimal(cell) if _NUMBER.fullmatch(cell) else None
    except ArithmeticError:
        return None
