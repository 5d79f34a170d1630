"""One PostgreSQL and one Valkey for a whole test run: started by the process that hands out the tests, shared by all.

The engines belong to the controller (the only process without xdist), never to a worker: the kernel ends them with the
process that started them, and a worker may finish while others still test. A test gets its own database, copied from a
migrated template in 20 to 40 ms, or one that another test had, made like a fresh one again in 8.
"""

import dataclasses
import json
import os
import secrets
import shutil
import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
from psycopg import sql

from core.config import Config, Store, Vault
from ops.engines.passwords import password
from ops.engines.postgres import SUPERUSER, PostgresServer
from ops.engines.roles import OWNER, ROLES, create_roles
from ops.engines.valkey import ValkeyServer
from ops.installation import Kind, mark
from ops.keys import make_missing
from ops.migrate import migrate
from tests.support.reset import Fresh, Session
from tests.support.sessions import Sessions

TEMPLATE = "template_of_tests"
ENOUGH_MEMORY = 3 * 2**30
SHORT_NAMES = {role.removeprefix("keystall_"): role for role in (OWNER, *ROLES)} | {"superuser": SUPERUSER}


@dataclasses.dataclass(frozen=True)
class Addresses:
    """Where the engines of this run answer; `{database}` stands in each address for the database's name."""

    urls: dict[str, str]  # short name of a role (owner, shop, panel, worker, vault, direct, superuser) -> address
    redis: str
    keys: str  # the folder with one set of key files, which the template's installation row fits

    def of(self, database: str) -> dict[str, str]:
        """The address of each role in one database."""
        return {role: url.replace("{database}", database) for role, url in self.urls.items()}

    def dumps(self) -> str:
        """As text for the workers."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Addresses":
        """The other end of `dumps`."""
        return cls(**json.loads(text))


class TestEngines:
    """The engines of one run, in a short temporary folder that is removed at the end."""

    __test__ = False

    def __init__(self, parent: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ks-test-", dir=parent or fast_folder()))
        self.postgres = PostgresServer(self.folder, durable=False)
        self.valkey = ValkeyServer(self.folder)

    def start(self) -> Addresses:
        """Start both, make the roles and the migrated template."""
        self.postgres.start()
        self.valkey.start()
        logins = {role: password(self.folder, role) for role in (OWNER, *ROLES)}
        create_roles(self.postgres.url(SUPERUSER, "postgres"), logins, database=TEMPLATE)
        self._make_template(self.postgres.url(OWNER, TEMPLATE))
        addresses = {short: self.postgres.url(role, "DATABASE") for short, role in SHORT_NAMES.items()}
        return Addresses(
            urls={short: url.replace("/DATABASE?", "/{database}?") for short, url in addresses.items()},
            redis=self.valkey.url,
            keys=str(self.folder / "keys"),
        )

    def _make_template(self, url: str) -> None:
        migrate(url)
        config = Config(store=Store(data_dir=self.folder), vault=Vault(opening_budget_per_hour=1_000_000))
        make_missing(config)
        mark(url, Kind.TEST, config)

    def stop(self) -> None:
        """End both and remove their folder."""
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.postgres.sockets.parent != self.folder:
            shutil.rmtree(self.postgres.sockets.parent, ignore_errors=True)


def fast_folder() -> Path | None:
    """Memory where the machine has enough of it (a database is copied in 9 ms instead of 130), else None."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK | os.X_OK) or shutil.disk_usage(memory).free < ENOUGH_MEMORY:
        return None
    return memory


class Databases:
    """Hands out databases like the template, behind a test's back: no test waits for the server's files.

    One that was used is made like a fresh one again (tests/support/reset.py) or, where that cannot be, dropped. There
    is always one more than was asked for, and a drop waits up to 100 ms for sessions that have just ended. Each of the
    two threads has one connection; in each database that comes again is a superuser's.
    """

    def __init__(self, addresses: Addresses, sessions: Sessions | None = None) -> None:
        self.addresses = addresses
        self._sessions = sessions or Sessions()
        url = addresses.of("postgres")["superuser"]
        self._making, self._dropping = (psycopg.connect(url, autocommit=True) for _ in range(2))
        self._maker, self._dropper = (ThreadPoolExecutor(1) for _ in range(2))
        self._ready: deque[Future[str]] = deque()  # the databases that the next tests get
        self._kept: dict[str, Session] = {}
        self._fresh: Fresh | None = None
        self._drops: list[Future[None]] = []

    def create(self) -> str:
        """A database like the template, where others may have been before; returns its name."""
        made = self._ready.popleft() if self._ready else self._maker.submit(self._create_kept)
        if not self._ready:
            self._ready.append(self._maker.submit(self._create_kept))
        return made.result()

    def copy(self, template: str = TEMPLATE) -> str:
        """A new database, which nobody has had and where nobody is; returns its name."""
        return self._maker.submit(self._create, template).result()

    def _create_kept(self) -> str:
        name = self._create(TEMPLATE)
        session = self._kept[name] = psycopg.connect(
            self.addresses.of(name)["superuser"], autocommit=True, options="-c plan_cache_mode=force_generic_plan"
        )
        self._fresh = self._fresh or Fresh.of(session)
        self._sessions.keep(name)
        return name

    def _again(self, name: str) -> str:
        """The same database, or another one where it can be no more like a fresh one."""
        try:
            if self._fresh is not None and self._fresh.restored(self._kept[name], beside=self._sessions.of(name)):
                return name
        except psycopg.OperationalError:
            pass  # a test has ended our session, or the database
        self._sessions.forget(name)
        self._kept.pop(name).close()
        self._drop_soon(name)
        return self._create_kept()

    def _create(self, template: str) -> str:
        name = f"test_{secrets.token_hex(6)}"
        self._making.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)
            )
        )
        # In one round trip. What a migration granted on the database is no part of its copy: the vault's TEMPORARY.
        rights = "REVOKE ALL ON DATABASE {0} FROM PUBLIC; GRANT CONNECT ON DATABASE {0} TO {1}; "
        rights += "GRANT TEMPORARY ON DATABASE {0} TO keystall_vault"
        roles = sql.SQL(", ").join(map(sql.Identifier, ROLES))
        self._making.execute(sql.SQL(rights).format(sql.Identifier(name), roles))
        return name

    def drop(self, name: str) -> None:
        """Take a database back and end whoever is still connected to it; raises what became of those before it."""
        finished = [one for one in self._drops if one.done()]
        self._drops = [one for one in self._drops if one not in finished]
        for one in finished:
            one.result()
        if name in self._kept:
            self._ready.append(self._maker.submit(self._again, name))
        else:
            self._drop_soon(name)

    def _drop_soon(self, name: str) -> None:
        self._drops.append(self._dropper.submit(self._drop, name))

    def _drop(self, name: str) -> None:
        self._dropping.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """Wait for what is under way and give the connections back."""
        for executor in (self._maker, self._dropper):
            executor.shutdown()
        for one in [*self._drops, *self._ready]:
            one.result()
        for name, session in self._kept.items():
            self._sessions.forget(name)
            session.close()
        self._making.close()
        self._dropping.close()
