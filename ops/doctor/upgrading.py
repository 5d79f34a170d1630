"""What `upgrade --check` says before a new version starts: whether this code fits what is there; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import peewee
import psycopg

from channels.figures import Family
from core import db
from core.config import Config, ConfigError
from ops import keys, migrate
from ops.backups.looking import looked_at
from ops.doctor.expanding import contractions, indexed
from ops.doctor.finding import Finding
from ops.doctor.machine import folder_findings, package_findings
from ops.engines import PostgresServer, attach_or_start
from ops.engines.engines import is_external
from ops.figures.published import published
from ops.installation import Installation, find_installation
from ops.version import version

MANY_ROWS = 1_000_000
"""Building an index on so many takes long enough to be noticed in the shop."""


def upgrade_findings(config: Config) -> Iterator[Finding]:
    """All findings, in the order in which one would mend them."""
    yield Finding("version", f"this is Keystall {version()}; its settings are known and fit")
    yield from package_findings()
    yield from folder_findings(config)
    if not is_external(config) and not (config.data_dir / "postgres").exists():
        yield Finding("database", "not made yet: there is nothing to upgrade")
        return
    try:
        PostgresServer(config.data_dir).check_version()
        engines = attach_or_start(config, with_redis=False)
    except ConfigError as error:
        yield Finding("database", str(error), is_defect=True)
        return
    with engines:
        ready = engines.configured()
        yield from _keys(ready)
        yield from _schema(ready)
        yield from (Finding("backups", text, is_notice=look) for text, look in looked_at(ready))
        if not engines.owns:
            yield from _running(ready)


def _keys(config: Config) -> Iterator[Finding]:
    is_in_use = _installation(config) is not None
    lost = [name for name in keys.missing_files(config) if is_in_use and name not in keys.REPLACEABLE]
    for name in lost:
        text = f"{name} is missing: put it back from your copy, this version does not start without it"
        yield Finding("keys", text, is_defect=True)
    if not lost:
        yield Finding("keys", "every key that this version needs is there" if is_in_use else "not made yet")


def _installation(config: Config) -> Installation | None:
    try:
        return find_installation(config.database.roles.shop)
    except psycopg.Error:  # an empty database, or an older schema
        return None


def _schema(config: Config) -> Iterator[Finding]:
    url = config.database.url or config.database.roles.shop
    try:
        pending = migrate.pending(url)
    except ConfigError as error:
        yield Finding("schema", str(error), is_defect=True)
        return
    texts = {one.name: one.text for one in migrate.migrations()}
    is_fresh = not migrate.is_migrated(url)
    stops: list[str] = []
    for name in pending:
        against = [] if is_fresh else contractions(texts[name])
        stops += [name] if against else []
        what = f"needs a stop, it {'; '.join(against[:3])}" if against else "only adds: the old code may run beside it"
        yield Finding("schema", f"would run {name}: {what}", is_notice=bool(against))
        for table in [] if is_fresh else indexed(texts[name]):
            if (rows := _rows(url, table)) >= MANY_ROWS:
                text = f"{name} builds an index on {table} with about {rows:,} rows: nobody writes to it meanwhile"
                yield Finding("schema", text, is_notice=True)
    if pending and not config.database.url and not is_fresh:
        yield Finding("schema", "database.url is empty: migrations run as the owner, set it for them", is_defect=True)
    yield _way(pending, stops)


def _way(pending: list[str], stops: list[str]) -> Finding:
    if not pending:
        return Finding("schema", "up to date: `python run.py restart` brings the new code, no request is lost")
    if stops:
        return Finding(
            "way", "stop the store, make a backup, `python run.py migrate`, `python run.py up`", is_notice=True
        )
    return Finding("way", "`python run.py migrate` beside the running store, then `python run.py restart`")


def _rows(url: str, table: str) -> int:
    """About how many rows a table has, without counting them; 0 where it does not exist."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", (table,)
        ).fetchone()
    return max(0, int(row[0])) if row else 0


def _running(config: Config) -> Iterator[Finding]:
    """Which code runs now, as each process tells of itself."""
    db.connect(config.database.roles.shop, size=2)
    try:
        told = {(one.process, _version_of(one.families)) for one in published()}
    except peewee.PeeweeException:  # an older schema without that table
        told = set()
    finally:
        db.disconnect()
    running = ", ".join(f"{process} {found}" for process, found in sorted(told))
    yield Finding("running", f"now: {running}" if running else "no process has told its version")


def _version_of(families: tuple[Family, ...]) -> str:
    info = [family for family in families if family.name == "keystall_build_info"]
    labels = [sample.labels for family in info for sample in family.samples]
    return str(labels[0]["version"]) if labels else "unknown"
