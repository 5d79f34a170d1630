"""What the embedded engines keep to themselves: doors, folders, command lines, logs."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.config import Config, Store
from ops import engines
from ops.engines import Engines, launch
from ops.engines.postgres import SUPERUSER


@pytest.fixture(scope="module")
def shared() -> Iterator[Engines]:
    """Running engines for the tests that only look at them."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    with engines.start(Config(store=Store(data_dir=folder)), durable=False) as running:
        yield running
    shutil.rmtree(folder)


def test_nobody_enters_without_a_password_and_nothing_listens_on_the_network(shared: Engines) -> None:
    assert shared.postgres is not None
    bare = shared.urls.owner.replace("postgresql://keystall_owner:", "postgresql://keystall_owner:wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(bare)
    with psycopg.connect(shared.postgres.url(SUPERUSER, "postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert rules == [("scram-sha-256",)]
        powers = connection.execute(
            "SELECT count(*) FILTER (WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls), count(*)"
            " FROM pg_roles WHERE rolname LIKE 'keystall_%'"
        ).fetchone()
        assert powers == (0, 6)
    assert listening_ports(shared.postgres.pid) == []
    assert shared.valkey is not None
    assert shared.valkey._process is not None
    assert listening_ports(shared.valkey._process.pid) == []


def listening_ports(pid: int | None) -> list[str]:
    """Local addresses of the TCP sockets that a process listens on."""
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(handle)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [line[1] for line in lines if line[3] == "0A" and line[9] in inodes]


def test_sockets_keys_and_logs_are_closed_to_other_users(shared: Engines) -> None:
    assert shared.postgres is not None
    for folder in (
        shared.postgres.sockets,
        shared.config.keys_dir,
        shared.config.data_dir / "log",
        shared.postgres.cluster,
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    for file in (*shared.config.keys_dir.iterdir(), *(shared.config.data_dir / "log").iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert not list(shared.postgres.sockets.glob("*.password"))


def test_a_log_that_has_grown_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "postgres.log"
    file.touch()
    os.truncate(file, 21 * 1024 * 1024)

    with launch.open_log(file) as log:
        log.write(b"new")

    assert file.read_bytes() == b"new"
    assert (tmp_path / "postgres.log.1").stat().st_size == 21 * 1024 * 1024
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_passwords_stand_on_no_command_line_and_in_no_environment_of_the_engines(shared: Engines) -> None:
    assert shared.postgres is not None
    assert shared.valkey is not None
    assert shared.valkey._process is not None
    passwords = [path.read_bytes() for path in shared.config.keys_dir.glob("*.password")]
    for pid in (shared.postgres.pid, shared.valkey._process.pid):
        seen = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert len(passwords) == 7
        assert not [password for password in passwords if password in seen]


def test_failing_rows_statements_and_parameters_do_not_reach_the_log(shared: Engines) -> None:
    canary = "CANARY-4711-CARD"
    with psycopg.connect(shared.urls.owner) as connection:
        connection.execute("CREATE TABLE secret_like (value text CHECK (length(value) < 3))")
        connection.commit()
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO secret_like VALUES (%s)", (canary,))
        connection.rollback()
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute(f"SELECT '{canary}'::int".encode())

    log = (shared.config.data_dir / "log" / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert canary not in log
    assert [word for word in ("DETAIL", "STATEMENT", "invalid input syntax") if word in log] == []
