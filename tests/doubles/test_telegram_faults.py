"""What goes wrong between Telegram and a bot, played on demand: polls, webhooks, floods, outages, lost answers."""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from aiogram import methods as api
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)  # fmt: skip

from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.doubles.telegram.client import Client

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def double() -> Iterator[TelegramDouble]:
    with TelegramDouble() as served:
        served.set_patience(webhook=0.02)
        yield served


@pytest.fixture(scope="module")
def client(double: TelegramDouble) -> Iterator[Client]:
    with Client(double) as opened:
        yield opened


@pytest.fixture
def bot(double: TelegramDouble) -> BotAccount:
    return double.add_bot(username=f"faults{next(numbers)}_bot")


@pytest.fixture
def user(double: TelegramDouble, bot: BotAccount) -> User:
    person = double.user(8000 + next(numbers))
    person.start(bot)
    return person


class Hook:
    """A webhook: keeps what came, and answers with the statuses that are left, then 200."""

    def __init__(self) -> None:
        self.came: list[tuple[str | None, Any]] = []
        self.statuses: list[int] = []
        self.answer = b""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.came.append((self.headers.get("X-Telegram-Bot-Api-Secret-Token"), body))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(hook.answer)))
                self.end_headers()
                self.wfile.write(hook.answer)

            def log_message(self, *_arguments: object) -> None:
                """Nothing on the console."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def texts(self) -> list[str]:
        return [httpx.Response(200, content=body).json()["message"]["text"] for _, body in self.came]


@pytest.fixture
def hook() -> Iterator[Hook]:
    opened = Hook()
    yield opened
    opened.close()


def test_a_poll_waits_for_news_confirms_with_its_offset_and_ends_when_another_begins(client, bot, user):
    (first,) = client.call(bot, api.GetUpdates(timeout=5))
    began = time.monotonic()
    threading.Timer(0.2, lambda: user.send(bot, "hello")).start()
    (second,) = client.call(bot, api.GetUpdates(offset=first.update_id + 1, timeout=5))
    waited = time.monotonic() - began
    ended, empty = client.together(
        bot,
        api.GetUpdates(offset=second.update_id + 1, timeout=5),
        api.GetUpdates(offset=second.update_id + 1, timeout=0),
    )

    assert (first.message.text, second.message.text, 0.1 < waited < 4) == ("/start", "hello", True)
    assert isinstance(ended, TelegramConflictError)
    assert "terminated by other getUpdates request" in ended.message
    assert empty == []


def test_kinds_of_updates_that_were_not_asked_for_do_not_come(client, bot, user):
    (first,) = client.call(bot, api.GetUpdates(allowed_updates=["callback_query"]))
    user.send(bot, "hello")

    assert client.call(bot, api.GetUpdates(offset=first.update_id + 1)) == []


def test_updates_go_to_the_webhook_with_its_secret_and_polling_conflicts(double, client, bot, user, hook):
    client.call(bot, api.SetWebhook(url=hook.url, secret_token="s3cret"))
    user.send(bot, "hello")
    double.wait_until_taken(bot)

    assert hook.texts() == ["/start", "hello"]
    assert {secret for secret, _ in hook.came} == {"s3cret"}
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        client.call(bot, api.GetUpdates())


def test_a_webhook_that_fails_gets_the_same_again_before_anything_later_of_that_chat(double, client, bot, user, hook):
    hook.statuses = [500, 503]
    user.send(bot, "second")
    client.call(bot, api.SetWebhook(url=hook.url))
    double.wait_until_taken(bot)
    state = client.call(bot, api.GetWebhookInfo())

    assert hook.texts() == ["/start", "/start", "/start", "second"]
    assert (state.pending_update_count, state.last_error_message) == (
        0, "Wrong response from the webhook: 503 Service Unavailable",
    )  # fmt: skip


def test_an_update_comes_again_though_it_was_taken(double, client, bot, user, hook):
    """Fault 37: the platform repeats an update_id."""
    (first,) = client.call(bot, api.GetUpdates())
    client.call(bot, api.GetUpdates(offset=first.update_id + 1))
    again = double.repeat_last_update(bot)
    (polled,) = client.call(bot, api.GetUpdates(offset=first.update_id + 1))
    client.call(bot, api.SetWebhook(url=hook.url))
    double.repeat_last_update(bot, times=2)
    double.wait_until_taken(bot)

    assert (again, polled.update_id) == (first.update_id, first.update_id)
    assert hook.texts() == ["/start", "/start"]


def test_a_method_in_the_answer_to_a_webhook_takes_effect(double, client, bot, user, hook):
    hook.answer = b'{"method": "sendMessage", "chat_id": %d, "text": "hi"}' % user.id
    client.call(bot, api.SetWebhook(url=hook.url))

    assert user.wait_for(bot, lambda message: message.text == "hi").from_bot
    double.wait_until_taken(bot)


def test_anything_can_be_posted_to_a_webhook_under_any_secret(double, client, bot, hook):
    client.call(bot, api.SetWebhook(url=hook.url, secret_token="s3cret"))
    hook.statuses = [401, 401, 200]

    assert double.post_to_webhook(bot, b"\x00\xff", secret=None).status_code == 401
    assert double.post_to_webhook(bot, {"update_id": 1}, secret="é".encode()).status_code == 401
    assert double.post_to_webhook(bot, b"[]").status_code == 200
    assert [(secret, body) for secret, body in hook.came][::2] == [(None, b"\x00\xff"), ("s3cret", b"[]")]


def test_a_flood_names_its_seconds_and_whoever_does_not_wait_is_seen(double, client, bot, user):
    """Fault 42: 429 for one chat, others go on."""
    other = double.user(1)
    other.start(bot)
    double.flood(bot, chat=user.id, retry_after=35)
    send = api.SendMessage(chat_id=user.id, text="x")

    with pytest.raises(TelegramRetryAfter) as flooded:
        client.call(bot, send)
    client.call(bot, api.SendMessage(chat_id=other.id, text="x"))
    assert (flooded.value.retry_after, len(double.too_early)) == (35, 0)
    double.pass_time(34)
    client.call(bot, send)
    assert [asked.values["chat_id"] for asked in double.too_early] == [user.id]
    double.pass_time(2)
    client.call(bot, send)
    assert len(double.too_early) == 1
    assert [asked.code for asked in double.requests(bot, "sendMessage", user.id)] == [429, 200, 200]


def test_an_outage_takes_nothing_and_brings_nothing_until_it_ends(double, client, bot, user, hook):
    send = api.SendMessage(chat_id=user.id, text="x")
    expected = {"502": TelegramServerError, "html": ClientDecodeError, "drop": TelegramNetworkError}
    try:
        for kind, error in expected.items():
            double.outage(kind=kind)
            with pytest.raises(error):
                client.call(bot, send)
    finally:
        double.outage(on=False)
    client.call(bot, api.SetWebhook(url=hook.url))
    double.wait_until_taken(bot)
    double.outage()
    user.send(bot, "hello")
    double.outage(on=False)
    double.wait_until_taken(bot)

    assert user.from_bot(bot) == []
    assert hook.texts() == ["/start", "hello"]


def test_a_lost_answer_leaves_its_effect(double, client, bot, user):
    double.lose_answers(1, method="sendMessage")
    client.call(bot, api.SendChatAction(chat_id=user.id, action="typing"))

    with pytest.raises(TelegramNetworkError):
        client.call(bot, api.SendMessage(chat_id=user.id, text="x"))
    client.call(bot, api.SendMessage(chat_id=user.id, text="y"))

    assert [message.text for message in user.from_bot(bot)] == ["x", "y"]


def test_a_slow_answer_comes_after_its_effect(double, client, bot, user):
    double.slow(5, method="sendMessage")

    with pytest.raises(TelegramNetworkError, match="timeout"):
        client.call(bot, api.SendMessage(chat_id=user.id, text="x"), timeout=0.2)

    assert [message.text for message in user.from_bot(bot)] == ["x"]


def test_a_double_stops_though_requests_and_deliveries_wait():
    with TelegramDouble() as double, Client(double) as client:
        bot = double.add_bot()
        double.user(1).start(bot)
        client.call(bot, api.SetWebhook(url="http://127.0.0.1:9/nobody"))
        double.wait_until(lambda: bot.mailbox.webhook.last_error)
        other = double.add_bot(username="waits_bot")
        waiting = threading.Thread(target=_poll, args=(double.url, other.token))
        waiting.start()
        double.wait_until(lambda: other.mailbox.poll)
        began = time.monotonic()
    waiting.join(5)

    assert not waiting.is_alive()
    assert time.monotonic() - began < 5


def _poll(url: str, token: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{url}/bot{token}/getUpdates?timeout=50", timeout=60, trust_env=False)
