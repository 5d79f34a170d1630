"""What `doctor` finds about logins and the ways to the engines: each process has its rights and no more, over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from core.config import Config
from ops.doctor.finding import Finding
from ops.engines.reach import database_place
from ops.engines.roles import OWNER, ROLES

PROCESSES = ("shop", "panel", "worker", "vault", "direct")
SEALED = ("card_seal", "batch_key", "evidence_use", "wallet_use", "vault_mark")
"""What only the vault reads."""

WHO = """
SELECT current_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
       current_user = (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()),
       has_schema_privilege('public', 'CREATE'),
       ARRAY(SELECT r.rolname::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
             WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1)
FROM pg_roles WHERE rolname = current_user
"""
TOO_MUCH = """
SELECT c.relname || ' (' || p || ')' FROM pg_class c, unnest(ARRAY['TRUNCATE', 'TRIGGER', 'REFERENCES']) p
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND has_table_privilege(c.oid, p)
UNION ALL
SELECT c.relname || ' (SELECT)' FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (%s)
  AND NOT pg_has_role('keystall_vault', 'MEMBER') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1 LIMIT 5
"""
STRANGERS = """
SELECT DISTINCT c.relname || ' (' || CASE a.grantee WHEN 0 THEN 'everyone' ELSE a.grantee::regrole::text END || ')'
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
  AND a.grantee <> c.relowner AND (a.grantee = 0 OR NOT (a.grantee::regrole::text = ANY (%s)))
ORDER BY 1 LIMIT 5
"""


def role_findings(config: Config) -> Iterator[Finding]:
    """The rights of each login; a process must be neither superuser nor owner, or the split of rights is none."""
    found = [*_logins(config), *_strangers(config)]
    yield from (Finding("database", text, is_defect=True) for text in found)
    if not found:
        yield Finding("database", "each login has the rights of its process and no more")


def _logins(config: Config) -> Iterator[str]:
    for role in PROCESSES:
        with psycopg.connect(getattr(config.database.roles, role)) as connection:
            row = connection.execute(WHO).fetchone()
            much = [name for (name,) in connection.execute(TOO_MUCH, (list(SEALED),))]
        has_all = bool(row and (row[1] or row[6]))  # superuser or owner: nothing that follows says more
        if row is not None:
            yield from _login(role, *row)
        if much and not has_all:
            yield (
                f"the login of database.roles.{role} may do too much: {', '.join(much)}; REVOKE it, the migrations"
                " grant what it needs"
            )


def _login(
    role: str, name: str, superuser: bool, bypasses: bool, makes_roles: bool, makes_databases: bool,
    replicates: bool, owns: bool, creates: bool, member_of: list[str],
) -> Iterator[str]:  # fmt: skip
    setting = f"the login of database.roles.{role}"
    if superuser or bypasses or owns:
        yield f"{setting} is superuser or owner: give the role a login of its own"
        return
    powers = {"CREATEROLE": makes_roles, "CREATEDB": makes_databases, "REPLICATION": replicates}
    if having := [power for power, has in powers.items() if has]:
        yield f"{setting} has {', '.join(having)}: ALTER ROLE {name} {' '.join(f'NO{one}' for one in having)}"
    if creates:
        yield f"{setting} may make tables: REVOKE CREATE ON SCHEMA public FROM {name}, and FROM PUBLIC"
    own = f"keystall_{role}"
    others = [one for one in member_of if one != own]
    if name != own and own not in member_of and not (role == "direct" and name in ROLES):
        yield f"{setting} is {name}, which is not {own}: give each process the login of its own role"
    elif others:
        yield f"{setting} is also {', '.join(others)}: REVOKE {', '.join(others)} FROM {name}"


def _strangers(config: Config) -> Iterator[str]:
    with psycopg.connect(config.database.roles.shop) as connection:
        found = [name for (name,) in connection.execute(STRANGERS, ([OWNER, *ROLES],))]
    if found:
        yield f"others have rights on the store's tables: {', '.join(found)}; REVOKE them"


def hop_findings(config: Config) -> Iterator[Finding]:
    """Whether passwords and people's data go to another machine in clear, or to whoever answers there."""
    urls = {"database.url": config.database.url}
    urls |= {f"database.roles.{role}": getattr(config.database.roles, role) for role in PROCESSES}
    open_ones = {name: url for name, url in urls.items() if url and _is_open(url)}
    if open_ones:
        name, url = next(iter(open_ones.items()))
        more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
        text = (
            f"{name}{more}: the way to {database_place(url)} is not both encrypted and checked: add"
            " ?sslmode=verify-full&sslrootcert=/path/to/ca.crt to the address"
        )
        yield Finding("tls", text, is_defect=True)
    if _is_open_redis(config.redis.url):
        text = "redis.url leads to another machine without checked TLS: use rediss://…?ssl_ca_certs=/path/to/ca.crt"
        yield Finding("tls", text, is_defect=True)
    elif not open_ones:
        yield Finding("tls", "what leaves this machine for the engines is encrypted, and whom it reaches is checked")


def _is_open(url: str) -> bool:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return False  # said where it is tried
    hosts = str(parts.get("hostaddr") or parts.get("host") or "").split(",")
    return any(is_remote(host) for host in hosts) and parts.get("sslmode") != "verify-full"


def _is_open_redis(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "unix" or not is_remote(parts.hostname or ""):
        return False
    asked = {name: values[-1].lower() for name, values in parse_qs(parts.query).items()}
    unchecked = asked.get("ssl_cert_reqs") in ("none", "optional") or asked.get("ssl_check_hostname") in ("false", "0")
    return parts.scheme != "rediss" or unchecked


def is_remote(host: str) -> bool:
    """Whether a host is another machine: neither a local socket nor loopback."""
    if not host or host.startswith(("/", "@")):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
