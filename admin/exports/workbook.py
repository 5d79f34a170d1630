"""Rows as a workbook: written row by row to a temporary file, every text a text and never a formula or a link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from admin.exports.cells import Value

MOST_ROWS = 100_000
"""A workbook is made before it is sent; longer ones are for CSV, or for fewer days."""

MOST_DIGITS = 15
"""A spreadsheet's numbers keep no more: longer ones stand as text."""

OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


class TooLong(Exception):
    """More rows than a workbook takes."""


class PlainSheet(Worksheet):
    """A text that looks like the library's own mark-up of rich text is written like any other."""

    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
        self._xml_inline_string(string, True, attributes)


def write_workbook(file: Path, titles: Sequence[str], batches: Iterable[Sequence[Sequence[Value]]]) -> int:
    """Write a workbook of one sheet beside its own temporary files; returns how many rows it has.

    Raises `TooLong`, and OSError where the disk is full: whatever was written is the caller's folder to remove.
    """
    count = 0
    with Workbook(str(file), {**OPTIONS, "tmpdir": str(file.parent)}) as book:
        sheet = book.add_worksheet(worksheet_class=PlainSheet)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(titles) - 1, 18)
        _write(sheet, 0, titles)
        for rows in batches:
            for row in rows:
                count += 1
                if count > MOST_ROWS:
                    raise TooLong
                _write(sheet, count, row)
    return count


def _write(sheet: Worksheet, at: int, row: Sequence[Value]) -> None:
    for column, value in enumerate(row):
        if isinstance(value, str):
            sheet.write_string(at, column, value)
        elif value is not None:
            said = f"{value:f}" if isinstance(value, Decimal) else str(value)
            if len(said.replace("-", "").replace(".", "")) > MOST_DIGITS:
                sheet.write_string(at, column, said)
            else:
                sheet.write_number(at, column, float(said))
