"""One PostgreSQL and one Valkey for a whole test run: started by the process that hands out the tests, shared by all.

The engines belong to the controller (the only process without xdist), never to a worker: the kernel ends them with the
process that started them, and a worker may finish while others still test. A test gets its own database, copied from a
migrated template in 10 to 40 ms (truncating all tables takes 45).
"""

import dataclasses
import json
import os
import secrets
import shutil
import tempfile
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
    """Makes and drops databases beside the template; one connection for all of it."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self._connection = psycopg.connect(addresses.of("postgres")["superuser"], autocommit=True)

    def create(self, *, template: str = TEMPLATE) -> str:
        """A new database like the template; returns its name."""
        name = f"test_{secrets.token_hex(6)}"
        self._connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)
            )
        )
        self._connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        self._connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, ROLES))
            )
        )
        # What a migration granted on the database is no part of its copy.
        grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO keystall_vault").format(sql.Identifier(name))
        self._connection.execute(grant)
        return name

    def drop(self, name: str) -> None:
        """Drop a database and whoever is still connected to it."""
        self._connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
