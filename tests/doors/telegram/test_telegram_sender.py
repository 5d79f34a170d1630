"""What Telegram's answers mean to the store: sent, later, blocked, refused, unknown; each asked of the double."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from channels.chat.telegram.api import BotServer
from channels.chat.telegram.message import Document, TelegramMessage
from channels.chat.telegram.sender import Sender
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret
from tests.doubles.telegram import BotAccount, TelegramDouble, User

Result = TypeVar("Result")
HELLO = TelegramMessage("<b>hello</b>", is_living=True)


@pytest.fixture
def bot(tg: TelegramDouble, user: User) -> BotAccount:
    """A bot that the person has started."""
    bot = tg.add_bot()
    user.start(bot)
    return bot


def with_sender(
    tg: TelegramDouble, bot: BotAccount, work: Callable[[Sender], Awaitable[Result]], **other: str
) -> Result:
    """Do something as the bot."""

    async def done() -> Result:
        sender = Sender(Secret(other.get("token", bot.token)), BotServer(other.get("base", tg.url)))
        try:
            return await work(sender)
        finally:
            await sender.close()

    return asyncio.run(done())


def sent(tg: TelegramDouble, bot: BotAccount, *messages: TelegramMessage, chat: int = 5001, **other: str) -> SendAnswer:
    return with_sender(tg, bot, lambda sender: sender.send(str(chat), messages), **other)


def test_a_message_in_several_parts_is_sent_when_all_parts_are(tg: TelegramDouble, bot: BotAccount, user: User) -> None:
    file = TelegramMessage("the rest", document=Document("cards.txt", b"A\nB\n"))

    answer = sent(tg, bot, HELLO, file)

    shown = user.from_bot(bot)
    assert answer == SendAnswer(SendOutcome.SENT, str(shown[-1].id))
    assert [one.text for one in shown] == ["hello", "the rest"]
    assert shown[-1].document is not None
    assert shown[-1].document.content == b"A\nB\n"


def test_a_flood_limit_is_later_with_its_time(tg: TelegramDouble, bot: BotAccount, user: User) -> None:
    """Fault 42: what Telegram names is what is kept to."""
    tg.flood(bot, retry_after=35)

    answer = sent(tg, bot, HELLO, HELLO)

    assert answer == SendAnswer(SendOutcome.LATER, retry_after=35.0, problem="flood")
    assert user.from_bot(bot) == []


def test_a_short_limit_between_two_parts_is_waited_for(tg: TelegramDouble, bot: BotAccount, user: User) -> None:
    async def work(sender: Sender) -> SendAnswer:
        first = await sender.send("5001", [HELLO])
        assert first.outcome is SendOutcome.SENT
        tg.slow(0.3, method="sendMessage")
        sending = asyncio.create_task(sender.send("5001", [HELLO, HELLO]))
        while len(tg.requests(bot, "sendMessage")) < 2:
            await asyncio.sleep(0.01)
        tg.flood(bot, retry_after=1)
        return await sending

    assert with_sender(tg, bot, work).outcome is SendOutcome.SENT
    assert len(user.from_bot(bot)) == 3
    assert tg.too_early == []


def test_fault_43_who_blocked_the_bot_or_is_gone_is_blocked(tg: TelegramDouble, bot: BotAccount, user: User) -> None:
    """Fault 43: blocked, deactivated, unknown, never spoken to."""
    gone = tg.user(5002)
    gone.start(bot)
    gone.deactivate()
    tg.user(5003)
    user.block(bot)

    answers = [sent(tg, bot, HELLO, chat=chat) for chat in (5001, 5002, 5003, 5999)]

    assert [one.outcome for one in answers] == [SendOutcome.BLOCKED] * 4
    assert [one.problem for one in answers] == ["blocked", "blocked", "blocked", "chat_not_found"]


def test_a_token_that_is_none_waits_for_a_mend(tg: TelegramDouble, bot: BotAccount) -> None:
    answer = sent(tg, bot, HELLO, token=f"{bot.id}:wrong")

    assert answer == SendAnswer(SendOutcome.LATER, retry_after=300.0, problem="bot_token")


@pytest.mark.parametrize(("kind", "outcome"), [("502", "unknown"), ("html", "unknown"), ("drop", "unknown")])
def test_without_a_certain_answer_nobody_knows(tg: TelegramDouble, bot: BotAccount, kind: str, outcome: str) -> None:
    tg.outage(kind=kind)

    assert sent(tg, bot, HELLO).outcome.value == outcome


def test_an_answer_that_is_lost_is_unknown_although_the_message_is_there(
    tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    tg.lose_answers(method="sendMessage")

    assert sent(tg, bot, HELLO).outcome is SendOutcome.UNKNOWN
    assert len(user.from_bot(bot)) == 1


def test_a_server_that_is_not_reached_is_later(tg: TelegramDouble, bot: BotAccount) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{probe.getsockname()[1]}"

    assert sent(tg, bot, HELLO, base=place) == SendAnswer(SendOutcome.LATER, problem="unreachable")


def test_a_request_that_is_wrong_is_refused_and_what_it_said_is_in_no_log(
    bot: BotAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    with TelegramDouble() as other:
        other.user(5001).start(other.add_bot(bot.token))

        answer = sent(other, bot, TelegramMessage("<b>CANARY-1234"))

    assert answer == SendAnswer(SendOutcome.REFUSED, problem="bad_request")
    said = capsys.readouterr()
    assert "CANARY" not in said.out + said.err
    assert bot.token not in said.out + said.err


def test_an_edit_of_the_same_is_fine_and_of_a_deleted_message_says_that_it_is_gone(
    tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    async def work(sender: Sender) -> list[tuple[str, bool]]:
        first = await sender.send("5001", [HELLO])
        number = first.external_ref or ""
        same = await sender.edit("5001", number, HELLO)
        other = await sender.edit("5001", number, TelegramMessage("other", is_living=True))
        user.delete(bot, int(number))
        gone = await sender.edit("5001", number, HELLO)
        return [(one.answer.outcome.value, one.is_gone) for one in (same, other, gone)]

    assert with_sender(tg, bot, work) == [("sent", False), ("sent", False), ("refused", True)]
