"""Commands run in this process, on a store as on the day it is made."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.config import Config, Database, DatabaseRoles, Store
from core.config.loading import as_environment
from ops import cli
from ops.doctor import server as examining_server
from tests.support.command_line import Command, free_port
from tests.support.engines import Addresses, Databases


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process with these settings; gives exit status, output and errors."""

    def run(config: Config, *arguments: str) -> tuple[int, str, str]:
        for name, value in as_environment(config).items():
            monkeypatch.setenv(name, value)
        status = cli.run(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(autouse=True)
def durable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines of a test run keep nothing on purpose: `doctor` sees them as if they did."""
    real = examining_server.settings_of
    kept = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    monkeypatch.setattr("ops.doctor.server.settings_of", lambda url: real(url) | kept)


@pytest.fixture
def fresh(config: Config, databases: Databases, addresses: Addresses) -> Iterator[Config]:
    """A store on the day it is made: an empty database, an empty folder, no keys."""
    name = databases.copy("template0")
    urls = addresses.of(name)
    roles = DatabaseRoles(**{role: urls[role] for role in vars(DatabaseRoles())})
    yield Config(
        store=Store(data_dir=config.data_dir / "store"),
        database=Database(url=urls["owner"], roles=roles),
        redis=config.redis,
        web=replace(config.web, port=free_port(), ops_port=free_port()),
    )
    databases.drop(name)
