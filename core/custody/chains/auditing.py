"""The audit's side of the vault's desk: what may be asked of the chain, and what is done by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.chains.chain import Head, chain_of, head_of
from core.custody.chains.chain_check import CHAINED, Break, Reading, Verdict, cut, read_whole, unlinked
from core.custody.chains.chainer import Chainer
from core.custody.chains.outside import Mark, MarkKind, MarksAltered, Outside, last_accepted
from core.custody.keychain.keys import OpenVault
from core.custody.rounds import Round
from core.messages.alerts import AlertKind, raise_alert
from core.vault.client import VaultCode

REREAD = 20_000
"""Entries that are read again in a round, so that what was changed long ago shows without anybody asking."""

CATCH_UP = 3.0
"""Seconds that who asks waits for entries without a link, before they are called late."""

Progress = Callable[[int, int], None]
Answer = dict[str, Any]


class AuditRefused(Exception):
    """The request cannot be done; the text says why, in one sentence."""

    code = VaultCode.AUDIT_REFUSED


class Auditor:
    """The chain of one vault: its chainer, the files outside, and who reads it again."""

    def __init__(self, vault: OpenVault, folder: Path, now: Callable[[], datetime]) -> None:
        self._chain = chain_of(vault.keys.audit, vault.vault_id)
        self._outside = Outside(folder, vault.keys.audit)
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._now = now
        self._reread = self._chain.start
        self._found: Break | None = None
        self.chainer = Chainer(self._chain, self._outside, self._lock)

    def rounds(self) -> list[Round]:
        """What is done by itself."""
        return [
            Round(CHAINED, 1, self.chainer.link_new),
            Round("audit.read_again", 60, self.read_again),
            Round("audit.marked", 3600, self.chainer.mark),
        ]

    def answer(self, request: Mapping[str, Any], progress: Progress) -> Answer:
        """Verify the whole chain, tell how it stands, give out a mark, or accept what was found.

        Raises `AuditRefused`.
        """
        acts: dict[str, Callable[[], Answer]] = {
            "verify": lambda: self._verify(request, progress),
            "standing": self._standing,
            "mark": self._mark,
            "accept": lambda: self._accept(request, progress),
        }
        act = acts.get(str(request.get("act")))
        if act is None:
            raise AuditRefused("the audit knows no such request")
        return {"ok": True} | act()

    def read_again(self, now: datetime) -> int:
        """A round: read the next stretch of the chain, from the start again after its end; what is broken is told."""
        head, reading = head_of(self._chain), Reading(self._chain, self._reread)
        upto = min(self._reread.entry + REREAD if self._reread != self._chain.start else REREAD, head.entry)
        known = self._known()
        found = next((one for one in reading.breaks(upto) if one.entry not in known), None)
        self._reread = self._chain.start if found or upto >= head.entry else reading.last
        if found is not None:
            self._found = found
            problem = f"entry {found.entry} was {found.kind.value}"
            raise_alert(kind=AlertKind.AUDIT_BROKEN, subject="audit", detail={"problem": problem}, now=now)
        return reading.entries

    def _verify(self, request: Mapping[str, Any], progress: Progress) -> Answer:
        verdict, altered = self._read(request, progress)
        first, waits = verdict.first, verdict.unlinked
        return {
            "entries": verdict.entries,
            "head": verdict.head,
            "broken": verdict.broken,
            "first": [first.kind.value, first.entry] if first else None,
            "marks": verdict.marks,
            "altered": altered,
            "unlinked": [waits.count, waits.first, waits.is_late],
        }

    def _read(self, request: Mapping[str, Any], progress: Progress) -> tuple[Verdict, str | None]:
        if not self._reading.acquire(blocking=False):
            raise AuditRefused("the audit is being read already: ask again when that has ended")
        try:
            self._let_catch_up()
            marks, altered = self._marks()
            try:
                copies = self._outside.copies([str(line) for line in request.get("copies") or ()])
            except MarksAltered as refused:
                raise AuditRefused(f"of the file that was given, {refused}") from None
            verdict = read_whole(self._chain, marks, copies, self._now(), progress)
        finally:
            self._reading.release()
        self._found = verdict.first
        return verdict, altered

    def _standing(self) -> Answer:
        """What is known without reading the chain: the files outside, the last links, what waits, what was found."""
        self._let_catch_up()
        marks, altered = self._marks()
        head = head_of(self._chain)
        lost = cut(marks[last_accepted(marks) :])
        found = lost[0] if lost else self._found
        waits = unlinked(head, self._now())
        return {
            "head": None if head == self._chain.start else head.entry,
            "first": [found.kind.value, found.entry] if found else None,
            "altered": altered,
            "unlinked": [waits.count, waits.first, waits.is_late],
        }

    def _mark(self) -> Answer:
        head = self._linked_head()
        mark = Mark(MarkKind.HEAD, self._now(), head.entry, head.link)
        with self._lock:
            try:
                self._outside.add(mark)
            except MarksAltered as altered:
                raise AuditRefused(f"{altered}: look at it (`audit verify`), then `audit accept`") from None
        return {"entry": head.entry, "line": self._outside.copied(mark)}

    def _accept(self, request: Mapping[str, Any], progress: Progress) -> Answer:
        """Write down, here and in the audit, that a person has looked at what is broken, and why it may stay."""
        reason = str(request.get("reason") or "").strip()
        if not 3 <= len(reason) <= 500:
            raise AuditRefused("say why, in 3 to 500 characters")
        verdict, altered = self._read({}, progress)
        if not verdict.broken and altered is None:
            raise AuditRefused("nothing is broken")
        head, now = self._linked_head(), self._now()
        broken = tuple(sorted({*verdict.entries_broken, *self._known()}))
        with self._lock:
            if altered is not None:
                self._outside.begin_anew()
            self._outside.add(Mark(MarkKind.ACCEPTED, now, head.entry, head.link, reason, broken))
        detail: dict[str, str | int | bool | None] = {"broken": verdict.broken, "reason": reason, "altered": altered}
        kind = "audit"
        append(actor=OPERATOR, action="audit.accepted", object_kind=kind, object_id=head.entry, detail=detail, now=now)
        self._found = None
        return {"broken": verdict.broken, "altered": altered}

    def _let_catch_up(self) -> None:
        """A vault that was just started has a moment to link what was written while there was none."""
        end = time.monotonic() + CATCH_UP
        while unlinked(head_of(self._chain), self._now()).is_late and time.monotonic() < end:
            time.sleep(0.05)

    def _linked_head(self) -> Head:
        head = head_of(self._chain)
        if head == self._chain.start:
            raise AuditRefused("the audit has no entry yet")
        return head

    def _marks(self) -> tuple[list[Mark], str | None]:
        with self._lock:
            try:
                self._outside.head()
                return self._outside.marks(), None
            except MarksAltered as altered:
                return [], str(altered)

    def _known(self) -> set[int]:
        return {entry for mark in self._marks()[0] if mark.kind is MarkKind.ACCEPTED for entry in mark.broken}
