"""Shoppers who buy in a chat, as patient as people are: they say it again when the shop is out of order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.crowd.town import MERCHANTS, Town
from tests.doubles.telegram import BotAccount, Seen, User
from tests.doubles.wechat.person import Follower
from tests.support.chatter import pressed
from tests.support.telegram import last, says

PATIENCE = 240.0  # seconds until somebody gives up
WORD = re.compile(r"[A-Za-z0-9-]{12,}")


@dataclass
class Shopper:
    """One person who wants one card; `cards` are the different ones that came."""

    name: str
    cards: set[str] = field(default_factory=set)
    turns: int = 0  # what was said or tapped until the page was there
    seconds: float = 0.0  # from the payment to the cards


def patiently(work: Callable[[], Any]) -> Any:
    """Until it works: the store's processes come and go."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except (httpx.TransportError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


class TelegramShopper(Shopper):
    """Opens a link to one product, confirms, pays on the page, waits for the card."""

    def buy(self, town: Town, merchant: str, number: int) -> None:
        """The whole way."""
        bot, user = town.bots[merchant], town.tg.user(90_000 + number)
        self.turns = 2
        user.start(bot, MERCHANTS[merchant])
        asked = patiently(lambda: self.placed(user, bot))
        patiently(lambda: pay(asked.links[0]))
        paid = time.monotonic()
        user.wait_for(bot, lambda seen: bool(seen.copied), PATIENCE)
        self.seconds = time.monotonic() - paid
        self.cards = {key for seen in user.from_bot(bot) for text in seen.copied for key in keys_in(text, town)}

    def placed(self, user: User, bot: BotAccount) -> Seen:
        """Tap 购买 or 确认下单, whichever stands there, until the payment page is offered."""
        if (there := newest(user, bot, "去支付")) is not None:
            return there
        if (confirm := newest(user, bot, "确认下单")) is not None:
            user.tap(bot, "确认下单", message=confirm).answer(3)
        elif (goods := newest(user, bot, "购买")) is not None:
            user.tap(bot, "购买", message=goods).answer(3)
            confirm = last(user, bot, "确认下单", seconds=5)
            user.tap(bot, "确认下单", message=confirm).answer(3)
        return last(user, bot, "去支付", seconds=5)


def newest(user: User, bot: BotAccount, words: str) -> Seen | None:
    """The bot's newest message with these words."""
    found = [seen for seen in user.from_bot(bot) if says(words)(seen)]
    return found[-1] if found else None


def pay(link: str) -> None:
    """Place on the page where it asks for that, then press the sandbox's button: both do it once, however often.

    A process killed after the payment and before the answer leaves a page without a button: it is paid all the same.
    """
    with httpx.Client(timeout=40, follow_redirects=True, trust_env=False) as phone:
        page = phone.get(link)
        for button in ("place", "sandbox-pay"):
            if f'name="{button}"' in page.text:
                page = pressed(phone, page, button)
        assert page.status_code == 200, page.status_code
        assert re.search(r'data-state="(paid|delivered)"', page.text), "not paid yet"


class WeChatShopper(Shopper):
    """Sends a code, pays on the page behind the link, sends 取卡."""

    def buy(self, town: Town, merchant: str, number: int) -> None:
        """The whole way."""
        fan = town.wx.follower(town.accounts[merchant], f"{merchant}-{number}")
        link = patiently(lambda: self.asked(fan, f"买 {MERCHANTS[merchant]}"))
        patiently(lambda: pay(link))
        paid = time.monotonic()
        self.cards = patiently(lambda: self.fetched(fan, town))
        self.seconds = time.monotonic() - paid

    def asked(self, fan: Follower, words: str) -> str:
        """One turn: the link of the page."""
        self.turns = 1
        reply = fan.say(words).reply or ""
        found = re.search(r'href="([^"]+/w/[^"]+)"', reply)
        assert found, reply
        return found[1]

    def fetched(self, fan: Follower, town: Town) -> set[str]:
        """取卡: what came by any way so far."""
        fan.say("取卡")
        cards = {key for text in fan.heard() for key in keys_in(text, town)}
        assert cards, "no card yet"
        return cards


def keys_in(text: str, town: Town) -> list[str]:
    """The cards' keys in a text: those that stand in the files that were imported."""
    return [word for word in WORD.findall(text) if word in town.keys]
