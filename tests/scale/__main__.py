"""`python -m tests.scale [ORDERS [MORE …]]`: fills a throw-away store and prints how long `verify` takes at each size.

Sizes are orders in all; each has one card that it delivered and two that are free, and 3.2 transfers.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.scale.filling import Filler
from tests.scale.measuring import Store, measure
from tests.support.engines import Databases, TestEngines


def main(sizes: list[int]) -> int:
    """Fill, measure, fill on; 1 if anything was found that is not there."""
    engines = TestEngines(Path(tempfile.gettempdir()))
    addresses = engines.start()
    databases = Databases(addresses)
    name = databases.copy()
    urls, connections = addresses.of(name), dict[str, Any]()

    def sql(statement: str, params: Any = None, *, role: str = "owner") -> list[tuple[Any, ...]]:
        if role not in connections:
            connections[role] = psycopg.connect(urls[role], autocommit=True)
        cursor = connections[role].execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    wrong = False
    try:
        filler, store, orders = Filler(sql), Store(urls, sql, engines.folder), 0
        for size in sizes:
            began = time.monotonic()
            filler.sell(size - orders, later=store.days)
            sql("VACUUM ANALYZE", role="superuser")
            print(f"filled to {size:,} orders in {time.monotonic() - began:.0f} s", flush=True)
            orders = size
            found = measure(store, sql, kill_after=min(20.0, size / 20_000), tell=lambda text: print(text, flush=True))
            print(
                f"orders {found.size.orders:,}  cards {found.size.cards:,}  transfers {found.size.transfers:,}"
                f"  accounts {found.size.accounts:,}  audit entries {found.size.audit:,}\n"
                f"  {found.checkpoints} checkpoints {found.checkpointing:.1f} s"
                f"  verify {found.verifying:.2f} s, violations {found.violations}\n"
                f"  verify --full killed at {found.killed_at}, then {found.reading:.0f} s to its end,"
                f" {'clean' if found.is_clean else 'NOT CLEAN'}",
                flush=True,
            )
            wrong |= bool(found.violations) or not found.is_clean
    finally:
        databases.close()
        engines.stop()
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main([int(text) for text in sys.argv[1:]] or [100_000, 1_000_000]))
