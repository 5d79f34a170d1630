"""`backup`: one moment of the database, sealed piece by piece into a file that the store itself cannot read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import psycopg

from core.config import Config, ConfigError
from core.vault.backups import Head, NotABackup, read_head, write_backup
from ops import migrate
from ops.backups import keys
from ops.backups.dumping import dump

SUFFIX = ".backup"
UNFINISHED = ".part"
_FACTS = """
SELECT i.kind, i.vault_id, current_setting('server_version'), (SELECT max(name) FROM schema_migration),
       (SELECT coalesce(array_agg(DISTINCT vault_key_id), '{}') FROM batch_key),
       (SELECT coalesce(max(id), 0) FROM audit_entry)
FROM installation i
"""
_WAS_OPENED = "SELECT EXISTS (SELECT FROM card WHERE opened_at IS NOT NULL)"
_NOTE = "INSERT INTO backup_made (id, made_at, bytes, file) VALUES (%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup: where it lies, its size in bytes, how many seconds it took, older ones that were removed."""

    file: Path
    size: int
    seconds: float
    removed: tuple[Path, ...]


def make(config: Config, folder: Path, *, keep: int | None = None) -> Made:
    """Write a backup into `folder` (made, 0700) and return it; with `keep` remove all but so many of the newest.

    `config` has the owner's address. Raises ConfigError: nothing half made stays behind.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    head = describe(config, now)
    public, sign_key = keys.public_key(config), config.secret(config.vault.sign_key).reveal()
    file = folder / f"keystall-{now:%Y%m%dT%H%M%SZ}-{head.id.hex[-6:]}{SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _whole(file) as out, dump(config.database.url) as content:
            write_backup(out, head, content, public=public, sign_key=sign_key)
    except OSError as error:
        raise ConfigError(
            f"the backup could not be written to {folder} ({error.strerror}): make room or give another folder with"
            " --to; nothing was left there"
        ) from None
    size = file.stat().st_size
    with psycopg.connect(config.database.url) as connection:
        connection.execute(_NOTE, (head.id, now, size, file.name))
    removed = remove_old(folder, keep, head.vault_id) if keep else ()
    return Made(file, size, time.monotonic() - began, removed)


def describe(config: Config, now: datetime) -> Head:
    """What the head says of the store at this moment. The log is looked at first: it may be ahead, never behind."""
    log = config.data_dir / "vault" / "openings.log"
    log_bytes, log_hash = position(log)
    with psycopg.connect(config.database.url) as connection:
        row = connection.execute(_FACTS).fetchone() if migrate.is_migrated(config.database.url) else None
        if row is None:
            raise ConfigError("there is no store in this database yet: `init` makes one")
        if not log.exists() and connection.execute(_WAS_OPENED).fetchone() == (True,):
            raise ConfigError(
                f"{log} is not there, though cards were opened: after a restore nobody would know what went out. Stop"
                " the store, put your copy of it back (without one the vault begins an empty one), then back up"
            )
    kind, vault_id, server, migration, vault_keys, audit_entry = row
    return Head(
        id=uuid.uuid4(),
        made_at=now,
        store=config.store.name,
        kind=kind,
        vault_id=vault_id,
        vault_keys=tuple(sorted(vault_keys)),
        migration=migration,
        server=server,
        log_bytes=log_bytes,
        log_sha256=log_hash,
        audit_entry=audit_entry,
    )


def position(log: Path, upto: int | None = None) -> tuple[int, str]:
    """How long the opening log is (or its first `upto` bytes, if it has as many), and the SHA-256 of that."""
    found, size = hashlib.sha256(), 0
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        while part := file.read(1 << 20 if upto is None else min(1 << 20, upto - size)):
            found.update(part)
            size += len(part)
    return size, found.hexdigest()


def remove_old(folder: Path, keep: int, vault_id: uuid.UUID) -> tuple[Path, ...]:
    """Remove all but the newest `keep` backups of this store from a folder, by the time in their names.

    Those of another store, and files whose head cannot be read, are neither counted nor touched.
    """
    found = sorted(folder.glob(f"keystall-*{SUFFIX}"), reverse=True)
    old = [file for file in found if _vault_of(file) == vault_id][keep:]
    for file in old:
        file.unlink()
    return tuple(old)


def _vault_of(file: Path) -> uuid.UUID | None:
    try:
        with file.open("rb") as raw:
            return read_head(raw).vault_id
    except (OSError, NotABackup):
        return None


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """A 0600 file that appears under its name once it is complete and on the disk, or not at all."""
    beside = file.with_name(file.name + UNFINISHED)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.rename(file)
    finally:
        beside.unlink(missing_ok=True)
