"""`python -m tests.attacks [PART …]`: tries each attack on stores of its own and prints its end.

Parts: inside, queue, writer, oracle, canaries, log. Each line is one thing that was tried. Exit status 1 if anything
worked that must not, or if a control did not work.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import structlog

from core import db
from core.config import Config, Database, DatabaseRoles, Store
from ops.installation import Kind
from ops.isolation.accounts import Split
from ops.isolation.entitlements import CONFINED
from ops.store import running
from tests.attacks.canaries import hunted
from tests.attacks.oracle import KINDS, LONG, guessed_in_a_day, probed, told_of_copies
from tests.attacks.queue_rows import RunsCode, Sql
from tests.attacks.queue_rows import written as written_rows
from tests.attacks.server_log import AS_IT_COMES, provoked
from tests.attacks.staging import HARMLESS, MAY_ALSO, Siege, siege
from tests.attacks.writer import ALL_AT_ONCE, WAYS, attempt
from tests.builders import Shop
from tests.support.chatter import Chatter
from tests.support.engines import Databases, TestEngines
from tests.support.sales import a_counter
from tests.support.vaults import desk_vault
from tests.support.whole import WholeStore


def main(wanted: list[str]) -> int:
    """Run the wanted parts, all by default; returns how many things worked that must not (a misspelled part is one)."""
    parts: dict[str, Callable[[], int]] = {"inside": inside, "queue": queue, "writer": writer, "oracle": oracle}
    parts |= {"canaries": canaries, "log": log}
    if unknown := set(wanted) - set(parts):
        print(f"there is no part {', '.join(sorted(unknown))}: python -m tests.attacks [{' '.join(parts)}]")
        return len(unknown)
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what the attacked processes say of each attempt
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
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


def queue() -> int:
    """Rows of the queue that web's database password writes."""
    with engines_and_databases() as (engines, fresh_urls), shop_at(engines, fresh_urls()) as (config, sql, urls):
        mark = config.data_dir / "a-stranger-was-here"
        print("\nwith web's database password, into the queue of work:")
        found = written_rows(urls, sql, mark)
        for what, end in found.items():
            print(f"  {what}: {end}")
        pickle.loads(pickle.dumps(RunsCode(mark)))  # the control
        ran = mark.exists()
        print(f"  control, the pickle where somebody unpickles it: {'it runs' if ran else 'IT DOES NOT RUN'}")
    return sum(not end.startswith("dropped") for end in found.values()) + (not ran)


def writer() -> int:
    """With web's database password, and nothing else; each way on a database of its own."""
    failures = 0
    with engines_and_databases() as (engines, fresh_urls):
        print("\nwith web's database password, against somebody else's sale:")
        for way in [*WAYS, ALL_AT_ONCE]:
            with shop_at(engines, fresh_urls()) as (config, sql, _):
                found = attempt(a_counter(desk_vault(config), sql), way, partial(as_web, sql))
            failures += not found.is_refused
            print(f"  {way}: {found}")
    return failures


def as_web(sql: Sql, statement: str, names: object) -> list[tuple[Any, ...]]:
    """One statement as the role whose password was stolen."""
    return sql(statement, names, role="shop")


def oracle() -> int:
    """A supplier who brings guesses of another's cards."""
    failures = 0
    with engines_and_databases() as (engines, fresh_urls):
        print("\na supplier who brings guesses of another supplier's cards, and looks at everything he is shown:")
        with shop_at(engines, fresh_urls()) as (config, sql, _):
            for probe in probed(desk_vault(config), a_shop(sql), KINDS):
                failures += probe.tells
                print(f"  {probe}")
        with shop_at(engines, fresh_urls()) as (config, sql, _):
            most = config.vault.unvetted_rows_per_day
            tried, why = guessed_in_a_day(desk_vault(config), a_shop(sql), at_once=1000, most=2 * most)
            failures += tried > most
            print(f"  guesses in a day by one who is not vetted: {tried:,}, then refused ({why})")
        with shop_at(engines, fresh_urls()) as (config, sql, _), told_of_copies():
            told = [probe.what for probe in probed(desk_vault(config), a_shop(sql), LONG) if probe.tells]
            print(f"  control, an importer that counts everybody's cards: it tells by {len(told)} of them")
    return failures + int(not told)


def a_shop(sql: Sql) -> Shop:
    """With its merchant."""
    shop = Shop(sql)
    shop.a_party("demo", "merchant")
    return shop


def log() -> int:
    """Statements with a secret that fail, and PostgreSQL's own log."""
    with engines_and_databases() as (engines, fresh_urls):
        url, file = fresh_urls()["superuser"], engines.folder / "log" / "postgres.log"
        print("\nstatements that carry a secret and fail, and PostgreSQL's own log:")
        tried, said = list(provoked(url)), file.read_text("utf-8", "replace")
        for way, secret in tried:
            print(f"  {way}: {'IT STANDS THERE' if secret in said else 'not a word of it'}")
        control, said_more = list(provoked(url, *AS_IT_COMES)), file.read_text("utf-8", "replace")
        kept = sum(secret in said_more for _, secret in control)
        print(f"  control, a server as it comes: {kept} of {len(control)} stand there")
    return sum(secret in said for _, secret in tried) + (kept != len(control))


@contextmanager
def engines_and_databases() -> Iterator[tuple[TestEngines, Callable[[], dict[str, str]]]]:
    """Engines, and a function that makes a fresh database: role -> its address."""
    engines = TestEngines()
    try:
        addresses = engines.start()
        databases = Databases(addresses)
        yield engines, lambda: addresses.of(databases.copy())
        databases.close()
    finally:
        engines.stop()


@contextmanager
def shop_at(engines: TestEngines, urls: dict[str, str]) -> Iterator[tuple[Config, Sql, dict[str, str]]]:
    """Settings for one database, SQL in it as any role, and its addresses; `core.db` is connected as web."""
    roles = DatabaseRoles(**{name: urls[name] for name in vars(DatabaseRoles())})
    config = Config(store=Store(data_dir=engines.folder), database=Database(url=urls["owner"], roles=roles))
    with ExitStack() as stack:
        connections = {role: stack.enter_context(psycopg.connect(urls[role], autocommit=True)) for role in urls}

        def sql(statement: str, params: object = None, *, role: str = "owner") -> list[tuple[Any, ...]]:
            cursor = connections[role].execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

        db.connect(urls["shop"], size=4)
        stack.callback(db.disconnect)
        yield config, sql, urls


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
