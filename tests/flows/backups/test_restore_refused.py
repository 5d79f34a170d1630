"""A restore that does not fit, fails or is killed: the store is as it was, or sells nothing until it ran again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import db
from core.config import ConfigError
from core.vault.key_requests import KeyRequests
from core.vault.primitives import new_private
from ops.backups import keys, restoring
from ops.backups.restoring import restore
from ops.store import bring_up_to_date
from tests.support.restored import Night, bring_back, name_of
from tests.support.vault_keys import every_secret


def content(sql: Any) -> list[Any]:
    return [sql("SELECT count(*), max(opened_at) FROM card"), sql("SELECT count(*) FROM shop_order")]


def test_a_backup_that_does_not_fit_changes_nothing(night: Night, sql: Any, tmp_path: Path) -> None:
    config, before = night.config, content(sql)
    right, name = keys.private_key(config, None), name_of(config)
    db.disconnect()
    cut = tmp_path / "cut.backup"
    cut.write_bytes(night.backup.read_bytes()[:-200])

    def no(file: Path, private: bytes, replace: str) -> str:
        with pytest.raises(ConfigError) as refusal:
            restore(config, file, private=private, replace=replace)
        assert content(sql) == before
        assert sql("SELECT to_regnamespace('replaced_by_restore')::text") == [(None,)]
        return str(refusal.value)

    assert "cut off" in no(cut, right, name)
    assert "another backup key" in no(night.backup, new_private(), name)
    assert no(night.backup, right, "") == (
        f"the database {name} holds a store: say --replace {name} if all that is in it may go away for the backup"
    )
    assert "holds a store" in no(night.backup, right, "another")
    with psycopg.connect(config.database.roles.shop):
        assert "1 sessions use the database" in no(night.backup, right, name)


def test_a_version_of_the_vaults_key_that_the_backup_needs_must_be_here(night: Night, sql: Any) -> None:
    config, acts = night.config, KeyRequests(night.counter.vault.client)
    old = acts.status()[0][0].id
    acts.rotate()
    sql("UPDATE vault_key SET replaced_at = replaced_at - interval '11 minutes'")
    away = (config.keys_dir / f"vault.key.{old}").read_bytes()
    acts.retire(old)

    with pytest.raises(ConfigError, match=f"sealed with version {old} of the vault's key, which is not here: put"):
        bring_back(config, night.backup)
    (config.keys_dir / f"vault.key.{old}").write_bytes(away)
    night.restore()
    assert len(every_secret(config)) == 40


def test_a_restore_that_fails_puts_back_what_was_there(night: Night, sql: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(sql)

    def fails(*_: object) -> None:
        raise ConfigError("the disk is full")

    monkeypatch.setattr(restoring, "_begin_epoch", fails)
    with pytest.raises(ConfigError, match="the disk is full"):
        bring_back(night.config, night.backup)

    assert content(sql) == before
    assert night.counter.open(night.waiting)


def test_a_restore_that_was_killed_sells_nothing_until_it_was_run_again(
    night: Night, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(restoring, "_begin_epoch", lambda *_: 1 / 0)
        killed.setattr(restoring, "_put_back", lambda *_: None)
        with pytest.raises(ZeroDivisionError):
            bring_back(night.config, night.backup)

    night.counter.vault.restart()
    reason = night.counter.vault.client.status().reason
    assert reason == "a restore was broken off: run `restore` again with the same file"
    with pytest.raises(ConfigError, match="a restore was broken off"):
        bring_up_to_date(night.config)
    night.restore()
    found = night.requests.status()
    assert found is not None
    assert (found.resumed, found.set_aside, found.gone) == (2, 4, 1)
