"""kill -9 of bot and worker before each of their words with the database, with Telegram on the other side: the person
has the same cards, one order, and whatever was said once more was the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.engine import Engine
from channels.chat.telegram.api import BotServer
from channels.chat.telegram.dialog import Dialog
from channels.chat.telegram.handling import Handling
from channels.chat.telegram.intake import Intake
from channels.chat.telegram.sender import Sender
from channels.chat.telegram.voice import Voice
from channels.wake import Wakes
from core import db
from core.clock import FixedClock
from core.config import Config
from core.connections.chats import ChatAccount
from core.conversations import queue
from core.conversations.chats import hear_from
from core.db import execute
from core.fulfilment.service import Carrier, deliver
from core.reports.checks import verify
from core.secret import Secret
from ops import wiring
from tests.builders import Talker
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.crash import at_every_step
from tests.support.sales import LINES, Counter, a_counter
from tests.support.telegram import connected, on_telegram
from tests.support.till import PUBLIC_KEY, Till
from tests.support.vaults import VaultProcess, vault_process

Sql = Callable[..., list[tuple[Any, ...]]]


@dataclass
class Chat:
    """A shop with cards, one bot of it, and a person who has spoken to it."""

    tg: TelegramDouble
    bot: BotAccount
    user: User
    account: ChatAccount
    counter: Counter
    config: Config

    @property
    def source(self) -> str:
        return self.account.source

    def take_in(self, raw: bytes) -> None:
        """What the bot process does with an update, before Telegram may forget it."""
        Intake(self.inbox_key, wiring.shop_context(self.config).phrasebook).take_in(
            self.account, raw, now=db.database_now()
        )

    @property
    def inbox_key(self) -> Secret:
        return self.config.secret(self.config.secrets.inbox_key)

    def handle(self) -> None:
        """Handle one event, as the bot process does."""
        asyncio.run(self._handle())

    async def _handle(self) -> None:
        shop = wiring.shop_context(self.config)
        sender = Sender(Secret(self.bot.token), BotServer(self.tg.url))

        async def run(use_case: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return use_case(*args, **kwargs)

        dialog = Dialog(Engine(shop), shop, Secret(b"n" * 32), "http://127.0.0.1:1")
        handling = Handling(Voice(self.account, sender, shop.clock, run), dialog, Wakes(""), self.inbox_key, shop.clock)
        taken = queue.take_next(source=self.source, inbox_key=self.inbox_key, now=shop.clock.now())
        assert taken is not None
        await handling._handle(taken, run)
        await sender.close()

    def leases_end(self) -> None:
        """A minute passes."""
        self.counter.shop.sql("UPDATE inbox SET taken_until = now() - interval '1 second' WHERE handled_at IS NULL")

    def updates(self) -> list[bytes]:
        """What Telegram has for the bot."""
        return [json.dumps(update).encode() for update in self.bot.mailbox.history]


@pytest.fixture
def vault(sql: Sql, store_db: db.StoreDatabase, config: Config) -> Iterator[VaultProcess]:
    """A real vault that takes the notices of the till's sandbox for genuine."""
    sql("UPDATE installation SET sandbox_public_key = %s", [PUBLIC_KEY])
    with vault_process(config) as running:
        yield running


@pytest.fixture
def chat(vault: VaultProcess, sql: Sql, config: Config) -> Iterator[Chat]:
    """A shop on Telegram; the bot process is played by the test."""
    with TelegramDouble() as tg:
        settings = on_telegram(config, tg)
        bot, user = tg.add_bot(), tg.user(5001)
        counter = a_counter(vault, sql)
        yield Chat(tg, bot, user, connected(settings, bot), counter, settings)
        assert tg.violations == []


def talker(chat: Chat) -> Talker:
    """The person as an acquaintance of the shop."""
    heard = hear_from(account=chat.account, user="5001", chat="5001", locale="zh-CN", now=db.database_now())
    chat.counter.shop.sql("UPDATE shopper SET paid_orders = 1")
    return Talker(heard.shopper_id, heard.identity_id, heard.conversation_id, heard.merchant_id)


def test_fault_3_a_process_killed_while_it_writes_an_update_down_loses_and_doubles_nothing(
    chat: Chat, urls: dict[str, str]
) -> None:
    """Fault 3: Telegram brings the update again, and it is one row."""
    chat.user.start(chat.bot)
    (raw,) = chat.updates()
    kills = 0

    for _ in at_every_step(lambda: chat.take_in(raw), url=urls["shop"]):
        kills += 1
    chat.take_in(raw)

    assert kills >= 4
    assert chat.counter.shop.sql("SELECT count(*) FROM inbox") == [(1,)]
    assert chat.counter.shop.sql("SELECT count(*) FROM shopper") == [(1,)]
    chat.handle()
    assert [one.labels[0] for one in chat.user.from_bot(chat.bot)] == ["选购商品"]


def test_a_bot_process_killed_while_it_answers_a_tap_places_one_order_and_says_so(
    chat: Chat, urls: dict[str, str]
) -> None:
    talker(chat)
    chat.user.send(chat.bot, "买 A1 2")
    chat.take_in(chat.updates()[-1])
    chat.handle()
    chat.user.tap(chat.bot, "确认下单")
    chat.take_in(chat.updates()[-1])
    kills = 0

    for _ in at_every_step(chat.handle, url=urls["shop"]):
        kills += 1
        chat.leases_end()

    assert kills >= 8
    assert chat.counter.shop.sql("SELECT state, count(*) FROM shop_order GROUP BY state") == [("awaiting_payment", 1)]
    assert chat.counter.shop.card_states() == {"free": 38, "held": 2}
    assert "去支付 ¥30.00" in chat.user.from_bot(chat.bot)[-1].labels
    assert chat.counter.shop.sql("SELECT count(*) FROM inbox WHERE handled_at IS NULL") == [(0,)]


def test_faults_1_and_2_a_worker_killed_at_any_step_sends_the_same_cards_and_none_extra(
    chat: Chat, vault: VaultProcess, urls: dict[str, str]
) -> None:
    """Faults 1 and 2: killed before the cards are sent, and after, before "delivered" is committed."""
    buyer = talker(chat)
    chat.user.start(chat.bot)
    till = Till(chat.counter.shop, clock=FixedClock(db.database_now()))
    order = chat.counter.shop.place(buyer, chat.counter.listing, 3, now=till.now)
    till.pay(order)
    delivery = execute("SELECT id FROM delivery")[0][0]

    def work() -> None:
        carrier = Carrier(wiring.telegram_courier(chat.config))
        deliver(delivery_id=delivery, vault=vault.client, carrier=carrier, now=till.now)

    kills = 0
    for _ in at_every_step(work, url=urls["worker"]):
        kills += 1
        till.wait(seconds=61)
        chat.counter.shop.sql("UPDATE message_counter SET pen_until = NULL")

    messages = [one for one in chat.user.from_bot(chat.bot) if one.copied]
    assert kills >= 10
    assert len(messages) >= 1
    assert len({tuple(one.codes) for one in messages}) == 1
    assert len(set(messages[-1].codes)) == 3
    assert set(messages[-1].codes) <= set(LINES)
    assert till.order_state(order) == "closed"
    assert chat.counter.shop.card_states() == {"free": 37, "delivered": 3}
    assert {finding.invariant: finding.violations for finding in verify() if finding.violations} == {}


def test_fault_44_more_than_twenty_cards_come_in_a_file_with_every_key(chat: Chat, vault: VaultProcess) -> None:
    """Fault 44: a .txt file, a card a line, and nothing of it in the message."""
    buyer, shop = talker(chat), chat.counter.shop
    chat.user.start(chat.bot)
    shop.policy = replace(shop.policy, holds=replace(shop.policy.holds, share_percent=100))
    till = Till(shop, clock=FixedClock(db.database_now()))
    till.pay(shop.place(buyer, chat.counter.listing, 25, now=till.now))
    delivery = execute("SELECT id FROM delivery")[0][0]

    with contextlib.closing(wiring.telegram_courier(chat.config)) as courier:
        assert deliver(delivery_id=delivery, vault=vault.client, carrier=Carrier(courier), now=till.now)

    (message,) = [one for one in chat.user.from_bot(chat.bot) if one.document]
    assert message.document is not None
    lines = message.document.content.decode().splitlines()
    assert len(set(lines)) == len(lines) == 25
    assert set(lines) <= set(LINES)
    assert not [line for line in lines if line in message.text]
