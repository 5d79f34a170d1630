"""Saying an answer, and fetching a file, may take longer than the lease of an event: no second handler takes it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from channels.chat.telegram import handling
from core import db
from core.config import Config
from core.connections.chats import ChatAccount
from core.conversations import queue
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import bots_running, last, on_telegram, settled

LEASE = 0.8  # seconds; of an answer that takes twice as long


def taken_by_a_second_handler(config: Config, goods: Shop, account: ChatAccount) -> bool:
    """Whether somebody else gets an event whose answer has been on its way for longer than a lease."""
    threading.Event().wait(LEASE * 1.5)
    with db.connection():
        key = config.secret(config.secrets.inbox_key)
        taken = queue.take_next(source=account.source, inbox_key=key, now=db.database_now())
    return taken is not None


@pytest.mark.parametrize(("keep_every", "is_taken"), [(0.1, False), (60.0, True)], ids=["kept", "control"])
def test_an_event_stays_with_its_handler_while_telegram_is_slow(
    keep_every: float, is_taken: bool, tg: TelegramDouble, bot: BotAccount, user: User, account: ChatAccount,
    goods: Shop, web_config: Config, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(queue, "LEASE", timedelta(seconds=LEASE))
    monkeypatch.setattr(handling, "KEEP_EVERY", keep_every)
    settings = on_telegram(web_config, tg)
    tg.slow(LEASE * 3, method="sendMessage")
    with bots_running(settings):
        user.start(bot)
        last(user, bot, "选购商品")  # it takes effect at once, its answer is late

        found = taken_by_a_second_handler(settings, goods, account)
        settled(settings)

    assert found is is_taken
    assert goods.sql("SELECT count(*), max(tries) FROM inbox") == [(1, 2 if is_taken else 1)]


def test_who_slept_through_its_lease_says_nothing_any_more(
    tg: TelegramDouble, bot: BotAccount, user: User, account: ChatAccount, goods: Shop, web_config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings = on_telegram(web_config, tg)
    really, slept = handling.Handling._answer, threading.Event()

    def answer(self: handling.Handling, *args: object) -> object:
        """The handler falls asleep over its first answer until its event is another's."""
        found = really(self, *args)  # type: ignore[arg-type]
        if not slept.is_set():
            goods.sql("UPDATE inbox SET taken_until = now() - interval '1 second'")
            with db.connection():
                key = settings.secret(settings.secrets.inbox_key)
                assert queue.take_next(source=account.source, inbox_key=key, now=db.database_now()) is not None
            threading.Event().wait(0.3)
            slept.set()
        return found

    monkeypatch.setattr(handling.Handling, "_answer", answer)
    monkeypatch.setattr(handling, "KEEP_EVERY", 0.2)
    with bots_running(settings):
        user.start(bot)
        assert slept.wait(20)
        threading.Event().wait(1.0)
        said = user.from_bot(bot)
        goods.sql("UPDATE inbox SET taken_until = now() - interval '1 second'")
        user.send(bot, "帮助")
        last(user, bot, "选购商品")

    assert said == []
