"""Links what the audit has got, each second, and looks whether the database still has what it had before."""

from __future__ import annotations

import hmac
import threading
import time
from datetime import datetime, timedelta

import structlog

from core.custody.chains.chain import ENTRIES, PART, Chain, Head, Horizon, head_of, horizon, writers
from core.custody.chains.outside import Mark, MarkKind, MarksAltered, Outside
from core.db import execute
from core.messages.alerts import AlertKind, raise_alert

PATIENCE = 0.4
"""Seconds within one round to wait for the transactions that may still bring a lower id."""

LONGEST_LAG = 10.0
"""Seconds after which an entry that is not linked is a failure."""

APPEND = """
INSERT INTO audit_link (entry_id, link)
SELECT id, substr(%s::bytea, 32 * (place - 1)::int + 1, 32) FROM unnest(%s::bigint[]) WITH ORDINALITY AS e (id, place)
"""
"""The links come as one value, one behind the other: an array of them would take longer to write than to compute."""

LINK_OF = "SELECT link FROM audit_link WHERE entry_id = %s"
TOLD_FOR = timedelta(hours=1)

log = structlog.get_logger()


class ChainWaits(Exception):
    """A transaction that may write to the audit has been under way for too long; the entries after it wait."""


class Chainer:
    """The chain of one vault, in the thread of its rounds; `outside` is shared with the requests under `lock`."""

    def __init__(self, chain: Chain, outside: Outside, lock: threading.Lock) -> None:
        self._chain = chain
        self._outside = outside
        self._lock = lock
        self._aim: Horizon | None = None
        self._aimed_at = 0.0

    def link_new(self, now: datetime) -> int:
        """A round: link all entries that are settled; returns how many. Raises `ChainWaits`, OSError.

        Whatever came before the round began is linked when it ends, unless a transaction keeps it waiting.
        """
        head = head_of(self._chain)
        self._look_back(head, now)
        if self._aim is None:
            self._aim, self._aimed_at = horizon(), time.monotonic()
        linked = 0
        if self._aim.last > head.entry:
            if not self._is_settled(self._aim):
                return 0
            linked, head = self._link(head, self._aim.last)
        self._aim = None
        self._keep(head, now)
        return linked

    def mark(self, now: datetime) -> int:
        """A round: one more line outside, however far the chain has come; the first entry begins it."""
        head = head_of(self._chain)
        if head == self._chain.start:
            return 0
        with self._lock:
            self._outside.add(Mark(MarkKind.HEAD, now, head.entry, head.link))
        return 1

    def _is_settled(self, aim: Horizon) -> bool:
        end = time.monotonic() + PATIENCE
        while aim.writers & writers():
            if time.monotonic() - self._aimed_at > LONGEST_LAG:
                raise ChainWaits
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def _link(self, head: Head, last: int) -> tuple[int, Head]:
        linked = 0
        while rows := execute(ENTRIES, (head.entry, last, PART)):
            ids, links, link = [], [], head.link
            for entry, text in rows:
                link = self._chain.link(link, text)
                ids.append(entry)
                links.append(link)
            execute(APPEND, (b"".join(links), ids))
            head = Head(ids[-1], link)
            linked += len(ids)
        return linked, head

    def _look_back(self, head: Head, now: datetime) -> None:
        """What was written down outside must still stand in the database; else that is written down, and told."""
        with self._lock:
            try:
                kept = self._outside.head()
                if kept is None and head == self._chain.start:
                    self._outside.keep(head)  # before the first link, so that files that are gone show
                    return
                lost = head if kept is None else (None if self._is_there(kept) else kept)
                if lost is not None:
                    self._outside.add(Mark(MarkKind.CUT, now, lost.entry, lost.link))
                    self._outside.keep(head)
            except MarksAltered as altered:
                self._tell("audit.marks", str(altered), now)
                return
        if lost is not None:
            self._tell("audit", f"entry {lost.entry} is not as it was written down outside the database", now)

    def _keep(self, head: Head, now: datetime) -> None:
        with self._lock:
            try:
                if self._outside.head() != head:
                    self._outside.keep(head)
            except MarksAltered as altered:
                self._tell("audit.marks", str(altered), now)

    def _tell(self, subject: str, problem: str, now: datetime) -> None:
        log.error("the audit is not what it was", subject=subject, problem=problem)
        raise_alert(kind=AlertKind.AUDIT_BROKEN, subject=subject, detail={"problem": problem}, now=now, quiet=TOLD_FOR)

    def _is_there(self, head: Head) -> bool:
        if head == self._chain.start:
            return True
        rows = execute(LINK_OF, (head.entry,))
        return bool(rows) and hmac.compare_digest(bytes(rows[0][0]), head.link)
