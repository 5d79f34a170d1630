"""Reads the first sheet of an .xlsx as a stream: text cells as text, every other cell with what it is.

Our own reader on expat rather than openpyxl: it needs the *kind* and address of each cell (a number shown as text has
lost its digits), reads hidden rows, refuses document types and depth, and adds no parser to the process that strangers'
files reach. A value is taken only from text cells; formulas are never trusted for their cached value.
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Iterable, Iterator

from core.workbooks.archive import Archive
from core.workbooks.markup import Attributes, Guard, parse
from core.workbooks.problems import FileProblem, FileRefused
from core.workbooks.records import CellKind, Record
from core.workbooks.styles import date_styles

_MOST_COLUMNS = 512
_LONGEST_TEXT = 16 * 1024  # characters; what is longer is cut here, and refused where it is used
_MOST_TEXT = 56 * 1024 * 1024  # bytes of all shared texts
_MOST_PIECES = 64  # in which expat brings a value, some KB each
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships|id"
_RELATION_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships|id"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NUMBER = re.compile(r"[0-9]{1,9}")
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_KINDS = {"n": CellKind.NUMBER, "b": CellKind.BOOLEAN, "e": CellKind.ERROR, "d": CellKind.DATE}


class FirstSheet:
    """The first sheet of a workbook; its rows are streamed, its texts kept in one block of bytes."""

    def __init__(self, archive: Archive, *, as_shown: bool = False) -> None:
        """Find it and read the table of texts. Raises `FileRefused`.

        `as_shown`: a formula is what it last came to (one that came to nothing yet stays a formula), and a number
        that is shown as a date is a date, as in what a spreadsheet saves as CSV.
        """
        book = _Book()
        parse(archive.blocks("xl/workbook.xml"), book.start, None, None)
        if not book.sheets:
            raise FileRefused(FileProblem.DAMAGED)
        relations = _Relations()
        parse(archive.blocks("xl/_rels/workbook.xml.rels"), relations.start, None, None)
        self._name, *self._others = [_entry(relations.targets.get(sheet, "")) for sheet in book.sheets]
        self._archive = archive
        self._strings = _Strings()
        self._dates = date_styles(archive) if as_shown else None
        self.from_1904 = book.from_1904
        if archive.has("xl/sharedStrings.xml"):
            strings = self._strings
            parse(archive.blocks("xl/sharedStrings.xml"), strings.start, strings.end, strings.text)

    def count(self) -> int:
        """How many rows it has; reads it to its end, so that what comes out later is known to be sound."""
        seen = 0

        def start(name: str, _: Attributes) -> None:
            nonlocal seen
            seen += name == "row"

        parse(self._archive.blocks(self._name), start, None, None)
        return seen

    def records(self) -> Iterator[Record]:
        """Its rows in their order. Raises `FileRefused`."""
        return _rows(self._archive.blocks(self._name), _Sheet(self._strings, self._dates))

    def is_only(self) -> bool:
        """Whether no other sheet has a cell with something in it."""
        seen = 0

        def start(name: str, _: Attributes) -> None:
            nonlocal seen
            seen += name in ("v", "is", "f")

        for other in self._others:
            parse(self._archive.blocks(other), start, None, None)
        return not seen


def address(column: int, row: int) -> str:
    """The cell's address as people see it: `address(27, 3)` is `AB3` (columns count from zero)."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def _entry(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


class _Book:
    """workbook.xml: the sheets' relations and the epoch of dates."""

    def __init__(self) -> None:
        self.sheets: list[str] = []
        self.from_1904 = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true")
        elif name == "sheet" and (relation := attributes.get(_RELATION) or attributes.get(_RELATION_STRICT)):
            self.sheets.append(relation)


class _Relations:
    """workbook.xml.rels: where each relation leads."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text) if "_x" in text else text


class _Text:
    """Collects the text of <t> elements, leaving out phonetic hints (<rPh>)."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._inside = False
        self._hint = 0

    def start_text(self, name: str) -> None:
        if name == "rPh":
            self._hint += 1
        self._inside = name == "t" and not self._hint

    def end_text(self, name: str) -> None:
        if name == "rPh":
            self._hint -= 1
        self._inside = False

    def text(self, piece: str) -> None:
        if self._inside and self._length <= _LONGEST_TEXT:
            self._parts.append(piece)
            self._length += len(piece)

    def take(self) -> str:
        if not self._parts:
            return ""
        joined = "".join(self._parts)[: _LONGEST_TEXT + 1]
        self._parts.clear()
        self._length = 0
        return _unescaped(joined)


class _Strings(_Text):
    """sharedStrings.xml: the table that cells of type `s` point into; a million texts as one block of bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._block = bytearray()
        self._ends = array("I", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        return self._block[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")

    def start(self, name: str, _: Attributes) -> None:
        self.start_text(name)

    def end(self, name: str) -> None:
        self.end_text(name)
        if name == "si":
            self._block += self.take().encode("utf-8", "surrogatepass")
            self._ends.append(len(self._block))
            if len(self._block) + 4 * len(self._ends) > _MOST_TEXT:
                raise FileRefused(FileProblem.TOO_MUCH_TEXT, most_megabytes=_MOST_TEXT // 2**20)


class _Sheet(_Text):
    """The sheet itself: gathers the finished rows between two blocks of the file."""

    def __init__(self, strings: _Strings, dates: frozenset[str] | None) -> None:
        super().__init__()
        self.ready: list[Record] = []
        self._dates = dates
        self._style = ""
        self._strings = strings
        self._row = Record(0, [])
        self._column = -1
        self._type = "n"
        self._formula = False
        self._value: list[str] = []
        self._in_value = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "row":
            given = attributes.get("r", "")
            self._row = Record(int(given) if _NUMBER.fullmatch(given) else self._row.number + 1, [])
            self._column = -1
        elif name == "c":
            self._column = self._place(attributes.get("r", ""))
            self._type, self._style, self._formula = attributes.get("t", "n"), attributes.get("s", "0"), False
            self._value.clear()
        elif name == "f":
            self._formula = True
        self._in_value = name == "v"
        self.start_text(name)

    def end(self, name: str) -> None:
        self._in_value = False
        self.end_text(name)
        if name == "c":
            self._finish_cell()
        elif name == "row":
            self.ready.append(self._row)

    def text(self, piece: str) -> None:
        if self._in_value:
            if len(self._value) < _MOST_PIECES:
                self._value.append(piece)
        else:
            super().text(piece)

    def _place(self, given: str) -> int:
        found = _ADDRESS.fullmatch(given)
        column = self._column + 1
        if found:
            column = 0
            for letter in found.group(1):
                column = column * 26 + ord(letter) - 64
            column -= 1
        if column >= _MOST_COLUMNS:
            raise FileRefused(FileProblem.DAMAGED, most_columns=_MOST_COLUMNS)
        return column

    def _finish_cell(self) -> None:
        inline, value = self.take(), "".join(self._value)
        cells = self._row.cells
        cells.extend([""] * (self._column + 1 - len(cells)))
        if self._dates is not None and (self._formula or self._type == "str") and self._shown(value):
            return
        if self._formula:
            self._row.kinds[self._column] = CellKind.FORMULA
        elif self._type == "s" and value:
            if not _NUMBER.fullmatch(value) or int(value) >= len(self._strings):
                raise FileRefused(FileProblem.DAMAGED)
            cells[self._column] = self._strings[int(value)]
        elif self._type == "inlineStr":
            cells[self._column] = inline
        elif self._type == "str":  # the cached text of a formula that was stripped: still not typed by a person
            self._row.kinds[self._column] = CellKind.FORMULA
        elif value:
            self._number(value)

    def _shown(self, value: str) -> bool:
        """Take what a formula came to; False where it came to nothing yet."""
        if self._type == "str":
            self._row.cells[self._column] = _unescaped(value)
            return True
        if not value or self._type not in _KINDS:
            return False
        self._number(value)
        return True

    def _number(self, value: str) -> None:
        kind = _KINDS.get(self._type, CellKind.ERROR)
        if kind is CellKind.NUMBER and self._dates and self._style in self._dates:
            kind = CellKind.DATE
        self._row.kinds[self._column] = kind
        self._row.cells[self._column] = value


def _rows(blocks: Iterable[bytes], sheet: _Sheet) -> Iterator[Record]:
    guard = Guard()
    guard.handle(sheet.start, sheet.end, sheet.text)
    for block in blocks:
        guard.feed(block, last=False)
        yield from sheet.ready
        sheet.ready.clear()
    guard.feed(b"", last=True)
    yield from sheet.ready
