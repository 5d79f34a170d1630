"""Addresses of engines that someone else runs: used as given, and named without their passwords when they fail."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from core.config import Config, ConfigError, Database, DatabaseRoles, Redis, Store
from ops import engines
from ops.engines.engines import is_external


def test_given_addresses_are_used_as_they_are(config: Config) -> None:
    with engines.start(config) as external:
        assert is_external(config)
        assert external.postgres is None
        assert external.valkey is None
        assert external.urls.worker == config.database.roles.worker
        assert external.redis_url == config.redis.url
    assert not (config.data_dir / "postgres").exists()


def test_a_role_without_an_address_is_named(config: Config) -> None:
    roles = replace(config.database.roles, vault="")

    with pytest.raises(ConfigError, match=r"database\.roles\.vault is empty: with a database of your own"):
        engines.start(replace(config, database=replace(config.database, roles=roles)))


def test_listening_falls_back_to_the_shop_when_direct_has_no_address(config: Config) -> None:
    roles = replace(config.database.roles, direct="")

    with engines.start(replace(config, database=replace(config.database, roles=roles))) as external:
        assert external.urls.direct == config.database.roles.shop


def test_an_address_may_be_a_reference(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", config.database.roles.shop)
    roles = replace(config.database.roles, shop="env:SHOP_URL")

    with engines.start(replace(config, database=replace(config.database, roles=roles))) as external:
        assert external.urls.shop == config.database.roles.shop


def test_an_unreachable_database_is_named_without_its_password(data_dir: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"postgresql://someone:hunter2@127.0.0.1:{port}/shop"
    roles = DatabaseRoles(shop=url, panel=url, worker=url, vault=url)
    config = Config(store=Store(data_dir=data_dir), database=Database(url=url, roles=roles))

    with pytest.raises(ConfigError) as refused:
        engines.start(config)

    assert str(refused.value).startswith(f"the database at 127.0.0.1:{port}/shop does not answer (")
    assert str(refused.value).endswith("): start it, or mend database.url")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unreachable_redis_is_named(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"Redis at 127\.0\.0\.1:1 does not answer .*: start it, or mend redis\.url"):
        engines.start(replace(config, redis=Redis(url="redis://:hunter2@127.0.0.1:1/0")))
