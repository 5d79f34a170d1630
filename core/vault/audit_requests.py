"""What the command line asks the vault about the audit's chain; the client's connection is another file's affair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.vault.asking import Asking

LONGEST_READING = 3600.0  # seconds without a word; the vault tells its progress meanwhile


@dataclass(frozen=True, slots=True)
class AuditStanding:
    """What is known of the chain. `first` is what is broken first: how (`edited`, `deleted`, …) and at which entry.

    `unlinked` entries wait for their link, from `unlinked_first` on, `is_late` for more than 10 s. `altered` says in a
    sentence what is wrong with the files outside the database.
    """

    head: int | None
    first: tuple[str, int] | None
    altered: str | None
    unlinked: int
    unlinked_first: int | None
    is_late: bool

    @property
    def is_sound(self) -> bool:
        """Whether nothing is broken, altered or late."""
        return self.first is None and self.altered is None and not self.is_late


@dataclass(frozen=True, slots=True)
class AuditReport(AuditStanding):
    """The same after the whole chain was read: how many entries, marks outside, and broken ones."""

    entries: int
    marks: int
    broken: int


class AuditRequests(Asking):
    """The audit's part of `VaultClient`."""

    def verify_audit(
        self, *, copies: Sequence[str] = (), progress: Callable[[int, int], None] | None = None
    ) -> AuditReport:
        """Have the whole chain read, and compared with the marks outside and with `copies` of such lines.

        Raises `VaultAway`, `VaultRefused`.
        """
        asked = {"op": "audit", "act": "verify", "copies": list(copies)}
        answer = self._ask(asked, progress=progress, timeout=LONGEST_READING)
        entries, marks, broken = (int(answer[name]) for name in ("entries", "marks", "broken"))
        return AuditReport(**_standing(answer), entries=entries, marks=marks, broken=broken)

    def audit_standing(self) -> AuditStanding:
        """What is known of the chain without reading it. Raises `VaultAway`, `VaultRefused`."""
        return AuditStanding(**_standing(self._ask({"op": "audit", "act": "standing"})))

    def mark_audit(self) -> tuple[int, str]:
        """Write down outside how far the chain has come; the entry, and a line to be kept elsewhere.

        Raises `VaultAway`, `VaultRefused` (AUDIT_REFUSED without any entry, or where the files were altered).
        """
        answer = self._ask({"op": "audit", "act": "mark"})
        return int(answer["entry"]), str(answer["line"])

    def accept_audit(self, *, reason: str) -> int:
        """Say that a person has looked at all that is broken now; returns how much that is.

        Raises `VaultAway`, `VaultRefused` (AUDIT_REFUSED where nothing is broken, or no reason was given).
        """
        asked = {"op": "audit", "act": "accept", "reason": reason}
        return int(self._ask(asked, timeout=LONGEST_READING)["broken"])


def _standing(answer: dict[str, Any]) -> dict[str, Any]:
    first, (count, entry, is_late) = answer["first"], answer["unlinked"]
    return {
        "head": answer["head"],
        "first": (str(first[0]), int(first[1])) if first else None,
        "altered": answer["altered"],
        "unlinked": int(count),
        "unlinked_first": entry,
        "is_late": bool(is_late),
    }
