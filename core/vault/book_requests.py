"""What the command line asks the vault about the checkpoints of the books."""

from __future__ import annotations

from dataclasses import dataclass

from core.vault.asking import Asking

LONGEST_CHECK = 120.0  # seconds: a chain of ten years of hours takes one


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the vault says of the chain: how long it is, and the first checkpoint that is not as the vault wrote it,
    with the reason (empty for a whole chain).
    """

    checkpoints: int
    first_bad: int | None
    reason: str


class BookRequests(Asking):
    """The books' part of `VaultClient`."""

    def vouch_for_books(self) -> Vouched:
        """Have every checkpoint's seal checked. Raises `VaultAway`, `VaultRefused`."""
        answer = self._ask({"op": "books"}, timeout=LONGEST_CHECK)
        first = answer["first_bad"]
        return Vouched(int(answer["checkpoints"]), None if first is None else int(first), str(answer["reason"]))
