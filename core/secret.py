"""A value that must never be seen by accident: cards, keys, tokens, passwords."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Bytes that print as a mask; `reveal()` is the one way to them, easy to search for in a review."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The bytes themselves. Whoever calls this answers for where they go."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(Secret)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")


class NoSecret(Secret):
    """A key that this process does not have: whatever would use it is a defect, found at once."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(b"")

    def reveal(self) -> NoReturn:
        """Always raises."""
        raise RuntimeError("this process was given no such key")
