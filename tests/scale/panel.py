"""`python -m tests.scale.panel [ORDERS [CARDS]]`: how long the panel takes for each of its pages over a large store.

Fills a throw-away store (a million orders and ten million cards, if nothing else is said), rolls up, signs in as the
owners of merchant, supplier and platform, opens every kind of page that links lead to, and then each of them again and
again. Server time alone: Flask's own client, no network. Exit status 1 where the 95th percentile of a page is over
150 ms.
"""

from __future__ import annotations

import html
import re
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from admin import reading
from admin.app import make_app
from admin.scoped import LAST_PAGE
from core import db
from core.config import Config, Database, DatabaseRoles, Store
from core.orders.rules import OrderState
from core.parties.rules import PartyKind, Role
from core.reports.rollup import roll_up_all
from tests.browser.panel.walking import NOT_PAGES, NUMBER, kind_of
from tests.scale.filling import Filler
from tests.support.books import Books
from tests.support.engines import Databases, TestEngines
from tests.support.panel import Browser, a_login, panel_values
from tests.support.vault_keys import keys_of, with_own_keys
from tests.support.vaults import desk_vault

GOAL_MS = 150.0
TIMES = 30
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
    urls, connections = addresses.of(databases.copy()), dict[str, Any]()

    def sql(statement: str, params: Any = None, *, role: str = "owner") -> list[tuple[Any, ...]]:
        if role not in connections:
            connections[role] = psycopg.connect(urls[role], autocommit=True)
        cursor = connections[role].execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    began = time.monotonic()
    filler = Filler(sql)
    books, now = Books(urls, folder / "books"), datetime.now(UTC)
    for day in reversed(range(DAYS)):  # the last of them today
        filler.sell(orders // DAYS, later=-day)
        if day % 5 == 0:
            sql("ANALYZE", role="superuser")
            books.checkpoint(now - timedelta(days=day))
    db.disconnect()
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
        shutil.rmtree(folder)


def typed(days: int = DAYS) -> list[str]:
    """What people ask lists for by a form: each state, days long ago and of late, what needs somebody, the audit."""
    then, now = (datetime.now(UTC) - timedelta(days=ago) for ago in (days - 1, 1))
    between = f"from={then:%Y-%m-%d}&to={then + timedelta(days=2):%Y-%m-%d}"
    asked = [f"state={state}" for state in OrderState] + [between, f"from={now:%Y-%m-%d}", "needs=1"]
    audit = ["action=order.paid", "action=party.suspended", "by=system", f"since={then:%Y-%m-%d}&action=order.paid"]
    return [
        *(f"/orders/?{one}" for one in asked),
        *(f"/orders/?{one}&page={LAST_PAGE}" for one in asked),
        *(f"/audit/?{one}" for one in audit),
        "/shoppers/?blocked=1",
        "/search?q=ord_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "/search?q=A1",
    ]


def pages(browser: Browser) -> dict[str, str]:
    """One address of each kind of page that links lead to from today, each way to sort, narrow and turn one by itself,
    and how far a list is turned at most; what only leads elsewhere is none.
    """
    waiting, seen, found = ["/", *typed()], {"/"}, dict[str, str]()
    while waiting:
        address = waiting.pop(0)
        answer = browser.get(address)
        if answer.status_code == 200:
            found[way_of(address)] = address
        links = map(html.unescape, LINK.findall(answer.get_data(as_text=True)))
        for link in [answer.location] if answer.location else links:
            turned = re.sub(r"([?&]page=)\d+", rf"\g<1>{LAST_PAGE}", link)
            if way_of(turned) not in seen and len(parse_qs(urlsplit(link).query)) < 3 and not NOT_PAGES.search(link):
                seen.add(way_of(turned))
                waiting.append(turned)
    return found


def way_of(address: str) -> str:
    """A kind of page with what is asked of it, but for ids."""
    parts = urlsplit(address)
    return kind_of(parts.path) + (f"?{NUMBER.sub('0', parts.query)}" if parts.query else "")


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
    print(f"  {kind:<54} {statistics.median(taken):7.1f} {p95:7.1f}{'  TOO SLOW' if too_slow else ''}", flush=True)
    return too_slow


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(given or [1_000_000, 10_000_000])))
