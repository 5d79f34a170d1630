"""How a value stands in a file, so that no spreadsheet takes it for a formula and nothing of it is lost.

A text whose first sign a spreadsheet could act on gets an apostrophe before it, and so does a text that begins with an
apostrophe. Whoever takes the first apostrophe of each cell away has every byte back (fault 80).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from core.money import Money

Value = str | int | Decimal | None

BOM = b"\xef\xbb\xbf"
LIVE = frozenset("=+-@\t\r\n＝＋－＠'")
"""First signs that a spreadsheet acts on, in their wide forms too, and the apostrophe itself."""


def safe(text: str) -> str:
    """A text as it stands in a CSV file."""
    return f"'{text}" if text[:1] in LIVE and text else text


def undone(cell: str) -> str:
    """The text that `safe` was given."""
    return cell.removeprefix("'")


def csv_lines(rows: Iterable[Sequence[Value]]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8). Numbers stand as they are: `-5.00` is a number, not a formula."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([_said(value) for value in row] for row in rows)
    return written.getvalue().encode("utf-8", "replace")


def amount(minor: int | None, currency: str) -> Decimal | None:
    """An amount in its currency's major unit, with all of its digits."""
    return None if minor is None else Decimal(Money(int(minor), currency).decimal())


def _said(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
