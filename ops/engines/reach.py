"""Whether an engine answers; the refusal names its place (never its password) and the setting to mend."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.config import ConfigError


def check_database(url: str, *, setting: str = "database.url") -> None:
    """Raise ConfigError when no session can be had at this address."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        reason = " ".join((str(error).strip().splitlines() or ["no answer"])[-1].split())
        raise ConfigError(
            f"the database at {database_place(url)} does not answer ({reason}): start it, or mend {setting}"
        ) from None


def check_redis(url: str) -> None:
    """Raise ConfigError when Redis does not answer at this address."""
    try:
        once = Retry(NoBackoff(), 0)
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, retry=once) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"Redis at {redis_place(url)} does not answer ({reason}): start it, or mend redis.url"
        ) from None


def database_place(url: str) -> str:
    """Host, port and database of an address, without login and password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "an address that PostgreSQL cannot read"
    host = parts.get("host") or "the local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}/{parts.get('dbname') or ''}"


def redis_place(url: str) -> str:
    """Host and port, or the socket, of an address, without login and password."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]
