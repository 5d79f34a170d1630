"""The fixtures of every test: real engines, a fresh database per test, one set of keys, a clock to move.

| fixture | what it gives |
|---|---|
| `database` | the name of a fresh, migrated database, or of one like it (tests/support/reset.py) |
| `urls` | its address per role: owner, shop, panel, worker, vault, direct, superuser |
| `store_db` | `core.db` connected to it as `shop` |
| `sql` | `sql(statement, params)` as its owner, `sql(..., role="panel")` as another: for raw breaks and looks |
| `redis_url`, `valkey` | a flushed Valkey of this worker: its address, a client |
| `data_dir`, `config` | an empty short folder; the settings of a store in it with these engines and keys |
| `shop` | builders on the fresh database (tests/builders.py): parties, goods, cards, shoppers, orders |
| `till`, `talker` | a gateway account of that shop and what its gateway says (tests/support/till.py); a known shopper |
| `clock` | a FixedClock at Monday 2026-03-02 04:00 UTC (noon in Shanghai) |
"""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from hypothesis import settings

from core import db
from core.clock import FixedClock
from core.config import Config, Database, DatabaseRoles, Redis, Store
from tests.builders import Shop, Talker
from tests.support.decoders import Decoders
from tests.support.engines import Addresses, Databases, TestEngines, fast_folder
from tests.support.quickly import quickly
from tests.support.sessions import Sessions
from tests.support.till import Till
from tests.support.vault_keys import keys_of

# The same generated cases every time, so that a failure means a change; `make explore` looks for new ones.
settings.register_profile("store", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("store")

# Machines that keep no bytecode (containers set this) would compile the store anew in each process that a test starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

ENGINES = pytest.StashKey[TestEngines]()
ADDRESSES = pytest.StashKey[Addresses]()
SKIPPED: list[str] = []  # in the controller: the tests that did not run


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist, in the controller: each worker learns where the engines answer."""
    node.workerinput["engines"] = started_engines(node.config).dumps()


def pytest_unconfigure(config: pytest.Config) -> None:
    if ENGINES in config.stash:
        config.stash[ENGINES].stop()


def started_engines(config: pytest.Config) -> Addresses:
    """The engines of this run; started by the first who asks in the controller."""
    if ADDRESSES not in config.stash:
        given = getattr(config, "workerinput", None)
        if given is None:
            config.stash[ENGINES] = TestEngines()
            config.stash[ADDRESSES] = config.stash[ENGINES].start()
        else:
            config.stash[ADDRESSES] = Addresses.loads(given["engines"])
    return config.stash[ADDRESSES]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with a `slow` test come first: a long one that comes last is what everybody waits for."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        SKIPPED.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """On the build machine nothing may be skipped for want of a component."""
    if os.environ.get("CI") == "true" and SKIPPED and not hasattr(session.config, "workerinput"):
        print("\nSkipped although CI=true:", *SKIPPED, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def hurry() -> Iterator[None]:
    """No test waits for what another has waited for."""
    with quickly(), Decoders().installed():
        yield


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Addresses:
    """Where the engines of this run answer."""
    return started_engines(request.config)


@pytest.fixture(scope="session")
def databases(addresses: Addresses) -> Iterator[Databases]:
    """Makes and drops databases."""
    sessions = Sessions()
    with sessions.installed():
        maker = Databases(addresses, sessions)
        yield maker
        maker.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The name of a fresh, migrated database."""
    name = databases.create()
    yield name
    databases.drop(name)


@pytest.fixture
def urls(addresses: Addresses, database: str) -> dict[str, str]:
    """The fresh database's address per role."""
    return addresses.of(database)


@pytest.fixture
def store_db(urls: dict[str, str]) -> Iterator[db.StoreDatabase]:
    """The store connected to the fresh database as `shop`, with room for 24 threads."""
    db.connect(urls["shop"], size=24)
    yield db.db
    db.disconnect()


@pytest.fixture
def owners_hand(store_db: db.StoreDatabase, urls: dict[str, str]) -> None:
    """The store is connected as the tables' owner, as by commands whose acts no process may do."""
    db.connect(urls["owner"], size=24)


@pytest.fixture
def sql(urls: dict[str, str]) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Raw statements beside the store: `sql("SELECT …", [params], role="owner")`, each in its own transaction."""
    connections: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}

    def run(statement: str, params: Any = None, *, role: str = "owner") -> list[tuple[Any, ...]]:
        if role not in connections:
            connections[role] = psycopg.connect(urls[role], autocommit=True)
        cursor = connections[role].execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    yield run
    for connection in connections.values():
        connection.close()


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, addresses: Addresses) -> str:
    """This worker's own numbered database of the run's Valkey, emptied."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    url = addresses.redis.replace("db=0", f"db={int(worker.removeprefix('gw')) % 16}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def valkey(redis_url: str) -> Iterator[redis.Redis]:
    """A client of that emptied Valkey."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty folder whose path leaves room for socket names."""
    folder = Path(tempfile.mkdtemp(prefix="ks-", dir=fast_folder()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def keys(addresses: Addresses) -> Config:
    """Settings that refer to the run's one set of key files, by absolute paths."""
    return keys_of(addresses)


@pytest.fixture
def config(keys: Config, data_dir: Path, urls: dict[str, str], redis_url: str) -> Config:
    """The settings of a store in `data_dir` with the engines and keys of this run."""
    roles = {name: urls[name] for name in vars(DatabaseRoles())}
    return Config(
        store=Store(data_dir=data_dir),
        database=Database(url=urls["owner"], roles=DatabaseRoles(**roles)),
        redis=Redis(url=redis_url),
        vault=keys.vault,
        secrets=keys.secrets,
    )


@pytest.fixture
def clock() -> FixedClock:
    """Stands at Monday 2026-03-02 04:00 UTC, which is noon in Shanghai, until a test moves it."""
    return FixedClock(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))


@pytest.fixture
def submission_id() -> str:
    """The id that a caller mints for one request."""
    return str(uuid.uuid4())


@pytest.fixture
def shop(store_db: db.StoreDatabase, sql: Callable[..., list[tuple[Any, ...]]]) -> Shop:
    """Builders on the fresh database that the store is connected to."""
    return Shop(sql)


@pytest.fixture
def till(shop: Shop) -> Till:
    """A gateway account of the shop's merchant, and what its gateway can say."""
    till = Till(shop)
    till.account()
    return till


@pytest.fixture
def talker(shop: Shop) -> Talker:
    """A known shopper in a conversation."""
    return shop.a_shopper()
