"""One transcript as it is written: headings, who says what, buttons in brackets, pages in angles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.transcripts.masks import Masks

FENCE = "```text"
Rows = Sequence[Sequence[str]]


class Paper:
    """Collects lines; what several chats say goes into one paper in the order in which it happened."""

    def __init__(self, masks: Masks, title: str, about: Iterable[str]) -> None:
        self.masks = masks
        self._lines = [f"# {title}", "", *about]
        self._is_open = False
        self._level = 2

    def chapter(self, words: str) -> None:
        """Several parts together; all parts after it belong to one."""
        self._close()
        self._lines += ["", f"## {words}"]
        self._level = 3

    def heading(self, words: str) -> None:
        """A part of the conversation."""
        self._close()
        self._lines += ["", f"{'#' * self._level} {words}"]

    def said(self, who: str, text: str, rows: Rows = (), *, mark: str = "▸") -> None:
        """What somebody says, with the buttons below it."""
        self._open()
        first, *rest = self.masks.hide(text).strip("\n").split("\n")
        self._lines.append(f"{who} {mark} {first}".rstrip())
        self._lines += [f"    {line}".rstrip() for line in rest]
        self._lines += [f"    {self.masks.hide(' '.join(f'[{label}]' for label in row))}" for row in rows]
        self._lines.append("")

    def aside(self, text: str, lines: Iterable[str] = ()) -> None:
        """What happens besides, and what stands on a page that is opened."""
        self._open()
        self._lines.append(self.masks.hide(text))
        self._lines += [f"    ‹ {self.masks.hide(line)}" for line in lines]
        self._lines.append("")

    def write(self, file: Path) -> None:
        """Write the file."""
        self._close()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(self._lines) + "\n", "utf-8")

    def _open(self) -> None:
        if not self._is_open:
            self._lines += ["", FENCE]
            self._is_open = True

    def _close(self) -> None:
        if self._is_open:
            if not self._lines[-1]:
                self._lines.pop()
            self._lines.append("```")
            self._is_open = False
