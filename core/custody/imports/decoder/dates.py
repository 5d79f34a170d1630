"""End dates in the shapes that supplier files have; a date that could be read in two ways is refused, never guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

_TIME = r"(?:[T\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?"
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?" + _TIME)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_FOR_EVER = {"永久", "永久有效", "长期", "长期有效", "无", "不限", "never", "none", "n/a", "-"}
_SERIAL_1900 = date(1899, 12, 30)  # serial 45000 is 15 March 2023
_SERIAL_1904 = date(1904, 1, 1)


def end_date(text: str) -> date | None:
    """The last day on which a card is valid, None when it has no end.

    Reads 2027-06-30, 2027/6/30, 2027.6.30, 20270630, 2027年6月30日, each with a time of day or full-width digits, and
    30/6/2027 where the day is above 12. Raises `ValueError` for anything else.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain or plain.lower() in _FOR_EVER:
        return None
    found = _YEAR_FIRST.fullmatch(plain) or _COMPACT.fullmatch(plain)
    if found:
        year, month, day = (int(part) for part in found.groups())
        return date(year, month, day)
    found = _YEAR_LAST.fullmatch(plain)
    if not found:
        raise ValueError("no date")
    first, second, year = (int(part) for part in found.groups())
    if max(first, second) <= 12 and first != second:
        raise ValueError("day and month may be either")
    day, month = (first, second) if first > 12 else (second, first)
    return date(year, month, day)


def date_of_serial(text: str, *, from_1904: bool) -> date | None:
    """The date of a workbook's numeric cell: days since its epoch, or digits such as 20270630. Raises `ValueError`."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("no date") from None
    if not number.is_finite() or not 0 < number < 10**8:
        raise ValueError("no date")
    whole = int(number)
    if whole >= 1900_01_01:
        return end_date(str(whole))
    return (_SERIAL_1904 if from_1904 else _SERIAL_1900) + timedelta(days=whole)
