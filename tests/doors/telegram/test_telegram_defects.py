"""A defect of ours in one update, and a bot that starts while Telegram is away: neither stops a bot for good."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import Any

import peewee
import pytest

from channels.chat.telegram import polling, profile
from channels.chat.telegram.intake import Intake
from core.config import Config
from core.connections.chats import ChatAccount
from tests.builders import Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import bots_running, last, on_telegram


class Poison:
    """Taking in what has this word fails so often (None: for ever)."""

    def __init__(self, error: Exception, times: int | None) -> None:
        self.error = error
        self.times = times
        self.tried = 0
        self._really = Intake.take_in

    def take_in(self, intake: Intake, account: ChatAccount, raw: bytes, *, now: datetime) -> Any:
        if json.loads(raw).get("message", {}).get("text") == "poison":
            self.tried += 1
            if self.times is None or self.tried <= self.times:
                raise self.error
        return self._really(intake, account, raw, now=now)

    def into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(polling, "AGAIN_AFTER", (0.01,))
        monkeypatch.setattr(
            Intake, "take_in", lambda intake, account, raw, *, now: self.take_in(intake, account, raw, now=now)
        )


@pytest.fixture
def settings(tg: TelegramDouble, account: ChatAccount, web_config: Config) -> Config:
    """Of a bot that is connected and does not run yet."""
    return on_telegram(web_config, tg)


def test_an_update_that_can_never_be_written_down_stops_its_bot_for_five_tries_only(
    settings: Config, goods: Shop, account: ChatAccount, bot: BotAccount, user: User, tg: TelegramDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    poison = Poison(ValueError("quoted words"), None)
    poison.into(monkeypatch)
    number = user.send(bot, "poison")
    user.start(bot)

    with bots_running(settings):
        last(user, bot, "选购商品")

    assert number > 0
    assert poison.tried == polling.MOST_TRIES
    ((kind, subject, detail),) = goods.sql("SELECT kind, subject, detail FROM alert")
    assert (kind, subject) == ("event_lost", account.source)
    assert set(detail) == {"event", "problem", "error"}
    assert (detail["problem"], detail["error"][:4]) == ("ValueError", "err_")
    assert goods.sql("SELECT count(*) FROM inbox") == [(1,)]


def test_control_while_the_database_is_away_nothing_is_ever_given_up(
    settings: Config, goods: Shop, bot: BotAccount, user: User, tg: TelegramDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(peewee.OperationalError("away"), 4 * polling.MOST_TRIES)
    poison.into(monkeypatch)
    user.send(bot, "poison")

    with bots_running(settings):
        tg.wait_until_taken(bot)
        tg.wait_until(lambda: user.from_bot(bot))

    assert poison.tried > 4 * polling.MOST_TRIES
    assert goods.count("alert") == 0
    assert goods.sql("SELECT count(*) FROM inbox") == [(1,)]


def test_a_menu_that_telegram_did_not_take_at_the_start_is_set_later(
    settings: Config, bot: BotAccount, user: User, tg: TelegramDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, tries, twice = profile.set_up, [0], threading.Event()

    async def counted(*args: Any) -> None:
        tries[0] += 1
        if tries[0] == 2:
            twice.set()
        await really(*args)

    monkeypatch.setattr(profile, "AGAIN_AFTER", (0.05,))
    monkeypatch.setattr(profile, "set_up", counted)
    tg.outage()
    with bots_running(settings):
        assert twice.wait(20)
        set_meanwhile = tg.requests(bot, "setMyCommands")
        tg.outage(on=False)
        tg.wait_until(lambda: len(tg.requests(bot, "getMyShortDescription")) == len(profile.LANGUAGES))

    assert set_meanwhile == []
    assert len(bot.commands) == len(profile.LANGUAGES)
