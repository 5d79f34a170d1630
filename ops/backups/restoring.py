"""`restore`: a backup becomes the database, and the vault opens nothing until somebody has seen to what went out since.

What is replaced stays beside, as the schema `replaced_by_restore`, until the end: a restore that fails puts it back,
and one that is killed is seen by it, so that nothing sells until `restore` has run again.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from core.config import Config, ConfigError
from core.vault.backups import Head, NotABackup, read_backup, read_head
from core.vault.primitives import SealError
from ops import keys, migrate
from ops.backups.dumping import restore as run_restore

REPLACED = "replaced_by_restore"
_NAME = sql.Identifier(REPLACED)
_ASK_AGAIN_DAYS = 7
_GOODBYE_SECONDS = 2.0
_SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'keystall_%'"
    " AND usename <> current_user"
)
_USERS = ("keystall_shop", "keystall_panel", "keystall_worker", "keystall_vault", "keystall_direct")
_TRIGRAMS = """
SELECT DISTINCT pg_get_indexdef(d.objid) FROM pg_depend d
JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.refclassid = 'pg_extension'::regclass
JOIN pg_extension x ON x.oid = e.refobjid AND x.extname = 'pg_trgm'
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_opclass'::regclass
"""
_EPOCH = """
INSERT INTO vault_epoch (id, restored_at, backup_id, backup_made_at, log_bytes, log_sha256, was_never_whole)
VALUES (%(epoch)s, now(), %(backup)s, %(made)s, %(bytes)s, %(hash)s, %(never_whole)s)
"""
_UNRELEASED = """
SELECT backup_made_at, log_bytes, log_sha256, log_is_whole IS FALSE OR was_never_whole FROM vault_epoch
WHERE released_at IS NULL
"""
"""The backup was made while another restore was not released yet: that one is still to be seen to."""

_OVER = "UPDATE vault_epoch SET log_is_whole = false, marked_at = now(), released_at = now() WHERE released_at IS NULL"
_ASK_AGAIN = """
WITH asked AS (
    UPDATE payment SET poll_at = now()
    WHERE rail = 'gateway' AND state IN ('created', 'pending', 'expired')
      AND created_at > %(made)s::timestamptz - make_interval(days => %(days)s) RETURNING id
)
INSERT INTO epoch_payment (payment_id, epoch_id) SELECT id, %(epoch)s FROM asked
ON CONFLICT (payment_id) DO UPDATE SET epoch_id = excluded.epoch_id, answered_at = NULL
"""
_GATEWAYS = "INSERT INTO epoch_gateway (epoch_id, gateway_account_id) SELECT %(epoch)s, id FROM gateway_account"
_CLOSED = """
INSERT INTO vault_state (open, reason, at) VALUES (false, 'the database was restored', now())
ON CONFLICT (one) DO UPDATE SET open = false, reason = excluded.reason, at = excluded.at
"""
_AUDIT = """
INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id, detail)
VALUES (now(), 'operator', 'restore.done', 'vault_epoch', %(epoch)s::text,
        jsonb_build_object('backup', %(backup)s::text))
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back, and the migrations that ran on it since it was made by an older program."""

    head: Head
    migrations: tuple[str, ...]


def restore(config: Config, file: Path, *, private: bytes, replace: str) -> Restored:
    """Bring a backup back; `config` has the owner's address, and nobody else may use the database meanwhile.

    `replace` is the name of the database whose content goes away; it must be given unless that is empty. Raises
    ConfigError: the database is as it was before, or waits to be restored again.
    """
    head = checked(config, file, private)
    sign_key = config.secret(config.vault.sign_key).reveal()
    with psycopg.connect(config.database.url, autocommit=True) as connection:
        _may_replace(connection, replace)
        _put_beside(connection)
        try:
            with file.open("rb") as raw:
                run_restore(config.database.url, _as_config(read_backup(raw, private=private, sign_key=sign_key), file))
            ran = migrate.migrate(config.database.url)
            _begin_epoch(connection, head)
        except BaseException:
            _put_back(connection)
            raise
    return Restored(head, tuple(ran))


def checked(config: Config, file: Path, private: bytes) -> Head:
    """The head of a backup that is whole, ours, and fits the keys and the program here. Raises ConfigError."""
    sign_key = config.secret(config.vault.sign_key).reveal()
    try:
        with file.open("rb") as raw:
            head = read_head(raw)
            raw.seek(0)
            for _ in read_backup(raw, private=private, sign_key=sign_key):
                pass
    except NotABackup as reason:
        raise ConfigError(f"{file} cannot be restored: {reason}") from None
    known = [one.name for one in migrate.migrations()]
    if head.migration not in known:
        raise ConfigError(f"{file} was made by a newer program ({head.migration}): update the checkout first")
    try:
        here = set(keys.versions(config))
    except SealError:
        raise ConfigError("a private key file of the vault holds something else: put the right file back") from None
    if missing := [version for version in head.vault_keys if version not in here]:
        raise ConfigError(
            f"cards of this backup are sealed with version {missing[0]} of the vault's key, which is not here: put"
            f" {config.keys_dir}/vault.key.{missing[0]} back from your copy of the keys"
        )
    return head


def _sessions(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """How many sessions of the store there are; one that was closed just now is given a moment to be gone."""
    until = time.monotonic() + _GOODBYE_SECONDS
    while True:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        row = connection.execute(_SESSIONS).fetchone()
        if row == (0,) or time.monotonic() > until:
            return int(str(row[0])) if row else 0
        time.sleep(0.05)


def _may_replace(connection: psycopg.Connection[tuple[object, ...]], replace: str) -> None:
    name, holds = connection.execute(
        "SELECT current_database(), EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public')"
    ).fetchone() or ("", False)
    if users := _sessions(connection):
        raise ConfigError(f"{users} sessions use the database {name}: stop the store on every machine, then try again")
    has_content = holds and connection.execute("SELECT to_regclass('public.installation')").fetchone() != (None,)
    if has_content:
        has_content = connection.execute("SELECT EXISTS (SELECT 1 FROM public.installation)").fetchone() == (True,)
    if has_content and replace != name:
        raise ConfigError(
            f"the database {name} holds a store: say --replace {name} if all that is in it may go away for the backup"
        )


def _put_beside(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """The schema in use becomes REPLACED; what an unfinished restore has left is dropped, and REPLACED stays.

    pg_trgm stays in `public`, where the backup wants it; its indexes are noted, for the case that all goes back.
    """
    with connection.transaction():
        if _has(connection, REPLACED):
            connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
        else:
            indexes = [str(row[0]) for row in connection.execute(_TRIGRAMS)]
            connection.execute(sql.SQL("ALTER SCHEMA public RENAME TO {}").format(_NAME))
            connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(_NAME, sql.Literal(json.dumps(indexes))))
        connection.execute("DROP EXTENSION IF EXISTS pg_trgm CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE EXTENSION pg_trgm SCHEMA public")
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for user in _USERS:
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(user)))


def _put_back(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with connection.transaction():
        noted = connection.execute("SELECT obj_description(%s::regnamespace, 'pg_namespace')", (REPLACED,)).fetchone()
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO public").format(_NAME))
        connection.execute("COMMENT ON SCHEMA public IS NULL")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
        for statement in json.loads(str(noted[0])) if noted and noted[0] else []:
            connection.execute(statement.encode())


def _begin_epoch(connection: psycopg.Connection[tuple[object, ...]], head: Head) -> None:
    """From this commit on it is the store's database, and held back until it is released."""
    values = {"epoch": uuid.uuid4(), "backup": head.id, "made": head.made_at, "days": _ASK_AGAIN_DAYS}
    values |= {"bytes": head.log_bytes, "hash": head.log_sha256, "never_whole": False}
    with connection.transaction():
        connection.execute("SET LOCAL search_path = public")
        if (before := connection.execute(_UNRELEASED).fetchone()) is not None:
            values |= dict(zip(("made", "bytes", "hash", "never_whole"), before, strict=True))
            connection.execute(_OVER)
        for statement in (_EPOCH, _ASK_AGAIN, _GATEWAYS, _CLOSED, _AUDIT):
            connection.execute(statement.encode(), values)
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(_NAME))


def _has(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> bool:
    return connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (schema,)).fetchone() == (True,)


def _as_config(pieces: Iterator[bytes], file: Path) -> Iterator[bytes]:
    try:
        yield from pieces
    except NotABackup as reason:
        raise ConfigError(f"{file} cannot be restored: {reason}") from None
