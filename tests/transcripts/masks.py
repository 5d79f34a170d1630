"""Makes a second run write the same: ids, cards, codes, times and addresses become steady words, one for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta

NUMBER = re.compile(r"\b(ord|pay|idn)_[0-9a-z]{20,}\b")
TAIL = re.compile(r"…([0-9a-z]{6})\b")
ERROR = re.compile(r"\berr_[0-9a-z]+\b")
CLOCK = re.compile(r"(?<!GMT[+-])\b[0-2]\d:[0-5]\d\b")
BINDING = re.compile(r"(绑定|bind) [0-9A-Z]{4}-[0-9A-Z]{4}\b")
LOCAL = re.compile(r"http://127\.0\.0\.1:\d+")
DAYS_AROUND = 3  # a run may last over midnight, anywhere on earth


class Masks:
    """What was replaced so far in one transcript, so that the same value has the same name throughout."""

    def __init__(self, today: date, cards: Iterable[str]) -> None:
        self._cards = re.compile("|".join(re.escape(card) for card in sorted(cards, key=len, reverse=True)))
        self._known: dict[str, str] = {}
        self._days = [today + timedelta(days) for days in range(-DAYS_AROUND, DAYS_AROUND + 1)]

    def hide(self, text: str) -> str:
        """The text with stable words in the place of what differs from run to run."""
        text = LOCAL.sub("https://shop.example", text)
        text = NUMBER.sub(lambda found: f"{found[1]}_…{self._tail(found[0][-6:])}", text)
        text = TAIL.sub(lambda found: f"…{self._tail(found[1])}", text)
        text = self._cards.sub(lambda found: self._card(found[0]), text)
        text = BINDING.sub(r"\1 AB12-CD34", text)
        return self._moments(ERROR.sub("err_…", text))

    def _tail(self, tail: str) -> str:
        if tail.isdigit() and tail.startswith("0000"):
            return tail  # replaced already
        return self._numbered("tail", tail, lambda count: f"{count:06}")

    def _card(self, value: str) -> str:
        kind = "TV" if value.startswith("TV") else "KEY"
        return self._numbered(kind, value, lambda count: f"{kind}…{count}")

    def _numbered(self, kind: str, value: str, named: Callable[[int], str]) -> str:
        key = f"{kind} {value}"
        if key not in self._known:
            count = 1 + sum(known.startswith(f"{kind} ") for known in self._known)
            self._known[key] = named(count)
        return self._known[key]

    def _moments(self, text: str) -> str:
        for day in self._days:
            months = f"{day:%b} {day.day}"
            text = text.replace(f"{day.year}年{day.month}月{day.day}日", "2027年1月2日")
            text = text.replace(f"{months}, {day.year}", "Jan 2, 2027")
            text = re.sub(rf"(?<![\d年]){day.month}月{day.day}日 (?=\d\d:)", "", text)
            text = re.sub(rf"\b{months}, (?=\d\d:)", "", text)
        return CLOCK.sub("12:00", text)
