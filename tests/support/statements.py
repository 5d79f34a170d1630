"""What is said to the database meanwhile, by whichever of the store's logins of this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from core.db import StoreDatabase


@contextlib.contextmanager
def recorded() -> Iterator[list[str]]:
    """The statements, BEGIN and COMMIT left out, in the order in which they are said."""
    real, asked = StoreDatabase.execute_sql, list[str]()

    def note(self: StoreDatabase, sql: str, *more: Any, **others: Any) -> Any:
        if not sql.startswith(("BEGIN", "COMMIT")):
            asked.append(sql)
        return real(self, sql, *more, **others)

    StoreDatabase.execute_sql = note  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        StoreDatabase.execute_sql = real  # type: ignore[method-assign]
