"""XML as if it were hostile: no document types, no entities, no depth, no tag and no variety of names without end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.parsers import expat

from core.workbooks.problems import FileProblem, FileRefused

_DEEPEST = 64
_MOST_NAMES = 1000  # of elements
_LONGEST_TOKEN = 1024 * 1024  # bytes of one tag or attribute

Attributes = dict[str, str]


class Guard:
    """An expat parser that knows neither document types nor entities, and no endless depth."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator="|")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.depth = 0
        self._fed = 0

    @staticmethod
    def _refuse(*_: object) -> None:
        raise FileRefused(FileProblem.DAMAGED)

    def feed(self, block: bytes, *, last: bool) -> None:
        """The next bytes. Raises `FileRefused`."""
        try:
            self.parser.Parse(block, last)
        except (expat.ExpatError, LookupError, ValueError):  # the last two: an encoding that is none, or no XML's
            raise FileRefused(FileProblem.DAMAGED) from None
        self._fed += len(block)
        if self._fed - self.parser.CurrentByteIndex > _LONGEST_TOKEN:  # a tag without end is kept as a whole
            raise FileRefused(FileProblem.BOMB)

    def handle(
        self,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None,
        text: Callable[[str], None] | None,
    ) -> None:
        """Say who hears of elements (by their names without space) and of text."""
        local: dict[str, str] = {}  # names without their space, few in any honest file

        def plain(name: str) -> str:
            if len(local) > _MOST_NAMES:
                self._refuse()
            return local.setdefault(name, name.rpartition("|")[2])

        def deeper(name: str, attributes: Attributes) -> None:
            self.depth += 1
            if self.depth > _DEEPEST:
                self._refuse()
            start(local.get(name) or plain(name), attributes)

        def back(name: str) -> None:
            self.depth -= 1
            if end:
                end(local[name])

        self.parser.StartElementHandler = deeper
        self.parser.EndElementHandler = back
        if text:
            self.parser.CharacterDataHandler = text


def parse(
    blocks: Iterable[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None,
    text: Callable[[str], None] | None,
) -> None:
    """One entry from its start to its end. Raises `FileRefused`."""
    guard = Guard()
    guard.handle(start, end, text)
    for block in blocks:
        guard.feed(block, last=False)
    guard.feed(b"", last=True)
