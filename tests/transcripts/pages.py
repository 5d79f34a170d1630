"""A page as it reads: the words that stand on it, buttons in brackets, one line a block."""

from __future__ import annotations

from html.parser import HTMLParser

SILENT = {"script", "style", "svg", "template", "noscript", "title", "head"}
INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "output", "small", "span", "strong", "time"}
EMPTY = {"br", "hr", "img", "input", "link", "meta", "use", "path"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self._open: list[tuple[str, bool]] = []

    @property
    def _is_silent(self) -> bool:
        return any(silent for _, silent in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in INLINE:
            self.lines.append("")
        if tag not in EMPTY:
            silent = tag in SILENT or "hidden" in given or given.get("aria-hidden") == "true"
            self._open.append((tag, silent))
        if tag == "button" and not self._is_silent:
            self.lines[-1] = "["

    def handle_endtag(self, tag: str) -> None:
        if all(tag != opened for opened, _ in self._open):
            return
        while self._open.pop()[0] != tag:
            pass
        if tag == "button" and not self._is_silent and self.lines[-1].startswith("["):
            self.lines[-1] = self.lines[-1].rstrip() + "]"
        if tag not in INLINE:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self._is_silent and (words := " ".join(data.split())):
            line = self.lines[-1]
            self.lines[-1] = f"{line} {words}" if line and not line.endswith("[") else line + words


def page_lines(page: str) -> list[str]:
    """The visible lines of a page, from top to bottom, without those that say nothing."""
    reader = _Reader()
    reader.feed(page)
    return [line for line in reader.lines if line.strip(" []·")]
