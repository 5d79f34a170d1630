"""Fault 100 with the wrong opening log beside the backup: an older copy, an empty one, or none."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from core.config import ConfigError
from core.custody.chains.checkpoints import ChainBroken
from ops.backups.making import make
from ops.commands.restore import described
from tests.support.restored import Night, bring_back, compare, refused, release
from tests.support.sales import Counter
from tests.support.vaults import DeskVault


def log_of(counter: Counter) -> Path:
    return counter.vault.config.data_dir / "vault" / "openings.log"


def epochs(sql: Any) -> Any:
    return sql("SELECT log_is_whole, released_at IS NOT NULL, backup_made_at, log_bytes FROM vault_epoch ORDER BY 2")


def test_an_older_copy_of_the_log_looks_whole_and_releases_nothing_until_its_last_entry_is_confirmed(
    night: Night, sql: Any
) -> None:
    """Whole until the backup proves nothing about what went out after it: those cards were sold twice."""
    log = log_of(night.counter)
    first = log.read_bytes().splitlines(keepends=True)[0]
    log.write_bytes(first)  # as it was when the backup was made
    night.restore()
    compare(night)
    found = night.requests.status()
    assert found is not None
    assert (found.log_is_whole, found.set_aside, found.gone) == (True, 0, 0)
    ends = found.log_ends
    assert ends == f"{datetime.fromisoformat(json.loads(first)['at']):%Y-%m-%dT%H:%M:%SZ}"
    assert f"opening log whole  last entry {ends}, backup {found.backup_made_at:%Y-%m-%dT%H:%M:%SZ}" in described(found)
    assert [line for line in described(found) if f"--release --log-until {ends}; else it is an older copy" in line]
    assert [line for line in described(found) if "`audit verify`, `audit accept`" in line]

    for wrong in ("", "none", "2026-01-01T00:00:00Z"):
        said = refused(lambda wrong=wrong: night.requests.release(log_until=wrong))  # type: ignore[misc]
        assert f"say --log-until {ends}; if it is an older copy, put the newest one in its place" in said
    assert night.counter.vault.client.status().reason is not None
    assert [row[:2] for row in epochs(sql)] == [(True, False)]

    assert night.requests.release(old_stock="lock").locked == 1


def test_a_backup_is_not_made_without_the_log_of_what_was_opened(counter: Counter, sql: Any) -> None:
    config = counter.vault.config
    log_of(counter).unlink()
    make(config, config.data_dir / "nothing-opened")
    counter.open(counter.sell(1))

    with pytest.raises(ConfigError, match=r"openings\.log is not there, though cards were opened"):
        make(config, config.data_dir / "backups")

    assert not (config.data_dir / "backups").exists()
    assert sql("SELECT count(*) FROM backup_made") == [(1,)]


def test_no_log_is_whole_for_a_backup_that_saw_an_empty_one_after_cards_were_opened(counter: Counter) -> None:
    """An empty log begins as every other does."""
    config = counter.vault.config
    sale = counter.sell(1)
    counter.open(sale)
    log_of(counter).write_bytes(b"")
    night = Night(counter, make(config, config.data_dir / "backups").file, {}, sale, sale, sale, sale)

    night.restore()

    found = night.requests.status()
    assert found is not None
    assert (found.log_is_whole, found.log_ends) == (False, "none")


def test_a_backup_of_a_store_that_waits_for_its_release_asks_again_what_that_one_asked(night: Night, sql: Any) -> None:
    """It counted as released, and its old stock, some of it sold already, went on sale without a question."""
    log_of(night.counter).unlink()
    night.restore()
    held = night.requests.status()
    assert held is not None
    (before,) = epochs(sql)
    again = make(night.config, night.config.data_dir / "again").file

    bring_back(night.config, again)
    night.counter.vault.restart()

    found = night.requests.status()
    assert found is not None
    assert (found.log_is_whole, found.backup_made_at, found.unsold) == (False, held.backup_made_at, held.unsold)
    assert epochs(sql) == [(False, False, *before[2:]), (False, True, *before[2:])]
    compare(night)
    assert "say --lock-old-stock to sell only what is imported from now on" in refused(lambda: release(night))
    assert night.requests.release(old_stock="lock").locked == 1


def test_the_release_puts_aside_the_record_of_checkpoints_that_the_backup_has_not(night: Night, sql: Any) -> None:
    """Until a person moved it, the vault made no checkpoint any more, and said so in its log only."""
    vault, record = cast("DeskVault", night.counter.vault), night.config.data_dir / "vault" / "checkpoints.log"
    vault.run_round("books.checkpoint")
    kept = record.read_bytes()
    night.restore()
    with pytest.raises(ChainBroken):
        vault.run_round("books.checkpoint")
    compare(night)

    aside = release(night).checkpoints

    assert aside is not None
    assert (record.with_name(aside).read_bytes(), record.exists()) == (kept, False)
    (detail,) = sql("SELECT detail FROM audit_entry WHERE action = 'restore.released'")[0]
    assert detail["checkpoints_put_aside"] == aside
    vault.run_round("books.checkpoint")
    assert sql("SELECT number FROM checkpoint") == [(1,)]
