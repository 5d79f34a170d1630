"""A panel over a fresh database with a vault's desk beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from admin import reading
from admin.app import make_app
from admin.panel import WORDS, Panel
from bot.texts import Phrasebook
from channels.web.render import STATIC
from core import db
from core.config import Config
from core.secret import Secret
from tests.builders import Shop
from tests.support.panel import Browser
from tests.support.vault_keys import with_own_keys
from tests.support.vaults import TestVault, desk_vault


@pytest.fixture
def vault(store_db: Any, config: Config) -> TestVault:
    """A vault that opens what it should."""
    return desk_vault(with_own_keys(config))


@pytest.fixture
def panel(shop: Shop, vault: TestVault, urls: dict[str, str]) -> Iterator[Callable[[], Browser]]:
    """A new browser at the panel of a shop, each time it is called."""
    values = Panel(
        book=Phrasebook(zone="Asia/Shanghai", default="en", folder=WORDS),
        vault=vault.client,
        now=db.database_now,
        form_key=Secret(b"k" * 32),
        is_https=False,
        shared=STATIC,
        store_name="Keystall",
        is_demo=False,
        vault_public=vault.config.secret(vault.config.vault.public_key).reveal,
        seal_key=vault.config.secret(vault.config.secrets.seal_key),
    )
    app = make_app(values)
    reading.connect(urls["panel"], size=4)
    yield lambda: Browser(app)
    reading.disconnect()
