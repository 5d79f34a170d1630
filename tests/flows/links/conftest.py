"""A counter with a real vault, and what card pages need beside it."""

from __future__ import annotations

from typing import Any

import pytest

from core.config import Config
from tests.builders import Talker
from tests.support.chats import an_account, somebody
from tests.support.exchange import Exchange
from tests.support.sales import a_counter
from tests.support.vaults import desk_vault


@pytest.fixture
def desk(store_db: Any, sql: Any, config: Config, urls: dict[str, str]) -> Exchange:
    return Exchange(a_counter(desk_vault(config), sql), urls)


@pytest.fixture
def buyer(desk: Exchange) -> Talker:
    """Somebody in a bot's private chat."""
    return somebody(desk.counter.shop, an_account(desk.counter.shop))
