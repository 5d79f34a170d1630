"""Backups: one sealed file that the store cannot read again, whole or not there, and without any key of the vault."""

from __future__ import annotations

import io
import re
import resource
import signal
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.config import Config, ConfigError
from core.vault.backups import Head, NotABackup, read_backup, read_head, write_backup
from core.vault.primitives import new_private, public_of
from ops.backups import keys
from ops.backups.dumping import DumpFailed, environment_for
from ops.backups.looking import looked_at
from ops.backups.making import make, remove_old
from tests.support.sales import LINES, Counter


def opened(config: Config, file: Path) -> bytes:
    private = keys.private_key(config, None)
    with file.open("rb") as raw:
        return b"".join(read_backup(raw, private=private, sign_key=config.secret(config.vault.sign_key).reveal()))


def test_a_backup_holds_the_database_and_says_what_it_belongs_to(counter: Counter, sql: Any) -> None:
    config = counter.vault.config
    counter.open(counter.sell(2))
    log = (config.data_dir / "vault" / "openings.log").read_bytes()

    made = make(config, config.data_dir / "backups")

    with made.file.open("rb") as raw:
        head = read_head(raw)
    assert made.size == made.file.stat().st_size
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.file.parent.stat().st_mode) == 0o700
    assert (head.kind, head.vault_id) == ("test", sql("SELECT vault_id FROM installation")[0][0])
    assert list(head.vault_keys) == [sql("SELECT vault_key_id FROM batch_key")[0][0]]
    assert (head.log_bytes, head.migration) == (len(log), sql("SELECT max(name) FROM schema_migration")[0][0])
    assert opened(config, made.file).startswith(b"PGDMP")
    assert sql("SELECT id, bytes, file FROM backup_made") == [(head.id, made.size, made.file.name)]


def test_neither_a_backup_nor_what_is_in_it_holds_a_key_or_a_secret_of_a_card(counter: Counter) -> None:
    config = counter.vault.config
    sale = counter.sell(1)
    (card,) = counter.open(sale)
    made = make(config, config.data_dir / "backups")

    contents = made.file.read_bytes(), opened(config, made.file)

    files = [path for path in config.keys_dir.iterdir() if not path.name.endswith(".pub")]
    secrets = {path.name: path.read_bytes() for path in files}
    secrets |= {name: config.secret(reference).reveal() for name, reference in vars(config.secrets).items()}
    assert {"vault.key", "fingerprint.key", "sign.key", "audit.key", "link.key", "backup.key"} <= secrets.keys()
    for content in contents:
        assert not [name for name, secret in secrets.items() if secret in content or secret.hex().encode() in content]
        assert not [line for line in [*LINES, card["secret"]] if line.encode() in content]
    assert b"CREATE TABLE" not in contents[0]  # of the database nothing can be read


def test_only_the_escrowed_key_opens_it_and_only_what_this_store_signed(counter: Counter) -> None:
    config = counter.vault.config
    made = make(config, config.data_dir / "backups")
    sign_key, right = config.secret(config.vault.sign_key).reveal(), keys.private_key(config, None)

    def refused(raw: bytes, private: bytes = right, sign: bytes = sign_key) -> str:
        with pytest.raises(NotABackup) as no:
            list(read_backup(io.BytesIO(raw), private=private, sign_key=sign))
        return str(no.value)

    raw = made.file.read_bytes()
    assert "another backup key" in refused(raw, private=new_private())
    assert "this store did not sign it" in refused(raw, sign=bytes(range(32)))
    assert "cut off" in refused(raw[: len(raw) // 2])
    assert "cut off or damaged" in refused(raw[: -(64 + 10)]) or "cut off" in refused(raw[: -(64 + 10)])
    assert "did not sign" in refused(raw + b"x")
    assert "no backup of this program" in refused(b"PGDMP" + raw)
    for place in (40, len(raw) // 3, len(raw) - 70, len(raw) - 3):
        altered = bytearray(raw)
        altered[place] ^= 1
        assert refused(bytes(altered))


def test_whoever_has_the_public_half_only_brings_no_backup_of_his_own(counter: Counter) -> None:
    config = counter.vault.config
    with make(config, config.data_dir / "backups").file.open("rb") as raw:
        head = read_head(raw)
    forged = io.BytesIO()
    write_backup(forged, head, io.BytesIO(b"DROP"), public=keys.public_key(config), sign_key=bytes(range(32)))

    pieces = read_backup(
        io.BytesIO(forged.getvalue()), private=keys.private_key(config, None),
        sign_key=config.secret(config.vault.sign_key).reveal(),
    )  # fmt: skip
    with pytest.raises(NotABackup, match="this store did not sign it"):
        list(pieces)


def test_fault_14_a_full_disk_is_one_sentence_and_leaves_no_half_file(counter: Counter, sql: Any) -> None:
    config = counter.vault.config
    folder, before = config.data_dir / "backups", resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        with pytest.raises(ConfigError, match=re.escape(f"the backup could not be written to {folder} (")) as full:
            make(config, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert "nothing was left there" in str(full.value)
    assert list(folder.iterdir()) == []
    assert sql("SELECT count(*) FROM backup_made") == [(0,)]


def test_a_dump_that_breaks_off_leaves_no_file(counter: Counter, store: Config) -> None:
    nobody = replace(store, database=replace(store.database, url=store.database.roles.vault))

    with pytest.raises(DumpFailed, match="the database could not be read: pg_dump: error:"):
        make(nobody, store.data_dir / "backups")
    assert list((store.data_dir / "backups").iterdir()) == []


def a_head(vault_id: UUID) -> Head:
    return Head(
        id=uuid4(), made_at=datetime(2026, 1, 1, tzinfo=UTC), store="shop", kind="test", vault_id=vault_id,
        vault_keys=(), migration="0001", server="18", log_bytes=0, log_sha256="", audit_entry=0,
    )  # fmt: skip


def test_the_newest_stay_and_neither_another_stores_backups_nor_other_files_are_touched(tmp_path: Path) -> None:
    """Two stores with one folder removed each other's."""
    mine, other = uuid4(), uuid4()
    names = [f"keystall-2026010{day}T000000Z-abcdef.backup" for day in range(1, 8)]
    for place, name in enumerate(names):
        with (tmp_path / name).open("wb") as out:
            write_backup(
                out,
                a_head(other if place % 2 else mine),
                io.BytesIO(b"x"),
                public=public_of(new_private()),
                sign_key=bytes(32),
            )
    unread = {"notes.backup", "keystall-notes.txt", "keystall-20250101T000000Z-abcdef.backup"}
    for name in unread:
        (tmp_path / name).touch()

    removed = remove_old(tmp_path, 2, mine)

    assert [path.name for path in removed] == [names[2], names[0]]
    assert {path.name for path in tmp_path.iterdir()} == {*names[3:], names[1], *unread}


def test_the_pair_is_made_once_and_a_lone_half_is_left_alone(config: Config) -> None:
    private, public = keys.make_missing(config)

    assert (private.name, public.name) == ("backup.key", "backup.pub")
    assert public_of(private.read_bytes()) == public.read_bytes()
    private.unlink()  # put away, as it should be
    assert keys.make_missing(config) == []
    assert keys.public_key(config) == public.read_bytes()
    with pytest.raises(ConfigError, match="give the escrowed private key with --key FILE"):
        keys.private_key(config, None)
    with pytest.raises(ConfigError, match=r"backup\.pub is no private backup key"):
        keys.private_key(config, public)


def test_no_password_stands_in_an_argument() -> None:
    environment = environment_for("postgresql://me:secret%21@db.example:6432/shop?sslmode=verify-full&sslrootcert=/ca")

    named = {name: value for name, value in environment.items() if name.startswith("PG")}
    assert named == {
        "PGUSER": "me", "PGPASSWORD": "secret!", "PGHOST": "db.example", "PGPORT": "6432", "PGDATABASE": "shop",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/ca",
    }  # fmt: skip


def test_doctor_says_when_the_last_was_made_and_where_the_key_still_lies(counter: Counter, sql: Any) -> None:
    config = counter.vault.config
    assert list(looked_at(config)) == [
        ("none was made yet: `python run.py backup` makes one while the store sells", False)  # it is no real store
    ]
    make(config, config.data_dir / "backups")

    (last, look), (key, look_at_key) = looked_at(config)
    assert (last.startswith("the last was made 20"), look, look_at_key) == (True, False, True)
    assert (
        key == f"{config.keys_dir / 'backup.key'} opens every backup: move it to a safe place, away from this machine"
    )
    (config.keys_dir / "backup.key").unlink()
    sql("UPDATE backup_made SET made_at = made_at - interval '3 days'")
    ((late, look),) = looked_at(config)
    assert (late.startswith("the last backup is 3 days old ("), look) == (True, True)
