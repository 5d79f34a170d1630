"""Reads the audit's chain again and names what is broken in it: constant memory, short statements, a running shop."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.custody.chains.chain import ENTRIES, LINKS, Chain, Head, head_of, paged
from core.custody.chains.outside import Mark, MarkKind, last_accepted
from core.db import execute

TELL_EVERY = 50_000
MOST_FOUND = 1000
LAG = timedelta(seconds=10)
"""Entries that wait longer for their link are a finding."""

UNLINKED = """
SELECT e.count, e.first, r.done_at FROM
    (SELECT count(*), min(id) AS first FROM (SELECT id FROM audit_entry WHERE id > %s LIMIT 100000) t) e
LEFT JOIN vault_round r ON r.name = %s
"""
LINKS_OF = "SELECT entry_id, link FROM audit_link WHERE entry_id = ANY (%s::bigint[])"

CHAINED = "audit.chained"
"""The name of the round that links."""


class BreakKind(StrEnum):
    """How an entry and its link do not fit."""

    EDITED = "edited"  # the entry, or its link, is not what was linked
    DELETED = "deleted"  # a link without its entry
    INSERTED = "inserted"  # an entry among linked ones that never was linked
    CUT = "cut"  # written down outside, and gone from the database, or another there


@dataclass(frozen=True, slots=True)
class Break:
    """What is broken, and at which entry."""

    kind: BreakKind
    entry: int


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Entries behind the chain's head: how many (at most 100,000), the first, and whether for longer than `LAG`."""

    count: int
    first: int | None
    is_late: bool


@dataclass(slots=True)
class Reading:
    """One pass over a stretch of the chain; `entries` and `last` tell how far it has come, `progress` too."""

    chain: Chain
    last: Head
    progress: Callable[[int, int], None] = lambda done, about: None
    entries: int = 0

    def breaks(self, upto: int) -> Iterator[Break]:
        """What is broken above `last` and up to the entry `upto`, in the order of the entries."""
        links = paged(LINKS, self.last.entry, upto)
        link = next(links, None)
        for entry, text in paged(ENTRIES, self.last.entry, upto):
            self.entries += 1
            if self.entries % TELL_EVERY == 0:
                self.progress(self.entries, upto)
            while link is not None and link[0] < entry:
                yield Break(BreakKind.DELETED, link[0])
                self.last, link = Head(link[0], bytes(link[1])), next(links, None)
            if link is None or link[0] != entry:
                yield Break(BreakKind.INSERTED, entry)
                continue
            stored = bytes(link[1])
            if not hmac.compare_digest(self.chain.link(self.last.link, text), stored):
                yield Break(BreakKind.EDITED, entry)
            self.last, link = Head(entry, stored), next(links, None)
        while link is not None:
            yield Break(BreakKind.DELETED, link[0])
            self.last, link = Head(link[0], bytes(link[1])), next(links, None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a whole reading came to; `first` is the first break that nobody has accepted, `broken` counts them."""

    entries: int
    head: int | None
    broken: int
    first: Break | None
    entries_broken: tuple[int, ...]
    marks: int
    unlinked: Unlinked


def read_whole(
    chain: Chain, marks: Sequence[Mark], copies: Sequence[Mark], now: datetime, progress: Callable[[int, int], None]
) -> Verdict:
    """Read the whole chain up to its present head, and compare it with what was written down outside."""
    head, reading = head_of(chain), Reading(chain, chain.start, progress)
    known = {entry for mark in marks if mark.kind is MarkKind.ACCEPTED for entry in mark.broken}
    found: list[Break] = []
    count = 0
    for one in reading.breaks(head.entry):
        if one.entry not in known:
            count += 1
            found += [one] if len(found) < MOST_FOUND else []
    lost = cut([*marks[last_accepted(marks) :], *copies])
    breaks = sorted([*found, *lost], key=lambda one: one.entry)
    return Verdict(
        entries=reading.entries,
        head=None if head == chain.start else head.entry,
        broken=count + len(lost),
        first=breaks[0] if breaks else None,
        entries_broken=tuple(one.entry for one in found),
        marks=len(marks) + len(copies),
        unlinked=unlinked(head, now),
    )


def cut(marks: Sequence[Mark]) -> list[Break]:
    """The entries that were written down outside and do not stand in the chain as they did."""
    rows = execute(LINKS_OF, ([mark.entry for mark in marks],))
    there = {entry: bytes(link) for entry, link in rows}
    lost = {
        mark.entry
        for mark in marks
        if mark.kind is MarkKind.CUT or not hmac.compare_digest(there.get(mark.entry, b""), mark.link)
    }
    return [Break(BreakKind.CUT, entry) for entry in sorted(lost)]


def unlinked(head: Head, now: datetime) -> Unlinked:
    """What waits for its link; late when no round has come to its end for `LAG`."""
    count, first, done_at = execute(UNLINKED, (head.entry, CHAINED))[0]
    return Unlinked(int(count), first, bool(count) and (done_at is None or now - done_at > LAG))
