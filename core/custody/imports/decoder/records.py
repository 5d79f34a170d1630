"""Splits text into records and cells: quoted cells over several lines, lone quotes, any mix of line endings.

The csv module swallows the rest of a file after one lone quote. Here a quote opens a cell only where a closing one
stands before a separator or the line's end; a cell over several lines counts only if the record then has as many cells
as the header; otherwise quotes are what they look like.

Text comes in pieces. Of it a window is kept that is wider than any record may be, so that where a piece ends changes
nothing; lines without a quote, most of a file, are split at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.custody.imports.decoder.encodings import LONGEST_LINE
from core.workbooks.records import Record

SEPARATORS = (",", "\t", ";", "|", "----")
AHEAD = 2 * LONGEST_LINE  # characters that are always there behind the record in hand
_LINE_END = re.compile(r"\r\n|\n|\r")
_MOST_LINES = 50
_LONGEST_CELL = 8192
_LONGEST_RECORD = LONGEST_LINE


class Window:
    """The part of a text that is being read: `text` from its `offset`-th character on is what is still to be split."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self.text = ""
        self.offset = 0
        self.is_whole = False  # the end of the text is in it

    def fill(self) -> bool:
        """Have `AHEAD` characters at hand or all that are left; False when there are none."""
        while not self.is_whole and len(self.text) - self.offset <= AHEAD:
            piece = next(self._pieces, None)
            if piece is None:
                self.is_whole = True
            else:
                self.text, self.offset = self.text[self.offset :] + piece, 0
        return self.offset < len(self.text)

    def sure(self) -> int:
        """Up to where records may begin whose end is surely in the window."""
        return len(self.text) if self.is_whole else len(self.text) - AHEAD

    def take_lines(self, stop: int) -> list[str]:
        """The whole lines before `stop`, without their endings; the offset goes behind them."""
        text = self.text
        end = max(text.rfind("\n", self.offset, stop), text.rfind("\r", self.offset, stop)) + 1
        if self.is_whole and stop == len(text):
            end = stop
        if end <= self.offset:
            return []
        if text[end - 1 : end + 1] == "\r\n":  # the end stands astride
            end += 1
        block = text[self.offset : end]
        if "\r" in block:
            block = block.replace("\r\n", "\n").replace("\r", "\n")
        found = block.split("\n")
        if not found[-1]:
            found.pop()
        self.offset = end
        return found


def lines(pieces: Iterable[str]) -> Iterator[Record]:
    """One record a line, the whole line its one cell, without its line ending."""
    window, number = Window(pieces), 1
    while window.fill():
        stop = len(window.text) - (not window.is_whole)  # the last character may be half of a line's end
        for line in window.take_lines(stop):
            yield Record(number, [line])
            number += 1


class Splitter:
    """Records under one separator."""

    def __init__(self, separator: str) -> None:
        stop = f"(?={re.escape(separator)}|[\\r\\n]|\\Z)"
        self.separator = separator
        self._wide = re.compile(f'"((?:[^"]++|"")*+)"{stop}')
        self._narrow = re.compile(f'"((?:[^"\\r\\n]++|"")*+)"{stop}')
        self._plain = re.compile(f"(?:(?!{re.escape(separator)})[^\\r\\n])*+")

    def of(self, text: str) -> Iterator[Record]:
        """The records of a text that is at hand as a whole."""
        offset, number = 0, 1
        while offset < len(text):
            record = self._read(text, offset, number, None)
            yield record
            offset, number = record.end, number + record.span

    def records(self, pieces: Iterable[str], *, number: int = 1, width: int | None = None) -> Iterator[Record]:
        """The records of a text whose first line is line `number`; `width` is the header's number of cells if known."""
        window, separator = Window(pieces), self.separator
        while window.fill():
            sure, text = window.sure(), window.text
            while window.offset < sure:
                quote = text.find('"', window.offset, sure)
                for line in window.take_lines(sure if quote < 0 else quote):
                    yield Record(number, line.split(separator))
                    number += 1
                if window.offset < sure:
                    record = self._read(text, window.offset, number, width)
                    yield record
                    window.offset, number = record.end, number + record.span

    def _read(self, text: str, offset: int, number: int, width: int | None) -> Record:
        record = self._record(text, offset, number, self._wide)
        record.span = self._span(text, offset, record)
        if record.span > 1 and not self._is_sound(record, offset, width):
            record = self._record(text, offset, number, self._narrow)
        elif record.span > 1 and width is not None and width > 1:
            record.is_ambiguous = self._are_rows(text, offset, record.end, width)
        return record

    def _record(self, text: str, offset: int, number: int, quoted: re.Pattern[str]) -> Record:
        cells, limit = [], offset + AHEAD  # what stands further on changes nothing, whether it is here yet or not
        while True:
            found = quoted.match(text, offset, limit) if text.startswith('"', offset) else None
            if found:
                cells.append(found.group(1).replace('""', '"'))
            else:
                found = self._plain.match(text, offset, limit)
                cells.append(found.group() if found else "")
            offset = found.end() if found else offset
            if not text.startswith(self.separator, offset):
                break
            offset += len(self.separator)
        ending = _LINE_END.match(text, offset)
        return Record(number, cells, end=ending.end() if ending else len(text))

    @staticmethod
    def _span(text: str, offset: int, record: Record) -> int:
        if not any("\n" in cell or "\r" in cell for cell in record.cells):
            return 1
        endings = sum(1 for _ in _LINE_END.finditer(text, offset, record.end))
        return endings if text[record.end - 1] in "\r\n" else endings + 1

    def _are_rows(self, text: str, offset: int, end: int, width: int) -> bool:
        """Whether every line of a cell over several lines would be a row as wide as the header by itself."""
        while offset < end:
            record = self._record(text, offset, 0, self._narrow)
            if len(record.cells) != width:
                return False
            offset = record.end
        return True

    @staticmethod
    def _is_sound(record: Record, offset: int, width: int | None) -> bool:
        fits = width is None or len(record.cells) == width
        fits = fits and record.span <= _MOST_LINES and record.end - offset <= _LONGEST_RECORD
        return fits and all(len(cell) <= _LONGEST_CELL for cell in record.cells)
