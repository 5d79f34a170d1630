"""Sheets as text with separators: read as spreadsheets write them, written so that no cell is a formula."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence

from core.errors import Invalid

LARGEST = 1024 * 1024
MOST_ROWS = 1000
MOST_CELLS = 40

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet may take for a formula, and what was written so that it does not."""


class SheetUnreadable(Invalid):
    """The file is no such sheet; `problem` says why: encoding, too_large, too_many_rows, empty, header."""


def read_cells(content: bytes) -> list[list[str]]:
    """The rows of a CSV or TSV file, cells without their outer blanks and without the sign that made them safe.

    UTF-8, UTF-16 with its mark, else GB18030, as Excel writes in China. Raises `SheetUnreadable`.
    """
    if len(content) > LARGEST:
        raise SheetUnreadable(what="sheet", problem="too_large")
    text = _decoded(content)
    if "\0" in text:
        raise SheetUnreadable(what="sheet", problem="encoding")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if any(cell.strip() for cell in row):
                rows.append([_as_typed(cell) for cell in row[:MOST_CELLS]])
            if len(rows) > MOST_ROWS + 1:
                raise SheetUnreadable(what="sheet", problem="too_many_rows")
    except csv.Error:
        raise SheetUnreadable(what="sheet", problem="encoding") from None
    if len(rows) < 2:
        raise SheetUnreadable(what="sheet", problem="empty")
    return rows


def written(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as CSV with a byte order mark, which `read_cells` reads back exactly."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_safe(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def _safe(cell: str) -> str:
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
