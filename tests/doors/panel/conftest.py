"""A panel over a fresh database with a vault's desk beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from admin import reading
from admin.app import make_app
from core.config import Config
from tests.builders import Shop
from tests.support.panel import Browser, panel_values
from tests.support.seated import a_seat
from tests.support.vault_keys import with_own_keys
from tests.support.vaults import TestVault, desk_vault


@pytest.fixture
def vault(store_db: Any, config: Config) -> TestVault:
    """A vault that opens what it should."""
    return desk_vault(with_own_keys(config))


@pytest.fixture
def panel(shop: Shop, vault: TestVault, urls: dict[str, str]) -> Iterator[Callable[[], Browser]]:
    """A new browser at the panel of a shop, each time it is called."""
    app = make_app(panel_values(vault))
    reading.connect(urls["panel"], size=4)
    yield lambda: Browser(app)
    reading.disconnect()


@pytest.fixture
def owner(panel: Callable[[], Browser], shop: Shop) -> Browser:
    """An owner of the merchant, a code shown just now; there is another owner too."""
    browser = panel()
    browser.person = a_seat(browser, shop, shop.merchant, "owner")  # type: ignore[attr-defined]
    a_seat(panel(), shop, shop.merchant, "owner", name="Zhou")
    return browser
