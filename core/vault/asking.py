"""What groups of requests to the vault share: they are asked by the client that they are part of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Asking:
    """A group of requests; the client knows the way to the vault."""

    def _ask(
        self,
        request: dict[str, Any],
        *,
        progress: Callable[[int, int], None] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        raise AssertionError("the client knows the way")
