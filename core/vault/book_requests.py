"""What the command line asks the vault about the checkpoints of the books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LONGEST_CHECK = 120.0  # seconds: a chain of ten years of hours takes one


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the vault says of the chain: how long it is, and the first checkpoint that is not as the vault wrote it,
    with the reason (empty for a whole chain).
    """

    checkpoints: int
    first_bad: int | None
    reason: str


class BookRequests:
    """The books' part of `VaultClient`."""

    def vouch_for_books(self) -> Vouched:
        """Have every checkpoint's seal checked. Raises `VaultAway`, `VaultRefused`."""
        answer = self._ask({"op": "books"}, timeout=LONGEST_CHECK)
        first = answer["first_bad"]
        return Vouched(int(answer["checkpoints"]), None if first is None else int(first), str(answer["reason"]))

    def _ask(
        self,
        request: dict[str, Any],
        *,
        progress: Callable[[int, int], None] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        raise AssertionError("the client knows the way")
