"""Sheets as text with separators: read as spreadsheets write them, written so that no cell is a formula.

A workbook of goods holds the same cells, so that whichever is saved as the other says the same.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence

from core.errors import Invalid

LARGEST = 1024 * 1024
MOST_ROWS = 1000
MOST_COLUMNS = 40

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet may take for a formula, and what was written so that it does not."""

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class SheetUnreadable(Invalid):
    """The file is no such sheet; `problem` says why: one of `FileProblem`, or here and in `workbook`."""


def read_cells(content: bytes) -> list[list[str]]:
    """The rows of a CSV or TSV file, cells without their outer blanks and without the sign that made them safe.

    UTF-8, UTF-16 with its mark, else GB18030, as Excel writes in China. Raises `SheetUnreadable`.
    """
    text = _decoded(content)
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    try:
        return gathered(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        raise SheetUnreadable(what="sheet", problem="encoding") from None


def gathered(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """The rows that say something, each to its last cell that does. Raises `SheetUnreadable`."""
    found = []
    for row in rows:
        cells = [_as_typed(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise SheetUnreadable(what="sheet", problem="too_many_columns")
        if any(_NO_TEXT.search(cell) for cell in cells):
            raise SheetUnreadable(what="sheet", problem="encoding")
        if cells:
            found.append(cells)
        if len(found) > MOST_ROWS + 1:
            raise SheetUnreadable(what="sheet", problem="too_many_rows")
    if len(found) < 2:
        raise SheetUnreadable(what="sheet", problem="empty")
    return found


def written(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as CSV with a byte order mark, which `read_cells` reads back exactly."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([safe(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def safe(cell: str) -> str:
    """A text as it stands in a cell."""
    return "'" + cell if FORMULA.match(cell) else cell


def _as_typed(cell: str) -> str:
    plain = cell.strip()
    return plain[1:] if plain.startswith("'") and FORMULA.match(plain) else plain


def _decoded(content: bytes) -> str:
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ["utf-16"] if is_wide else ["utf-8-sig", "gb18030"]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetUnreadable(what="sheet", problem="encoding")
