"""A store with vault keys and a backup pair of its own, and cards that were sold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.config import Config
from ops.backups import keys
from tests.support.engines import Databases
from tests.support.restored import Night, a_night
from tests.support.sales import Counter, a_counter
from tests.support.vault_keys import with_own_keys
from tests.support.vaults import desk_vault


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The name of a database where nobody else is: who restores one must be alone there."""
    name = databases.copy()
    yield name
    databases.drop(name)


@pytest.fixture
def store(config: Config) -> Config:
    own = with_own_keys(config)
    keys.make_missing(own)
    return own


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], store: Config) -> Counter:
    return a_counter(desk_vault(store), sql)


@pytest.fixture
def night(counter: Counter) -> Night:
    return a_night(counter)
