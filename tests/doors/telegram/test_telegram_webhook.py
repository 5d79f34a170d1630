"""Telegram's webhook at the web door: the secret first, junk is harmless, the inbox row before the answer."""

import dataclasses
from collections.abc import Iterator

import httpx
import pytest

from core.config import Config
from core.connections.chats import ChatAccount
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import bots_running, connected, last, on_telegram, settled
from tests.support.web import WebServer, web_server

START = {
    "update_id": 900001,
    "message": {
        "message_id": 1, "date": 0, "text": "/start", "chat": {"id": 5001, "type": "private"},
        "from": {"id": 5001, "is_bot": False, "first_name": "x", "language_code": "zh-hans"},
    },
}  # fmt: skip


@pytest.fixture
def hooked(tg: TelegramDouble, bot: BotAccount, goods: Shop, web_config: Config) -> Iterator[tuple[WebServer, Config]]:
    """Web and bot process at work, the webhook set."""
    with web_server(web_config) as web:
        pages = dataclasses.replace(web_config.web, public_url=web.url)
        config = dataclasses.replace(on_telegram(web_config, tg, "webhook"), web=pages)
        connected(config, bot)
        with bots_running(config):
            tg.wait_until(lambda: bot.mailbox.webhook.url, 30)
            yield web, config


def rows(goods: Shop) -> int:
    return int(goods.sql("SELECT count(*) FROM inbox WHERE waits")[0][0])


def test_an_order_over_the_webhook(
    hooked: tuple[WebServer, Config], goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    user.start(bot)
    last(user, bot, "选购商品")
    user.send(bot, "买 A1")
    toast = user.tap(bot, "确认下单", message=last(user, bot, "确认下单")).answer(2)

    assert toast is not None
    assert last(user, bot, "去支付").links
    assert goods.count("shop_order") == 1
    assert [one.method for one in tg.requests(bot) if one.method == "getUpdates"] == []


def test_fault_37_the_same_update_twice_is_one_row(
    hooked: tuple[WebServer, Config], goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 37: posted twice, and brought again by Telegram."""
    answers = [tg.post_to_webhook(bot, START).status_code for _ in range(3)]
    settled(hooked[1])

    assert answers == [200, 200, 200]
    assert rows(goods) == 1


@pytest.mark.parametrize("secret", [None, "wrong", "", "sécret", b"\xff\xfe", "x" * 300])
def test_fault_38_without_the_right_secret_nothing_is_taken(
    hooked: tuple[WebServer, Config], goods: Shop, tg: TelegramDouble, bot: BotAccount, secret: str | bytes | None
) -> None:
    """Fault 38: missing, wrong, not ASCII: 401, never 500."""
    given = secret.encode("latin-1") if isinstance(secret, str) else secret

    answer = tg.post_to_webhook(bot, START, secret=given)

    assert answer.status_code == 401
    assert answer.json()["error_id"].startswith("err_")
    assert rows(goods) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"update_id": "1"}', b'{"update_id": 5}',
        b'{"update_id": 5, "message": 1}', b'{"update_id": 5, "message": {"from": {"id": "x"}, "chat": {}}}',
        b'{"update_id": 5, "callback_query": {"id": "1", "from": {"id": 5}, "data": "x"}}',
        b'{"update_id": 5, "something_new": {}}',
    ],
)  # fmt: skip
def test_junk_with_the_right_secret_is_acknowledged_and_forgotten(
    hooked: tuple[WebServer, Config], goods: Shop, tg: TelegramDouble, bot: BotAccount, body: bytes
) -> None:
    answer = tg.post_to_webhook(bot, body)

    assert (answer.status_code, answer.text) == (200, "")
    assert rows(goods) == 0


def test_an_address_that_no_bot_has_is_404_and_a_large_body_413(
    hooked: tuple[WebServer, Config], tg: TelegramDouble, bot: BotAccount
) -> None:
    web, _ = hooked
    unknown = httpx.post(f"{web.url}/hooks/telegram/{'x' * 22}", json=START)
    large = tg.post_to_webhook(bot, b" " * 70_000)

    assert (unknown.status_code, large.status_code) == (404, 413)


def test_polling_again_takes_the_webhook_away_and_loses_nothing(
    hooked: tuple[WebServer, Config], tg: TelegramDouble, bot: BotAccount, account: ChatAccount, user: User
) -> None:
    _, config = hooked
    polled = on_telegram(config, tg)
    with bots_running(polled):
        tg.wait_until(lambda: not bot.mailbox.webhook.url, 30)
        user.start(bot)
        assert last(user, bot, "选购商品").labels
