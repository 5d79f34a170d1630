"""Data keys of batches that sell just now, so that each order of a rush does not open the same key again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

MOST = 64


class Signed(NamedTuple):
    """All that a data key and its signature depend on: with one bit changed it is another entry, and opened afresh."""

    batch: UUID
    sku: int
    owner: int
    card_count: int
    source_hash: bytes
    sealed: bytes
    signature: bytes


class BatchKeys:
    """At most 64 opened keys, in the memory of the vault, which has the key that opens all of them anyway."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._keys: dict[Signed, bytes] = {}

    def of(self, signed: Signed, open_it: Callable[[], bytes | None]) -> bytes | None:
        """The key as it was opened before, else as `open_it` opens it; what does not open is not remembered."""
        known = self._keys.get(signed)
        if known is not None:
            return known
        key = open_it()
        if key is not None:
            if len(self._keys) >= MOST:
                self._keys.clear()
            self._keys[signed] = key
        return key

    def forget(self) -> None:
        """Open everything afresh: a version of the vault's key has gone."""
        self._keys.clear()
