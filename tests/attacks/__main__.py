"""`python -m tests.attacks [inside] [writer] [canaries]`: tries each attack on stores of its own and prints its end.

Each line is one thing that was tried. Exit status 1 if anything worked that must not, or if a control did not work.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import structlog

from core import db
from core.config import Config, Database, DatabaseRoles, Store
from ops.installation import Kind
from ops.isolation.accounts import Split
from ops.isolation.entitlements import CONFINED
from ops.store import running
from tests.attacks.canaries import hunted
from tests.attacks.staging import HARMLESS, MAY_ALSO, Siege, siege
from tests.attacks.writer import ALL_AT_ONCE, WAYS, Attempt, attempt
from tests.support.chatter import Chatter
from tests.support.engines import Databases, TestEngines
from tests.support.sales import a_counter
from tests.support.vaults import desk_vault
from tests.support.whole import WholeStore


def main(wanted: list[str]) -> int:
    """Run the wanted parts, all by default; returns how many things worked that must not."""
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what the attacked processes say of each attempt
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parts: dict[str, Callable[[], int]] = {"inside": inside, "writer": writer, "canaries": canaries}
    failures = sum(part() for name, part in parts.items() if not wanted or name in wanted)
    print(f"\n{failures} attacks worked" if failures else "\nall was refused")
    return failures


def inside() -> int:
    """From inside web, bot and worker; where root runs this, in both ways of keeping them apart."""
    failures = 0
    for split in [Split.LANDLOCK, *([Split.USERS] if os.geteuid() == 0 else [])]:
        with fresh() as config, siege(config, split) as besieged:
            for name, found in besieged.attacked(*CONFINED).items():
                print(f"\ninside {name}, kept apart by {split.value}:")
                for what, end in found.items():
                    is_allowed = what in HARMLESS or what in MAY_ALSO.get(name, set())
                    failures += (end == "done") != is_allowed
                    print(f"  {what}: {'works, as it must' if is_allowed and end == 'done' else outcome(end)}")
    with fresh() as config, siege(config, Split.LANDLOCK) as besieged:
        failures += control(besieged)
    return failures


def control(besieged: Siege) -> int:
    """The same from inside the vault, which nothing shuts in; returns 1 if it does not reach the keys."""
    found = besieged.attacked("vault")["vault"]
    reached = sum(end == "done" for end in found.values())
    print(f"\ncontrol, the same inside the unconfined vault: {reached} of {len(found)} work")
    return int(found["read the vault key"] != "done")


def outcome(end: str) -> str:
    """In words."""
    return "IT WORKED" if end == "done" else f"refused ({end})"


def writer() -> int:
    """With web's database password, and nothing else; each way on a database of its own."""
    failures, engines = 0, TestEngines()
    try:
        addresses = engines.start()
        databases = Databases(addresses)
        print("\nwith web's database password, against somebody else's sale:")
        for way in [*WAYS, ALL_AT_ONCE]:
            found = written(way, engines, addresses.of(databases.create()))
            failures += not found.is_refused
            print(f"  {way}: {found}")
        databases.close()
    finally:
        engines.stop()
    return failures


def written(way: str, engines: TestEngines, urls: dict[str, str]) -> Attempt:
    """One way against a shop with stock."""
    roles = DatabaseRoles(**{name: urls[name] for name in vars(DatabaseRoles())})
    config = Config(store=Store(data_dir=engines.folder), database=Database(url=urls["owner"], roles=roles))
    with ExitStack() as stack:
        connections = {role: stack.enter_context(psycopg.connect(urls[role], autocommit=True)) for role in urls}

        def sql(statement: str, params: object = None, *, role: str = "owner") -> list[tuple[object, ...]]:
            cursor = connections[role].execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

        db.connect(urls["shop"], size=4)
        stack.callback(db.disconnect)
        counter = a_counter(desk_vault(config), sql)
        return attempt(counter, way, lambda statement, names: sql(statement, names, role="shop"))


def canaries() -> int:
    """1,000 cards through a whole store."""
    store = WholeStore()
    try:
        store.start()
        buyer = Chatter(store.address)
        hunt = hunted(store, buyer, count=1000, bought=100)
        buyer.close()
    finally:
        store.remove()
    print(f"\n1,000 canaries imported, {len(hunt.read)} sold and read by their buyer; found elsewhere:")
    for place in hunt.found:
        print(f"  {place} ({hunt.looked_at[place] >> 10} KB): {len(hunt.seen.get(place, ()))} of 1,000")
    in_hand = len(hunt.found["memory of vault"]), len(hunt.found["memory of web"])
    print(f"  control, where they must pass: memory of vault {in_hand[0]}, of web {in_hand[1]} (sold ones only)")
    return len({one for found in hunt.seen.values() for one in found}) + (len(hunt.read) != 100)


@contextmanager
def fresh() -> Iterator[Config]:
    """A marked store of its own with engines, without processes."""
    with tempfile.TemporaryDirectory(prefix="ks-") as folder:
        config = Config(store=Store(data_dir=Path(folder, "var")))
        Path(folder).chmod(0o755)
        with running(config, Kind.TEST, names=(), durable=False) as store:
            yield store.config


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
