"""A whole store on Telegram, as a person starts it: two bots of two merchants, paid on the page, cards in the chat."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles.telegram import BotAccount, Seen, TelegramDouble, User
from tests.support.chatter import press_sandbox_pay
from tests.support.telegram import last
from tests.support.whole import WholeStore


@dataclass
class Town:
    """The store, its Telegram, and one bot of each merchant."""

    store: WholeStore
    tg: TelegramDouble
    demo: BotAccount
    other: BotAccount
    newest: int = 7000

    def somebody(self, language_code: str = "zh-hans") -> User:
        """A person nobody knows yet."""
        self.newest += 1
        return self.tg.user(self.newest, language_code=language_code)

    def order(self, user: User, words: str = "买 A1 2", bot: BotAccount | None = None) -> Seen:
        """Order by code and confirm; the message that asks for the money."""
        bot = bot or self.demo
        user.send(bot, words)
        user.tap(bot, "确认下单", message=last(user, bot, "确认下单", seconds=40)).answer()
        return last(user, bot, "去支付", seconds=40)

    def pay(self, message: Seen) -> None:
        """Press the page's button."""
        answer = press_sandbox_pay(message.links[0])
        assert answer.status_code == 200, answer.text

    def cards(self, user: User, count: int, *, after: int = 0, seconds: float = 40) -> Seen:
        """The message with so many cards."""
        return user.wait_for(self.demo, lambda seen: seen.id > after and len(secrets_in(seen)) == count, seconds)

    def read_again(self, user: User, cards: Seen) -> Seen:
        """Tap 再次查看, again while the delivery is just being written down as done; the cards that come."""
        for _ in range(10):
            user.tap(self.demo, "再次查看", message=cards).answer()
            with contextlib.suppress(AssertionError):
                return self.cards(user, len(secrets_in(cards)), after=cards.id, seconds=3)
        raise AssertionError("the cards did not come again")

    def kill(self, name: str) -> None:
        """kill -9 of the store's process of this name."""
        for place in Path("/proc").iterdir():
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                environment = (place / "environ").read_bytes()
            except OSError:
                continue
            if b"process" in words and name.encode() in words and str(self.store.folder).encode() in environment:
                os.kill(int(place.name), signal.SIGKILL)


def secrets_in(seen: Seen) -> list[str]:
    """The card keys of a message of A1, whose cards have a number and a key."""
    return seen.codes[1::2] if seen.copied else []


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A demo whose Telegram is the double, and two bots connected while it runs."""
    with TelegramDouble() as tg:
        demo, other = tg.add_bot(), tg.add_bot(username="other_bot")
        store = WholeStore(KEYSTALL_TELEGRAM__API_BASE=tg.url)
        try:
            store.start()
            for merchant, bot in (("demo", demo), ("other", other)):
                Path(store.folder, f"{merchant}.token").write_text(bot.token + "\n")
                wanted = ("channel", "add", "telegram", "--merchant", merchant, "--token", f"file:{merchant}.token")
                done = store.run(*wanted)
                assert done.returncode == 0, done.stderr
            yield Town(store, tg, demo, other)
            assert tg.violations == []
        finally:
            store.remove()


def test_cards_come_into_the_chat_that_paid_each_copied_by_a_tap_and_can_be_read_again(town: Town) -> None:
    user = town.somebody()
    town.pay(town.order(user))

    cards = town.cards(user, 2)
    again = town.read_again(user, cards)

    assert secrets_in(again) == secrets_in(cards)
    assert set(secrets_in(cards)) <= set(cards.copied)
    assert len(set(secrets_in(cards))) == 2
    assert not cards.has_preview
    assert "使用方法" in cards.text
    receipts = [one.text.partition("\n")[0] for one in user.from_bot(town.demo)]
    assert receipts.count("已支付，正在出货") == 1


def test_an_english_reader_is_told_in_english(town: Town) -> None:
    user = town.somebody("en")
    user.send(town.demo, "buy A1")
    user.tap(town.demo, "Confirm order", message=last(user, town.demo, "Confirm order")).answer()
    town.pay(last(user, town.demo, "Pay"))

    assert "How to use" in town.cards(user, 1).text


def test_each_bot_sells_for_its_own_merchant(town: Town) -> None:
    user = town.somebody()
    user.start(town.demo)
    user.start(town.other)
    first, second = last(user, town.demo, "选购商品"), last(user, town.other, "选购商品")

    user.tap(town.demo, "选购商品", message=first).answer()
    user.tap(town.other, "选购商品", message=second).answer()
    town.tg.wait_until(lambda: user.from_bot(town.demo)[-1].is_edited and user.from_bot(town.other)[-1].is_edited)

    assert user.from_bot(town.demo)[-1].labels != user.from_bot(town.other)[-1].labels


def test_fault_42_cards_wait_for_the_end_of_a_flood_limit(town: Town) -> None:
    """Fault 42: receipt and cards come when Telegram takes them again, others go on meanwhile."""
    user, other = town.somebody(), town.somebody()
    asked = town.order(user)
    town.tg.flood(town.demo, chat=user.id, retry_after=4)
    town.pay(asked)
    other.start(town.demo)
    last(other, town.demo, "选购商品", seconds=10)

    assert len(set(secrets_in(town.cards(user, 2, seconds=60)))) == 2
    assert town.tg.too_early == []


def test_fault_43_cards_of_somebody_who_blocked_the_bot_wait_for_the_person(town: Town) -> None:
    """Fault 43: the order is delivered and stays claimable; nothing is tried again until the person is back."""
    user = town.somebody()
    asked = town.order(user)
    user.block(town.demo)
    town.pay(asked)
    refused = lambda: [one for one in town.tg.requests(town.demo, "sendMessage", user.id) if one.code == 403]  # noqa: E731
    town.tg.wait_until(lambda: len(refused()) >= 2, 40)
    threading.Event().wait(3)
    tried = len(refused())

    user.unblock(town.demo)
    user.send(town.demo, "取卡")

    assert tried == 2
    assert len(set(secrets_in(town.cards(user, 2)))) == 2


def test_a_lost_answer_sends_the_same_cards_once_more(town: Town) -> None:
    user = town.somebody()
    asked = town.order(user)
    town.tg.lose_answers(2, method="sendMessage")
    town.pay(asked)
    town.cards(user, 2)
    threading.Event().wait(8)

    shown = [tuple(secrets_in(one)) for one in user.from_bot(town.demo) if secrets_in(one)]
    assert len(set(shown)) == 1


@pytest.mark.slow
def test_everybody_has_exactly_the_cards_paid_for_while_each_process_is_killed_once(town: Town) -> None:
    """Faults 1, 2 and 3, all at once; a short outage of Telegram on top."""
    people = [town.somebody() for _ in range(12)]
    failures: list[BaseException] = []

    def buys(user: User) -> None:
        try:
            asked = town.order(user, "买 A2")
            deadline = time.monotonic() + 60
            while True:
                try:
                    return town.pay(asked)
                except Exception:  # web is down for a moment
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    run_all([lambda user=user: buys(user) for user in people], meanwhile=lambda: kill_each(town))

    assert failures == []
    found = [user.wait_for(town.demo, lambda seen: bool(seen.copied), 90) for user in people]
    keys = [tuple(seen.codes) for seen in found]
    assert len(set(keys)) == len(people)
    for user in people:
        assert len({tuple(one.codes) for one in user.from_bot(town.demo) if one.copied}) == 1
    verified = town.store.run("verify")
    assert verified.returncode == 0, verified.stdout
    assert [line for line in verified.stdout.splitlines() if line.startswith("INV-") and line.split()[1] != "0"] == []


def kill_each(town: Town) -> None:
    """kill -9 of bot, worker and web, and an outage between."""
    for name in ("bot", "worker", "web"):
        time.sleep(1.0)
        town.kill(name)
    town.tg.outage(kind="drop")
    time.sleep(2.0)
    town.tg.outage(False)


def run_all(works: list[Callable[[], None]], *, meanwhile: Callable[[], None]) -> None:
    """All at once, with something beside them."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join(180)
        assert not thread.is_alive()
