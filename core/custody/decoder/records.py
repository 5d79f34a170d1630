"""Splits text into records and cells: quoted cells over several lines, lone quotes, any mix of line endings.

The csv module swallows the rest of a file after one lone quote. Here a quote opens a cell only where a closing one
stands before a separator or the line's end; a cell over several lines counts only if the record then has as many cells
as the header; otherwise quotes are what they look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

SEPARATORS = (",", "\t", ";", "|", "----")
_LINE_END = re.compile(r"\r\n|\n|\r")
_MOST_LINES = 50
_LONGEST_CELL = 8192


class CellKind(StrEnum):
    """What a workbook's cell is, where it is not text."""

    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    ERROR = "error"
    FORMULA = "formula"


@dataclass(slots=True, repr=False)
class Record:
    """One row: `number` is the line where it begins (or the sheet's row); `kinds` holds the cells that are not text."""

    number: int
    cells: list[str]
    kinds: dict[int, CellKind] = field(default_factory=dict)
    end: int = 0  # offset in the text after its line ending
    span: int = 1  # lines it takes
    is_ambiguous: bool = False  # its quotes can be read as one cell over several lines, or as rows of their own

    def is_blank(self) -> bool:
        """Whether no cell holds anything but blanks."""
        return not self.kinds and not any(cell.strip() for cell in self.cells)


def lines(text: str) -> Iterator[Record]:
    """One record a line, the whole line its one cell, without its line ending."""
    start, number = 0, 1
    for ending in _LINE_END.finditer(text):
        yield Record(number, [text[start : ending.start()]], end=ending.end())
        start, number = ending.end(), number + 1
    if start < len(text):
        yield Record(number, [text[start:]], end=len(text))


class Splitter:
    """Records of one text under one separator."""

    def __init__(self, text: str, separator: str) -> None:
        stop = f"(?={re.escape(separator)}|[\\r\\n]|\\Z)"
        self._text = text
        self._separator = separator
        self._wide = re.compile(f'"((?:[^"]++|"")*+)"{stop}')
        self._narrow = re.compile(f'"((?:[^"\\r\\n]++|"")*+)"{stop}')
        self._plain = re.compile(f"(?:(?!{re.escape(separator)})[^\\r\\n])*+")

    def records(self, *, offset: int = 0, number: int = 1, width: int | None = None) -> Iterator[Record]:
        """Records from `offset`, which begins line `number`; `width` is the header's number of cells once known."""
        while offset < len(self._text):
            record = self._record(offset, number, self._wide)
            record.span = self._span(offset, record)
            if record.span > 1 and not self._is_sound(record, width):
                record = self._record(offset, number, self._narrow)
            elif record.span > 1 and width is not None and width > 1:
                record.is_ambiguous = self._are_rows(offset, record.end, width)
            yield record
            offset, number = record.end, number + record.span

    def _record(self, offset: int, number: int, quoted: re.Pattern[str]) -> Record:
        text, cells = self._text, []
        while True:
            found = quoted.match(text, offset) if text.startswith('"', offset) else None
            if found:
                cells.append(found.group(1).replace('""', '"'))
            else:
                found = self._plain.match(text, offset)
                cells.append(found.group() if found else "")
            offset = found.end() if found else offset
            if not text.startswith(self._separator, offset):
                break
            offset += len(self._separator)
        ending = _LINE_END.match(text, offset)
        return Record(number, cells, end=ending.end() if ending else len(text))

    def _span(self, offset: int, record: Record) -> int:
        if not any("\n" in cell or "\r" in cell for cell in record.cells):
            return 1
        endings = sum(1 for _ in _LINE_END.finditer(self._text, offset, record.end))
        return endings if self._text[record.end - 1] in "\r\n" else endings + 1

    def _are_rows(self, offset: int, end: int, width: int) -> bool:
        """Whether every line of a cell over several lines would be a row as wide as the header by itself."""
        while offset < end:
            record = self._record(offset, 0, self._narrow)
            if len(record.cells) != width:
                return False
            offset = record.end
        return True

    @staticmethod
    def _is_sound(record: Record, width: int | None) -> bool:
        fits = width is None or len(record.cells) == width
        return fits and record.span <= _MOST_LINES and all(len(cell) <= _LONGEST_CELL for cell in record.cells)
