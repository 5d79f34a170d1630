"""A shop with goods on Telegram: the double, one bot, and the bot process running."""

from collections.abc import Iterator

import pytest

from core.config import Config
from core.connections.chats import ChatAccount
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import bots_running, connected, on_telegram


@pytest.fixture
def tg() -> Iterator[TelegramDouble]:
    """A Telegram of one's own; no test may send it what it would never take."""
    with TelegramDouble() as double:
        yield double
        assert double.violations == []


@pytest.fixture
def bot(tg: TelegramDouble) -> BotAccount:
    """A bot."""
    return tg.add_bot()


@pytest.fixture
def account(tg: TelegramDouble, bot: BotAccount, goods: Shop, config: Config) -> ChatAccount:
    """The bot, connected to the merchant `demo`."""
    return connected(on_telegram(config, tg), bot)


@pytest.fixture
def running(tg: TelegramDouble, account: ChatAccount, web_config: Config) -> Iterator[Config]:
    """The bot process at work, by long polling."""
    settings = on_telegram(web_config, tg)
    with bots_running(settings):
        yield settings


@pytest.fixture
def user(tg: TelegramDouble) -> User:
    """A person who speaks Chinese."""
    return tg.user(5001)
