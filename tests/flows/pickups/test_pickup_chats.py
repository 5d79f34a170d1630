"""取卡 CODE in each kind of chat: what is said, where the cards go, and what is not told to others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from bot.engine import Engine
from bot.texts import Phrasebook
from channels.chat.wechat.chat import Reply, WeChatChat
from channels.chat.wechat.links import PageLinks
from channels.chat.wechat.received import Kind, Received
from core.clock import FixedClock
from core.connections.chats import ChatAccount
from core.connections.credentials import Holder
from core.conversations.chats import Heard, hear_from
from core.fulfilment.service import Carrier, carry
from core.ids import new_id
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret
from tests.support.carriers import ScriptedCourier, ScriptedWay
from tests.support.chats import an_account, somebody
from tests.support.dialog import Dialog, an_engine
from tests.support.exchange import Exchange, WorkersVault
from tests.support.sales import LINES

KEY = Secret(b"i" * 32)


@pytest.fixture
def time() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def engine(desk: Exchange, time: FixedClock) -> Engine:
    engine = an_engine(desk.counter.shop, time)
    public = desk.config.secret(desk.config.vault.public_key).reveal()
    return Engine(replace(engine._shop, pickup_public=lambda: public))


def newest_wish(desk: Exchange) -> UUID:
    return UUID(str(desk.counter.shop.sql("SELECT id FROM pickup_wish ORDER BY asked_at DESC LIMIT 1")[0][0]))


def test_in_the_web_chat_the_code_is_answered_at_once_and_the_cards_follow(
    desk: Exchange, engine: Engine, other
) -> None:
    sale = desk.delivered(2)
    chat = Dialog(engine, other)

    assert chat.say(f"取卡 {desk.code(sale)}").text == "正在核对取卡码，卡密马上发到这里。"
    assert desk.carries_out(newest_wish(desk)) is True

    (cards,) = chat.unasked()
    assert cards.text.startswith("商品 A1 × 2\n")
    assert (cards.kind, cards.order, [option.label for option in cards.options]) == (
        "cards",
        None,
        ["再次查看", "菜单"],
    )
    chat.screen = cards
    assert chat.tap("再次查看").text == "卡密马上发到下面。"
    assert chat.say("取卡").text == "卡密马上发到下面。"
    assert "还没有订单" in chat.say("订单").text  # it is not this shopper's order
    desk.reads_again()
    assert [screen.text for screen in chat.unasked()] == [cards.text] * 3


def test_a_wrong_code_is_told_like_any_refusal_in_both_languages(desk: Exchange, engine: Engine, other) -> None:
    chat = Dialog(engine, other)
    assert chat.say("取卡 K7QM-3XWP").text.startswith("这个取卡码用不了。")

    chat.say("取卡 K7QM-3XWP-4T")
    desk.carries_out(newest_wish(desk))
    chat.locale = "en"

    (told,) = chat.unasked()
    assert (told.kind, told.text.partition("\n")[0]) == ("error", "This pick-up code does not work.")
    assert told.error_id is not None
    assert told.error_id.startswith("err_")


def test_without_the_vaults_key_a_code_can_be_sent_again_later(desk: Exchange, time: FixedClock, other) -> None:
    assert Dialog(an_engine(desk.counter.shop, time), other).say("取卡 K7QM-3XWP-4T").text.startswith(
        "取卡码暂时没法核对。"
    )  # fmt: skip


def test_a_bot_writes_the_cards_into_the_chat_that_typed_the_code_and_nobody_else_is_told(
    desk: Exchange, engine: Engine
) -> None:
    """A closed chat of whoever picked up is no reason to write to that person's own phone about another's order."""
    shop = desk.counter.shop
    account = an_account(shop)
    buyer, picker = somebody(shop, account), somebody(shop, account, "666")
    sale = desk.delivered(2, talker=buyer)
    address = account.address("666")
    desk.carries_out(desk.types(picker, desk.code(sale), address=address))
    courier, sms = ScriptedCourier(), ScriptedWay("sms")

    with desk.as_worker():
        carrier = Carrier(courier, (sms,))
        vault = WorkersVault(desk)
        carry(conversation_id=picker.conversation_id, vault=vault, carrier=carrier, now=datetime.now(UTC))

    (parcel,) = courier.parcels
    assert parcel.chat_address == address
    assert {card.fields["secret"].reveal().decode() for card in parcel.cards} <= set(LINES)
    assert len(parcel.cards) == 2
    again = desk.delivered(1, talker=buyer)
    desk.carries_out(desk.types(picker, desk.code(again), address=address))
    courier.script = [SendAnswer(SendOutcome.BLOCKED)]
    with desk.as_worker():
        carry(conversation_id=picker.conversation_id, vault=vault, carrier=carrier, now=datetime.now(UTC))
    assert shop.sql("SELECT state FROM outgoing ORDER BY message_id DESC LIMIT 1") == [("waiting",)]
    assert sms.parcels == []


@pytest.fixture
def account(desk: Exchange) -> ChatAccount:
    return an_account(desk.counter.shop, "wechat", "wx1", ios_rule="off")


@pytest.fixture
def wechat(desk: Exchange, engine: Engine, time: FixedClock) -> WeChatChat:
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
    return WeChatChat(
        engine,
        time,
        KEY,
        KEY,
        desk.counter.shop.keys.seal,
        book,
        PageLinks("https://shop.example", time, KEY, Holder.VERIFY),
    )


def heard(desk: Exchange, account: ChatAccount, time: FixedClock) -> Heard:
    return hear_from(account=account, user="openid-1", chat="openid-1", locale="zh-CN", now=time.now())


def a_text(content: str, time: FixedClock) -> Received:
    return Received(Kind.TEXT, "openid-1", "gh_1", str(new_id()), time.now(), content=content)


def test_in_wechat_the_reply_waits_for_the_cards_of_all_lines(
    desk: Exchange, wechat: WeChatChat, account: ChatAccount, time: FixedClock
) -> None:
    sale, chat = desk.delivered(2), heard(desk, account, time)
    message = a_text(f"取卡 {desk.code(sale)}", time)

    reply = wechat.hear(account, chat, message)
    assert reply == Reply("正在核对取卡码，请稍后发送“取卡”领取。\n\n0 返回", 1)
    assert wechat.cards(account, chat, message, reply.cards) is None
    assert desk.carries_out(newest_wish(desk)) is True

    shown = wechat.cards(account, chat, message, reply.cards)
    assert shown is not None
    assert shown.startswith("商品 A1 × 2\n")
    assert sum(line in shown for line in LINES) == 2
    assert desk.counter.shop.sql("SELECT state FROM outgoing") == [("sent",)]


def test_in_wechat_the_reply_waits_for_the_refusal_too(
    desk: Exchange, wechat: WeChatChat, account: ChatAccount, time: FixedClock
) -> None:
    chat, message = heard(desk, account, time), a_text("取卡 K7QM-3XWP-4T", time)
    reply = wechat.hear(account, chat, message)
    assert reply is not None

    desk.carries_out(newest_wish(desk))

    shown = wechat.cards(account, chat, message, reply.cards)
    assert shown is not None
    assert shown.startswith("这个取卡码用不了。\n订单和款项都没有变动。\n")
    assert desk.counter.shop.sql("SELECT state FROM outgoing") == [("sent",)]
