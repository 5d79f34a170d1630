"""A shop whose goods two suppliers bring, and a vault at the desk that imports a few rows a chunk."""

from __future__ import annotations

from typing import Any

import pytest

from core.config import Config
from core.custody.imports import cancelling, filling, importing
from tests.builders import Shop
from tests.support.vaults import DeskVault, desk_vault


@pytest.fixture
def shop(store_db: Any, sql: Any, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 20)
    monkeypatch.setattr(cancelling, "ROWS", 25)
    monkeypatch.setattr(filling, "PAUSES", (0.01, 0.01))
    shop = Shop(sql)
    shop.a_sku("B1", case_sensitive=False)
    assert shop.merchant
    for code in ("brand1", "agent1"):
        shop.a_party(code, "supplier")
    return shop


@pytest.fixture
def vault(shop: Shop, config: Config) -> DeskVault:
    return desk_vault(config)
