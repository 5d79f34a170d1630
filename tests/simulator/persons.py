"""Who was ever one shopper with whom: money and orders of theirs may be with any of them, and with nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

NOW = "SELECT id, shopper_id FROM conversation"
"""Each chat, and whose it is now."""


@dataclass
class Persons:
    """The payers of a run, by number; `chats` are their conversations, in the same order.

    Two of them count as one from the moment their chats had one shopper, also after they parted again: the wallet
    stayed with one of them then, and what it had paid went with the other.
    """

    chats: Sequence[UUID]
    _first: list[int] = field(default_factory=list)
    _now: dict[UUID, int] = field(default_factory=dict)

    def see(self, shoppers: Mapping[UUID, UUID]) -> None:
        """Take in whose each chat is now."""
        self._first = self._first or list(range(len(self.chats)))
        self._now = {}
        for payer, chat in enumerate(self.chats):
            other = self._now.setdefault(shoppers[chat], payer)
            self._join(payer, other)

    def group(self, payer: int) -> int:
        """The same number for all who were ever one shopper."""
        while self._first[payer] != payer:
            payer = self._first[payer]
        return payer

    def group_of(self, shopper: UUID) -> int | None:
        """The group of a shopper as it is now; None for one who became part of another, and has nothing any more."""
        payer = self._now.get(shopper)
        return None if payer is None else self.group(payer)

    def _join(self, one: int, other: int) -> None:
        groups = self.group(one), self.group(other)
        self._first[max(groups)] = min(groups)
