"""The vault's log on disk: what leaves was kept first, lines at the same time share one wait, a failure is for good."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from core.custody.openings.opening_log import OpeningLog, Written
from core.custody.restored.epoch_log import LogReading

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[OpeningLog]:
    """An empty log."""
    made = OpeningLog(tmp_path / "vault" / "openings.log")
    yield made
    made.close()


def begin(log: OpeningLog) -> Written:
    return log.begin(delivery=uuid4(), line=uuid4(), cards=[uuid4()], action="cards.opened", now=NOW)


def test_lines_written_while_the_disk_is_busy_share_its_next_wait(
    log: OpeningLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, first, go_on = [], threading.Event(), threading.Event()

    def slowly(file: int) -> None:
        waits.append(file)
        first.set()
        assert go_on.wait(10)

    monkeypatch.setattr(os, "fsync", slowly)
    one = begin(log)
    assert first.wait(10)
    others = [begin(log) for _ in range(20)]
    go_on.set()
    for written in (one, *others):
        written.wait()

    assert len(waits) == 2


def test_after_a_failure_of_the_disk_nothing_is_written_until_the_vault_starts_again(
    log: OpeningLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel reports a failed write once; the next wait would succeed for lines that were lost."""

    def fail(file: int) -> None:
        raise OSError(5, "the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="the disk is gone"):
            begin(log).wait()

    with pytest.raises(OSError, match="cut short"):
        begin(log)
    assert len((tmp_path / "vault" / "openings.log").read_text().splitlines()) == 1


def test_a_line_that_a_full_disk_cut_short_swallows_none_that_follows_and_is_noticed(
    log: OpeningLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 14. Glued to half a line, the next opening could not be read after a restore: its cards were sold twice."""
    path, write = tmp_path / "vault" / "openings.log", os.write
    begin(log).wait()
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, raw: write(file, raw[: len(raw) // 2]))
        with pytest.raises(OSError, match="cut short"):
            begin(log)
    with pytest.raises(OSError, match="cut short"):  # until the vault starts again
        begin(log)

    again = OpeningLog(path)
    begin(again).wait()
    again.close()
    OpeningLog(path).close()

    reading = LogReading(path, 0)
    assert len(list(reading.entries())) == 2
    assert reading.unreadable == 1
    assert len(path.read_bytes().splitlines()) == 3
