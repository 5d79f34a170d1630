"""A supplier and a merchant with private chats of their own, a vault, and the worker that asks it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.engine import Engine
from core.clock import FixedClock
from core.config import Config
from core.connections.chats import ChatAccount
from core.parties.service import Role
from tests.builders import Shop
from tests.support.chats import an_account
from tests.support.restock import EMAIL, StaffChatter, Worker, a_member, an_engine_with_stock
from tests.support.vaults import DeskVault, desk_vault


@pytest.fixture
def shop(store_db: Any, sql: Any) -> Shop:
    shop = Shop(sql)
    shop.a_sku("A1")
    shop.a_listing("A1")
    shop.a_party("brand1", "supplier")
    return shop


@pytest.fixture
def vault(shop: Shop, config: Config) -> DeskVault:
    return desk_vault(config)


@pytest.fixture
def worker(vault: DeskVault) -> Worker:
    return Worker(vault)


@pytest.fixture
def engine(config: Config, clock: FixedClock) -> Engine:
    return an_engine_with_stock(config, clock)


@pytest.fixture
def account(shop: Shop) -> ChatAccount:
    return an_account(shop, restock=True)


@pytest.fixture
def chat(shop: Shop, engine: Engine, account: ChatAccount) -> StaffChatter:
    return StaffChatter(shop, engine, account)


@pytest.fixture
def supplier(shop: Shop, chat: StaffChatter, config: Config, vault: DeskVault) -> StaffChatter:
    """A supplier's stock keeper, bound."""
    a_member(shop, shop.a_party("brand1"), Role.STOCK)
    assert "已绑定" in chat.binds(config, EMAIL).text
    return chat
