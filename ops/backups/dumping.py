"""pg_dump and pg_restore of the embedded engine's package, with the login in their environment, never in arguments."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from psycopg.conninfo import conninfo_to_dict

from core.config import ConfigError
from ops.engines import launch
from ops.engines.postgres import binaries

_NAMED = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
    "password": "PGPASSWORD", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY", "channel_binding": "PGCHANNELBINDING", "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
}  # fmt: skip


class DumpFailed(ConfigError):
    """pg_dump or pg_restore gave up; the text holds its own first reason."""


def environment_for(url: str) -> dict[str, str]:
    """What libpq reads instead of an address in the arguments, which every user of the machine may see."""
    given = conninfo_to_dict(url)
    login = {variable: str(given[name]) for name, variable in _NAMED.items() if given.get(name) is not None}
    return launch.environment() | login


@contextmanager
def dump(url: str) -> Iterator[IO[bytes]]:
    """The database as one consistent moment, in pg_dump's own compressed format; nothing of unlogged tables.

    Raises `DumpFailed` at the end of the block when it did not come to its end.
    """
    arguments = [str(binaries() / "pg_dump"), "--format=custom", "--no-owner"]
    arguments += ["--no-unlogged-table-data", "--enable-row-security", "--exclude-schema=replaced_by_restore"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            arguments, env=environment_for(url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        if process.stdout is None:
            raise AssertionError("asked for above")
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            status = process.wait()
        if status:
            raise DumpFailed(f"the database could not be read: {_reason(said)}")


def restore(url: str, pieces: Iterator[bytes]) -> None:
    """Bring a dump back, in one transaction: all of it or nothing. Raises `DumpFailed` and whatever `pieces` raises."""
    arguments = [str(binaries() / "pg_restore"), "--single-transaction", "--exit-on-error", "--no-owner", "--dbname="]
    arguments[-1] = f"--dbname={environment_for(url)['PGDATABASE']}"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(arguments, env=environment_for(url), stdin=subprocess.PIPE, stdout=said, stderr=said)
        if process.stdin is None:
            raise AssertionError("asked for above")
        try:
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it says below why it ended
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait():
            raise DumpFailed(f"the backup could not be brought back: {_reason(said)}")


def _reason(said: IO[bytes]) -> str:
    said.seek(0)
    lines = [line for line in said.read(65536).decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it gave no reason"])[0].strip()
