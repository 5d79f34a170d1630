"""What `doctor` looks at: each finding names what is in order, or the defect and how to mend it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

import psycopg

from core.config import Config, ConfigError
from ops import keys, migrate
from ops.backups.looking import looked_at
from ops.channels.accounts import official_accounts
from ops.channels.examined import bots
from ops.doctor.audit import audit_findings
from ops.doctor.finding import Finding
from ops.doctor.machine import folder_findings, machine_findings, package_findings
from ops.doctor.pages import card_page
from ops.doctor.roles import hop_findings, role_findings
from ops.doctor.server import server_findings
from ops.doctor.standing import standing_findings
from ops.doctor.ways import untold, ways
from ops.engines import PostgresServer, attach_or_start
from ops.engines.engines import is_external, redis_address
from ops.engines.reach import check_database, check_redis, database_place, redis_place
from ops.installation import Kind, find_installation
from ops.processes.ports import listeners
from ops.processes.ports import taken as taken_port
from ops.store import why_nothing_sells
from ops.waiting import COUNT as IN_REVIEW
from ops.waiting import TASKS

_ROLES = ("shop", "panel", "worker", "vault", "direct")

TRADE = """
SELECT EXISTS (SELECT 1 FROM party WHERE kind = 'merchant' AND status = 'active' AND is_default),
       EXISTS (SELECT 1 FROM gateway_account WHERE enabled AND gateway <> 'sandbox')
"""
NO_MERCHANT = (
    "there is no default merchant: the shop shows nothing and takes no cards; merchants and goods are set up in the"
    " panel, whose pages for that are not built yet"
)
NO_GATEWAY = "no gateway takes real money: nothing can be paid; such gateways are not built yet"


def examine(config: Config) -> Iterator[Finding]:
    """All findings, in the order in which one would mend them; changes nothing but starts the engines if none run."""
    yield Finding("settings", "every setting is known and fits")
    yield from folder_findings(config)
    yield from machine_findings(config)
    yield from package_findings()
    if not is_external(config) and not (config.data_dir / "postgres").exists():
        yield Finding("database", "not made yet: `up`, `demo` and `init` make it, and the keys, at the first start")
        yield from _ports(config, is_running=False)
        return
    try:
        PostgresServer(config.data_dir).check_version()
        engines = attach_or_start(config, with_redis=False)
    except ConfigError as error:
        yield Finding("database", str(error), is_defect=True)
        yield from _keys(config)
        return
    with engines:
        ready = engines.configured()
        running = not engines.owns
        yield from hop_findings(ready)
        yield from _database(ready)
        yield from _keys(ready)
        yield from _redis(ready, running=running)
        yield from _vault(ready, running=running)
        yield from _ports(config, is_running=running)
        yield from standing_findings(ready) if running else ()
        yield from _trade(ready)
        yield from (Finding("backups", text, is_notice=look) for text, look in looked_at(ready))
        yield from _ways(ready)
        yield from _bots(ready)


def _keys(config: Config) -> Iterator[Finding]:
    if keys.missing_files(config) and _is_unmarked(config):
        yield Finding("keys", "not made yet: `up`, `demo` and `init` make them at the first start")
        return
    found = keys.defects(config)
    if config.keys_dir.exists() and config.keys_dir.stat().st_mode & 0o077:
        found.append(f"other users may look into {config.keys_dir}: chmod 700 {config.keys_dir}")
    yield from (Finding("keys", text, is_defect=True) for text in found)
    with contextlib.suppress(ConfigError):
        if not keys.is_pair(config):
            text = "vault.private_key does not belong to vault.public_key: put both back from your copy of the keys"
            yield Finding("keys", text, is_defect=True)
            return
    if not found:
        yield Finding("keys", "all there, closed to other users, the vault's pair fits")


def _is_unmarked(config: Config) -> bool:
    """Whether nobody has said yet what this database is for; False when that cannot be asked."""
    try:
        return find_installation(config.database.roles.shop) is None
    except psycopg.errors.UndefinedTable:
        return True
    except psycopg.Error:
        return False


def _database(config: Config) -> Iterator[Finding]:
    owner = config.database.url
    reachable = True
    for role in _ROLES:
        url = getattr(config.database.roles, role)
        try:
            check_database(url, setting=f"database.roles.{role}")
        except ConfigError as error:
            reachable = False
            yield Finding("database", str(error), is_defect=True)
    if not reachable:
        return
    yield Finding("database", f"{database_place(owner or config.database.roles.shop)} answers every role")
    yield from role_findings(config)
    yield from server_findings(config)
    missing: list[str] = []
    try:
        missing = migrate.pending(owner or config.database.roles.shop)
    except ConfigError as error:
        yield Finding("schema", str(error), is_defect=True)
        return
    if missing:
        text = f"{len(missing)} migrations are missing, first {missing[0]}: run `python run.py migrate`"
        yield Finding("schema", text, is_defect=True)
        return
    found = find_installation(config.database.roles.shop)
    yield Finding("schema", f"up to date; {f'a {found.kind} store' if found else 'not in use yet'}")


def _redis(config: Config, *, running: bool) -> Iterator[Finding]:
    if not config.redis.url and not running:
        yield Finding("redis", "embedded; it starts with the store")
        return
    try:
        url = redis_address(config)
        check_redis(url)
        yield Finding("redis", f"{redis_place(url)} answers")
    except ConfigError as error:
        yield Finding("redis", str(error), is_defect=True)


def _vault(config: Config, *, running: bool) -> Iterator[Finding]:
    if not running:
        yield Finding("vault", "the store does not run now; its keys are looked at above")
        return
    reason = why_nothing_sells(config)
    if reason is None:
        yield Finding("vault", f"{config.vault_socket} answers and opens")
        yield from (Finding("audit", text, is_defect=is_defect) for text, is_defect in audit_findings(config))
    else:
        yield Finding("vault", f"nothing is sold: {reason}; mend it, then start the store again", is_defect=True)


def _ports(config: Config, *, is_running: bool) -> Iterator[Finding]:
    for _, host, port, setting in listeners(config):
        taken = taken_port(host, port) is not None
        if taken and not is_running:
            text = f"{host}:{port} is in use, but not by this store: free it, or set {setting}"
            yield Finding("ports", text, is_defect=True)
        elif not is_running:
            yield Finding("ports", f"{host}:{port} is free")
        else:
            yield Finding("ports", f"{host}:{port} is {'taken, by the running store' if taken else 'not used'}")


def _ways(config: Config) -> Iterator[Finding]:
    """What is sent outside the chats: to shoppers, and to whoever must look at something."""
    text, is_notice = card_page(config)
    yield Finding("pages", text, is_notice=is_notice)
    for what, text, is_defect in ways(config):
        yield Finding(what, text, is_defect=is_defect)
    if sentence := untold(config.database.roles.shop):
        yield Finding("alerts", sentence, is_notice=True)


def _trade(config: Config) -> Iterator[Finding]:
    """What a store in use needs from people: somebody who sells, a way to pay, a look at what waits."""
    try:
        found = find_installation(config.database.roles.shop)
        with psycopg.connect(config.database.roles.shop) as connection:
            asked = (TRADE, IN_REVIEW, TASKS)
            (sells, gateway), review, tasks = (connection.execute(text).fetchall()[0] for text in asked)
    except psycopg.Error:  # no database, or no schema: said above
        yield from _gateways(config, None, has_gateway=False)
        return
    if found is not None and not sells:
        yield Finding("shop", NO_MERCHANT, is_notice=True)
    elif found is not None:
        yield Finding("shop", "a merchant sells here")
    yield from _gateways(config, found.kind if found else None, has_gateway=gateway)
    yield _waiting("review", "paid lines", *review, mend="`python run.py review` says why, and lets them go on")
    yield _waiting("task", "paid top-ups", *tasks, mend="`python run.py task list` says which, and who holds them")


def _waiting(what: str, lines: str, count: int, since: datetime | None, *, mend: str) -> Finding:
    if since is None:
        return Finding(what, f"no {lines} wait for a person")
    text = f"{lines} that wait for a person: {count}, the oldest since {since:%Y-%m-%d %H:%M}Z; {mend}"
    return Finding(what, text, is_notice=True)


def _gateways(config: Config, kind: Kind | None, *, has_gateway: bool) -> Iterator[Finding]:
    is_on = config.pay.sandbox.enabled or kind is Kind.DEMO  # `demo` switches it on by itself
    if is_on and not _is_loopback(config.web.host):
        mend = "set web.host = 127.0.0.1" if kind is Kind.DEMO else "set pay.sandbox.enabled = false"
        text = f"the sandbox works on a loopback listener only, not on {config.web.host}: {mend}"
        yield Finding("gateways", text, is_defect=True)
    elif is_on and kind is Kind.PRODUCTION:
        text = "the sandbox works in a demo database only: set pay.sandbox.enabled = false"
        yield Finding("gateways", text, is_defect=True)
    elif kind is Kind.PRODUCTION and not has_gateway:
        yield Finding("gateways", NO_GATEWAY, is_notice=True)
    else:
        yield Finding("gateways", "the sandbox is " + ("on: play money" if is_on else "off"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bots(config: Config) -> Iterator[Finding]:
    """Each bot and official account: whether its secrets work, where its events go, what it does without."""
    yield from (Finding("telegram", one.text, one.is_defect, one.is_notice) for one in bots(config))
    yield from (Finding("wechat", one.text, one.is_defect, one.is_notice) for one in official_accounts(config))
