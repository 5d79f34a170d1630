"""`python -m tests.scale.panel [ORDERS [CARDS]]`: how long the panel takes for each of its pages over a large store.

Fills a throw-away store (a million orders and ten million cards, if nothing else is said), rolls up, signs in as the
owners of merchant, supplier and platform, opens every kind of page that links lead to, and then each of them again and
again. Server time alone: Flask's own client, no network. Exit status 1 where the 95th percentile of a page is over
150 ms.
"""

from __future__ import annotations

import html
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from admin import reading
from admin.app import make_app
from core import db
from core.config import Config, Database, DatabaseRoles, Store
from core.parties.rules import PartyKind, Role
from core.reports.rollup import roll_up_all
from tests.browser.panel.walking import NOT_PAGES, kind_of
from tests.scale.filling import Filler
from tests.support.engines import Databases, TestEngines
from tests.support.panel import Browser, a_login, panel_values
from tests.support.vault_keys import keys_of, with_own_keys
from tests.support.vaults import desk_vault

GOAL_MS = 150.0
TIMES = 40
DAYS = 40
GOODS = 60
ZONE = "Asia/Shanghai"
OWNERS = {
    PartyKind.MERCHANT: Role.OWNER,
    PartyKind.SUPPLIER: Role.OWNER,
    PartyKind.PLATFORM: Role.PLATFORM_OWNER,
}
LINK = re.compile(r'<a[^>]+href="(/[^"#]*)"')


def main(orders: int, cards: int) -> int:
    """Fill, walk, measure, print; 1 if a page is too slow."""
    with filled(orders, cards) as store:
        return int(measured(*store))


def measured(urls: dict[str, str], config: Config, parties: Mapping[PartyKind, int]) -> bool:
    """Print a line for each page that the owners of the store's parties reach; whether one of them is too slow."""
    app = make_app(panel_values(desk_vault(with_own_keys(config))))
    db.connect(urls["shop"], size=4)
    reading.connect(urls["panel"], size=4)
    slow = False
    for kind, role in OWNERS.items():
        email = f"{kind}-{uuid.uuid4().hex[:6]}@scale.test"
        with db.connection():
            a_login(email, parties[kind], role)
        browser = Browser(app)
        browser.sign_in(email)
        browser.set_up_second()
        print(f"\n{kind} {role}: ms of each page, median and p95 of {TIMES}")
        for page, address in sorted(pages(browser).items()):
            slow |= told(page, timed(browser, address))
    reading.disconnect()
    db.disconnect()
    return slow


@contextmanager
def filled(orders: int, cards: int) -> Iterator[tuple[dict[str, str], Config, Mapping[PartyKind, int]]]:
    """A store with so many orders and cards; its addresses, settings and parties."""
    folder = Path(tempfile.mkdtemp(prefix="keystall-scale-"))
    engines = TestEngines(folder)
    addresses = engines.start()
    databases = Databases(addresses)
    urls, connections = addresses.of(databases.create()), dict[str, Any]()

    def sql(statement: str, params: Any = None, *, role: str = "owner") -> list[tuple[Any, ...]]:
        if role not in connections:
            connections[role] = psycopg.connect(urls[role], autocommit=True)
        cursor = connections[role].execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    began = time.monotonic()
    filler = Filler(sql)
    for day in reversed(range(DAYS)):  # the last of them today
        filler.sell(orders // DAYS, later=-day)
    left = max(0, cards - 3 * orders)
    filler.keep(left // 2)
    filler.keep(left - left // 2, owner=filler.parties[PartyKind.SUPPLIER])
    filler.show(GOODS)
    sql("VACUUM ANALYZE", role="superuser")
    print(f"filled with {orders:,} orders and {cards:,} cards in {time.monotonic() - began:.0f} s", flush=True)
    db.connect(urls["worker"], size=2)
    began = time.monotonic()
    roll_up_all(zone=ZONE, now=datetime.now(UTC), seconds=3600)
    db.disconnect()
    print(f"rolled up in {time.monotonic() - began:.0f} s", flush=True)
    roles = DatabaseRoles(**{name: urls[name] for name in ("shop", "panel", "worker", "vault", "direct")})
    database = Database(url=urls["owner"], roles=roles)
    config = replace(keys_of(addresses), store=Store(data_dir=folder), database=database)
    try:
        yield urls, config, filler.parties
    finally:
        for connection in connections.values():
            connection.close()
        databases.close()
        engines.stop()


def pages(browser: Browser) -> dict[str, str]:
    """One address of each kind of page that links lead to from today; what only leads elsewhere is none."""
    waiting, seen, found = ["/"], {"/"}, dict[str, str]()
    while waiting:
        address = waiting.pop(0)
        answer = browser.get(address)
        if answer.status_code == 200:
            found[kind_of(address)] = address
        links = map(html.unescape, LINK.findall(answer.get_data(as_text=True)))
        for link in [answer.location] if answer.location else links:
            if kind_of(link) not in seen and not NOT_PAGES.search(link):
                seen.add(kind_of(link))
                waiting.append(link)
    return found


def timed(browser: Browser, address: str) -> list[float]:
    """Milliseconds of each time; the first is not counted, it compiles the template."""
    browser.get(address)
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = browser.get(address)
        taken.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return taken


def told(kind: str, taken: list[float]) -> bool:
    """Print a line; whether the page is too slow."""
    p95 = statistics.quantiles(taken, n=20)[18]
    too_slow = p95 > GOAL_MS
    print(f"  {kind:<44} {statistics.median(taken):7.1f} {p95:7.1f}{'  TOO SLOW' if too_slow else ''}", flush=True)
    return too_slow


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(given or [1_000_000, 10_000_000])))
