"""A shop whose goods a supplier's double brings, with the worker that asks it and a vault's desk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.config import Config
from tests.builders import Shop, Talker
from tests.doubles.kasushou import KasushouDouble
from tests.support.supplying import Supplied, a_supplied_shop
from tests.support.till import Till
from tests.support.vaults import desk_vault


@pytest.fixture
def double() -> Iterator[KasushouDouble]:
    with KasushouDouble().served() as double:
        yield double


@pytest.fixture
def supplied(shop: Shop, config: Config, urls: dict[str, str], double: KasushouDouble, store_db: Any) -> Supplied:
    return a_supplied_shop(Till(shop), double, desk_vault(config), urls["worker"])


@pytest.fixture
def talker(shop: Shop) -> Talker:
    return shop.a_shopper()
