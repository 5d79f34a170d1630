"""Which styles of a workbook show a number as a date or a time."""

from __future__ import annotations

import re

from core.workbooks.archive import Archive
from core.workbooks.markup import Attributes, parse

_BUILT_IN = frozenset({*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)})
"""Formats that every spreadsheet knows by number (ECMA-376 18.8.30, those of Chinese ones too)."""

_SAID = re.compile(r'"[^"]*"|\\.|[_*].|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
"""What of a format is said as it is: quoted and escaped signs, paddings, colours, currencies, conditions."""

_MOST = 64 * 1024


def date_styles(archive: Archive) -> frozenset[str]:
    """The numbers of these styles, as cells name them. Raises `FileRefused`."""
    styles = _Styles()
    if archive.has("xl/styles.xml"):
        parse(archive.blocks("xl/styles.xml"), styles.start, styles.end, None)
    return frozenset(str(at) for at, form in enumerate(styles.forms) if form in _BUILT_IN | styles.dates)


class _Styles:
    """styles.xml: formats of the workbook's own, and which format each style of a cell has."""

    def __init__(self) -> None:
        self.dates: set[int] = set()
        self.forms: list[int] = []
        self._inside = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt" and _is_date(attributes.get("formatCode", "")):
            self.dates.add(_number(attributes.get("numFmtId", "")))
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside and len(self.forms) < _MOST:
            self.forms.append(_number(attributes.get("numFmtId", "")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False


def _is_date(form: str) -> bool:
    plain = _SAID.sub("", form.partition(";")[0]).lower().replace("general", "")
    return any(sign in plain for sign in "ymdhs")


def _number(said: str) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 7 else -1
