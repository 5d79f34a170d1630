"""The worker's way into Telegram's chats: only where the parcel says, in the reader's words, exact, never too early."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from channels.chat.telegram.api import BotServer
from channels.chat.telegram.courier import TelegramCourier
from channels.chat.telegram.message import TelegramMessage
from channels.chat.telegram.sender import Sender
from core.actor import OPERATOR
from core.config import Config
from core.connections.chats import ChatAccount, enable_chat_account
from core.conversations.chats import Heard, hear_from
from core.conversations.living import keep_living, living_message
from core.db import database_now
from core.errors import NotFound
from core.ports import Parcel, PlainCard, SendOutcome
from core.secret import Secret
from ops import wiring
from tests.builders import NOON, Shop
from tests.doubles.telegram import BotAccount, TelegramDouble, User
from tests.support.telegram import connected, on_telegram


@pytest.fixture
def courier(tg: TelegramDouble, config: Config) -> Iterator[TelegramCourier]:
    """As the worker has it."""
    with contextlib.closing(wiring.telegram_courier(on_telegram(config, tg))) as made:
        yield made


@pytest.fixture
def heard(account: ChatAccount, bot: BotAccount, user: User) -> Heard:
    """The chat of a person who has started the bot."""
    user.start(bot)
    return hear_from(account=account, user="5001", chat="5001", locale="zh-CN", now=NOON)


@pytest.fixture
def parcel(heard: Heard) -> Parcel:
    """A message without cards."""
    return Parcel(
        conversation_id=heard.conversation_id,
        merchant_id=heard.merchant_id,
        shopper_id=heard.shopper_id,
        identity_id=heard.identity_id,
        locale="zh-CN",
        chat_address=heard.chat_address,
        kind="wallet_topped_up",
        body={"amount_minor": 500, "currency": "CNY"},
    )


def test_a_message_is_said_in_the_readers_language_and_stands_below_the_living_one(
    courier: TelegramCourier, parcel: Parcel, bot: BotAccount, user: User
) -> None:
    keep_living(conversation_id=parcel.conversation_id, external_ref="1", now=NOON)

    answer = courier.hand_over(parcel)
    english = courier.hand_over(replace(parcel, locale="en"))

    shown = user.from_bot(bot)
    living = living_message(conversation_id=parcel.conversation_id)
    assert (answer.outcome, answer.external_ref) == (SendOutcome.SENT, str(shown[0].id))
    assert english.outcome is SendOutcome.SENT
    assert "¥5.00" in shown[0].text
    assert "wallet" in shown[1].text
    assert living is not None
    assert not living.is_newest


def test_fault_45_cards_of_any_signs_go_to_the_sealed_address_exactly(
    courier: TelegramCourier, parcel: Parcel, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Fault 45: as code, byte for byte; and nowhere but to the parcel's address."""
    signs = "a<b>&amp;_*`~|[x](y)\"'\\ {é} 卡密 😀"
    other = tg.user(5002)
    other.start(bot)
    cards = tuple(PlainCard(f"crd_{n}", "A9-**", {"secret": Secret(f"{signs}{n}")}) for n in range(3))
    order = {"order": "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa", "delivery": str(parcel.conversation_id)}
    body = {"cards": [{"token": one.token, "mask": one.mask} for one in cards]} | order
    addressed = replace(parcel, kind="cards", body=body, cards=cards, chat_address=parcel.chat_address)

    with pytest.raises(NotFound):  # an order that is not there is not drawn
        courier.hand_over(addressed)
    body = {name: value for name, value in body.items() if name != "order"} | {"order": ""}
    answer = courier.hand_over(replace(addressed, body=body))

    assert answer.outcome is SendOutcome.SENT
    assert user.from_bot(bot)[-1].codes == [f"{signs}{n}" for n in range(3)]
    assert other.from_bot(bot) == []


def test_an_address_of_another_merchants_bot_or_of_no_bot_gets_nothing(
    courier: TelegramCourier, parcel: Parcel, goods: Shop, bot: BotAccount, user: User
) -> None:
    foreign = courier.hand_over(replace(parcel, merchant_id=goods.a_party("other")))
    nowhere = courier.hand_over(replace(parcel, chat_address="telegram:99:5001"))
    web = courier.hand_over(replace(parcel, chat_address="web:1"))

    assert [one.problem for one in (foreign, nowhere, web)] == ["foreign_chat", "bot_token", "no_chat"]
    assert user.from_bot(bot) == []


def test_a_bot_that_is_switched_off_keeps_its_messages_until_it_is_on(
    courier: TelegramCourier, parcel: Parcel, account: ChatAccount, bot: BotAccount, user: User
) -> None:
    enable_chat_account(actor=OPERATOR, account_id=account.id, enabled=False, now=NOON)
    off = courier.hand_over(parcel)
    enable_chat_account(actor=OPERATOR, account_id=account.id, enabled=True, now=NOON)
    on = courier.hand_over(parcel)

    assert (off.outcome, off.problem) == (SendOutcome.LATER, "bot_is_off")
    assert on.outcome is SendOutcome.SENT
    assert len(user.from_bot(bot)) == 1


def test_fault_42_a_flood_limit_is_kept_to_without_asking_again(
    courier: TelegramCourier, parcel: Parcel, goods: Shop, tg: TelegramDouble, bot: BotAccount
) -> None:
    """Fault 42: one 429, one row, no further request; it also holds for whoever else sends there."""
    tg.flood(bot, retry_after=35)

    answers = [courier.hand_over(parcel) for _ in range(3)]

    assert [one.outcome for one in answers] == [SendOutcome.LATER] * 3
    assert 30 < answers[1].retry_after <= 35
    assert len(tg.requests(bot, "sendMessage")) == 1
    ((scope, until),) = goods.sql("SELECT scope, until FROM send_pause")
    assert scope == parcel.chat_address
    assert 30 < (until - database_now()).total_seconds() <= 35.5  # two looks at the clock differ by milliseconds


def test_a_new_token_is_used_at_once_and_a_lost_one_waits_for_a_mend(
    courier: TelegramCourier, parcel: Parcel, config: Config, tg: TelegramDouble, bot: BotAccount, goods: Shop
) -> None:
    first = courier.hand_over(parcel)
    bot.token = f"{bot.id}:{'n' * 35}"
    revoked = courier.hand_over(parcel)
    connected(on_telegram(config, tg), bot)
    again = courier.hand_over(parcel)
    goods.sql("DELETE FROM credential")
    lost = courier.hand_over(parcel)

    assert [one.outcome.value for one in (first, revoked, again, lost)] == ["sent", "later", "sent", "later"]
    assert revoked.problem == lost.problem == "bot_token"


def test_a_proxy_is_gone_through_and_its_absence_is_later(tg: TelegramDouble, user: User) -> None:
    bot = tg.add_bot()
    user.start(bot)

    async def sent(proxy: str) -> str:
        sender = Sender(Secret(bot.token), BotServer(tg.url, proxy))
        try:
            return (await sender.send("5001", [TelegramMessage("over the proxy")])).outcome.value
        finally:
            await sender.close()

    async def both() -> tuple[str, str]:
        server = await asyncio.start_server(socks5, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        through = await sent(f"socks5://127.0.0.1:{port}")
        server.close()
        await server.wait_closed()
        return through, await sent(f"socks5://127.0.0.1:{port}")

    assert asyncio.run(both()) == ("sent", "later")
    assert user.from_bot(bot)[-1].text == "over the proxy"


async def socks5(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A SOCKS5 proxy of the plainest kind (RFC 1928): no login, one CONNECT."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    _, _, _, kind = await reader.readexactly(4)
    length = 4 if kind == 1 else (await reader.readexactly(1))[0]
    raw = await reader.readexactly(length)
    host = ".".join(map(str, raw)) if kind == 1 else raw.decode()
    port = int.from_bytes(await reader.readexactly(2), "big")
    far_reader, far_writer = await asyncio.open_connection(host, port)
    writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")

    async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            sink.write(chunk)
        sink.close()

    with contextlib.suppress(ConnectionError):
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))


def test_many_parcels_at_once_share_one_loop(
    courier: TelegramCourier, parcel: Parcel, bot: BotAccount, user: User
) -> None:
    threads = [threading.Thread(target=courier.hand_over, args=(parcel,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(user.from_bot(bot)) == 4
