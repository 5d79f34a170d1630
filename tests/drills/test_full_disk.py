"""Fault 13: the disk of the database is full. Writes are refused cleanly, and go on once there is room."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from ops.engines.postgres import SUPERUSER, PostgresServer


@pytest.fixture
def small_disk():
    """A file system of 256 MB of its own."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    mounted = os.geteuid() == 0 and shutil.which("mount")
    if mounted:
        answer = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", folder], check=False)
        mounted = answer.returncode == 0
    if not mounted:
        folder.rmdir()
        pytest.skip("a small file system can be mounted only as root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def fill(connection):
    for _ in range(1000):
        connection.execute(
            "INSERT INTO ballast SELECT string_agg(md5(i::text || random()::text), '') FROM generate_series(1, 30000) i"
        )


def test_a_full_disk_refuses_writes_and_loses_nothing(small_disk):
    server = PostgresServer(small_disk)
    server.start()
    try:
        with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE sold (id int PRIMARY KEY)")
            connection.execute("INSERT INTO sold VALUES (1)")
            connection.execute("CREATE UNLOGGED TABLE ballast (filler text)")
            with pytest.raises(psycopg.errors.DiskFull) as refused:
                fill(connection)

            assert refused.value.sqlstate == "53100"
            assert connection.execute("SELECT id FROM sold").fetchall() == [(1,)]

            connection.execute("DROP TABLE ballast")
            connection.execute("INSERT INTO sold VALUES (2)")

            assert connection.execute("SELECT id FROM sold ORDER BY id").fetchall() == [(1,), (2,)]
        assert server.is_running()
    finally:
        server.stop()
