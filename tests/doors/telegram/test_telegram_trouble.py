"""Floods, outages, lost answers and blocks while people talk: everything is said in the end, and once in effect."""

import threading

import pytest

from core.config import Config
from core.connections.chats import ChatAccount
from core.conversations.chats import hear_from
from core.db import in_transaction
from core.messages.service import MessageKind, tell
from tests.builders import NOON, Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import last, settled


@pytest.fixture
def chat(running: Config) -> Config:
    """The bot process at work."""
    return running


def test_fault_42_a_flood_limit_makes_one_chat_wait_and_no_other(
    chat: Config, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 42: the answer waits as long as was asked, others go on, nothing is dropped."""
    tg.flood(bot, chat=user.id, retry_after=2)
    user.start(bot)
    tg.wait_until(lambda: [one for one in tg.requests(bot, "sendMessage", user.id) if one.code == 429])
    other = tg.user(5002)
    other.start(bot)
    last(other, bot, "选购商品", seconds=1.5)
    early = user.from_bot(bot)

    shown = last(user, bot, "选购商品")
    settled(chat)

    assert early == []
    assert shown.labels
    assert tg.too_early == []


def test_three_chats_under_a_limit_make_the_whole_bot_quiet(
    chat: Config, goods: Shop, account: ChatAccount, tg: TelegramDouble, bot: BotAccount
) -> None:
    people = [tg.user(5100 + number) for number in range(4)]
    for person in people[:3]:
        tg.flood(bot, chat=person.id, retry_after=3)
        person.start(bot)
        tg.wait_until(
            lambda person=person: [one for one in tg.requests(bot, "sendMessage", person.id) if one.code == 429]
        )
    tg.wait_until(lambda: goods.sql("SELECT 1 FROM send_pause WHERE scope = %s", [account.source]))

    people[3].start(bot)
    for person in people:
        last(person, bot, "选购商品")

    assert tg.too_early == []


@pytest.mark.parametrize("kind", ["502", "html", "drop"])
def test_an_outage_delays_answers_and_loses_none(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User, kind: str
) -> None:
    user.send(bot, "买 A1")
    confirm = last(user, bot, "确认下单")
    settled(chat)
    tg.outage(kind=kind)
    user.tap(bot, "确认下单", message=confirm)
    threading.Event().wait(2)  # the outage lasts
    tg.outage(False)

    assert last(user, bot, "去支付", seconds=40).links
    assert goods.count("shop_order") == 1


def test_an_outage_in_the_middle_of_an_answer_has_the_same_answer_said_later(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    user.send(bot, "买 A1")
    confirm = last(user, bot, "确认下单")
    settled(chat)
    tg.flood(bot, chat=user.id, retry_after=2)

    user.tap(bot, "确认下单", message=confirm).answer()
    tg.wait_until(lambda: [one for one in tg.requests(bot, "editMessageText") if one.code == 429])
    kept = goods.sql("SELECT sealed_answer IS NOT NULL FROM inbox WHERE handled_at IS NULL")
    paying = last(user, bot, "去支付")
    settled(chat)
    tokens = [
        [button["callback_data"] for row in one.values["reply_markup"]["inline_keyboard"] for button in row[:1]
         if "callback_data" in button]
        for one in tg.requests(bot, "editMessageText")
    ]  # fmt: skip

    assert kept == [(True,)]
    assert paying.id == confirm.id
    assert tokens[0] == tokens[1]
    assert goods.count("shop_order") == 1
    assert goods.sql("SELECT count(*) FROM inbox WHERE sealed_answer IS NOT NULL OR sealed_body IS NOT NULL") == [(0,)]


def test_a_lost_answer_says_the_same_again_and_places_nothing_twice(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    tg.lose_answers(method="sendMessage")
    user.send(bot, "买 A1")
    tg.wait_until(lambda: len(user.from_bot(bot)) == 2)
    settled(chat)
    first, second = user.from_bot(bot)
    tg.lose_answers(method="editMessageText")
    user.tap(bot, "确认下单", message=second).answer()
    last(user, bot, "去支付")
    settled(chat)

    assert first.text == second.text
    assert goods.count("shop_order") == 1


def test_fault_43_who_blocks_the_bot_gets_what_waited_when_it_is_let_in_again(
    chat: Config, goods: Shop, account: ChatAccount, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 43: nothing is tried in the meantime; the unblocking, or a word, resumes it."""
    user.start(bot)
    last(user, bot, "选购商品")
    user.block(bot)
    heard = hear_from(account=account, user="5001", chat="5001", locale="zh-CN", now=NOON)
    body = {"amount_minor": 100, "currency": "CNY"}
    in_transaction(
        lambda: tell(conversation_id=heard.conversation_id, kind=MessageKind.WALLET_TOPPED_UP, body=body, now=NOON)
    )
    goods.sql("UPDATE outgoing SET state = 'waiting', created_at = now(), ended_at = now()")
    goods.sql("DELETE FROM keystall_task")

    user.unblock(bot)
    tg.wait_until_taken(bot)
    tg.wait_until(lambda: goods.sql("SELECT 1 FROM outgoing WHERE state = 'ready'"))

    assert goods.sql("SELECT count(*) FROM keystall_task WHERE data LIKE '%%\"send\"%%'") == [(1,)]
