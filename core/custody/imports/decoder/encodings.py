"""From bytes to text: by byte order mark, else UTF-8, else GB18030 if it reads like Chinese; no guess beyond that.

The whole file is read once for that, a piece at a time, before its first row is given away: a file that stops being
text in its middle is refused as a whole.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from core.custody.imports.decoder.source import PIECE
from core.workbooks.problems import FileProblem, FileRefused

LONGEST_LINE = 256 * 1024  # characters; no row is so long
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65536
_COMMON_SHARE = 0.7
_FOREIGN = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Text:
    """How a file is read: its encoding, the length of its byte order mark, and how many lines it has."""

    encoding: str
    mark: int
    lines: int
    is_blank: bool

    def pieces(self, file: BinaryIO) -> Iterator[str]:
        """The text from its start, a piece at a time."""
        return _decoded(file, self.encoding, self.mark)


def text_of(file: BinaryIO) -> Text:
    """Find out how a file is read. Raises `FileRefused` with `ENCODING`, `BINARY` or `ENDLESS_LINE`."""
    file.seek(0)
    sample = file.read(_SAMPLE)
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return _looked_through(file, encoding, len(mark))
    unmarked = _utf16_by_zeros(sample)
    if unmarked:
        return _looked_through(file, unmarked, 0)
    try:
        return _looked_through(file, "utf-8", 0)
    except UnicodeDecodeError:
        return _looked_through(file, "gb18030", 0, must_read_like_chinese=True)


def _looked_through(file: BinaryIO, encoding: str, mark: int, *, must_read_like_chinese: bool = False) -> Text:
    lines, since, blank, foreign = 0, 0, True, list[str]()
    try:
        for piece in _decoded(file, encoding, mark):
            if "\0" in piece:
                raise FileRefused(FileProblem.BINARY)
            since = _end_of_line(piece, since, lines)
            lines += piece.count("\n") or piece.count("\r")
            blank = blank and not piece.strip()
            if must_read_like_chinese and len(foreign) < _SAMPLE:
                foreign += _FOREIGN.findall(piece)
    except UnicodeDecodeError:
        if encoding == "utf-8" and not mark:
            raise  # perhaps it is the other one
        raise FileRefused(FileProblem.ENCODING) from None
    if must_read_like_chinese and not _reads_like_chinese(foreign):
        raise FileRefused(FileProblem.ENCODING)
    return Text(encoding, mark, lines + (since > 0), blank)


def _end_of_line(piece: str, since: int, lines: int) -> int:
    """How many characters the last line has so far. Raises `FileRefused` for a line without end."""
    first, last = _first_end(piece), max(piece.rfind("\n"), piece.rfind("\r"))
    if since + (first if first >= 0 else len(piece)) > LONGEST_LINE:
        raise FileRefused(FileProblem.ENDLESS_LINE, line=lines + 1, most=LONGEST_LINE)
    return len(piece) - last - 1 if last >= 0 else since + len(piece)


def _first_end(piece: str) -> int:
    ends = [at for at in (piece.find("\n"), piece.find("\r")) if at >= 0]
    return min(ends) if ends else -1


def _decoded(file: BinaryIO, encoding: str, mark: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(mark)
    while block := file.read(PIECE):
        if text := decoder.decode(block):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def _utf16_by_zeros(sample: bytes) -> str | None:
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.3 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _reads_like_chinese(foreign: list[str]) -> bool:
    """Whether most of what is not ASCII is among the 3,755 most used characters or is Chinese punctuation.

    Almost any bytes are *valid* GB18030; Latin-1, Big5 or Shift-JIS read as it give rare characters.
    """
    common = 0
    for character in foreign:
        try:
            first = character.encode("gb2312")[0]
        except UnicodeEncodeError:
            continue
        common += 0xB0 <= first <= 0xD7 or first in (0xA1, 0xA3)
    return common >= _COMMON_SHARE * len(foreign)
