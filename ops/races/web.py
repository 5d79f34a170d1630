"""Buyers of a race who know the shop's address only: they talk over HTTP, and say it again when nobody answers."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Any
from uuid import uuid4

import httpx

from bot.refusals import SOLD_OUT
from ops.races.figures import Basket
from ops.races.trial import Buyer, Trial
from ops.wiring import phrasebook

HIDDEN = re.compile(r'<input\b[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
BUTTON = "sandbox-pay"
PRESS_AGAIN = 15.0  # seconds after which a buyer who heard nothing presses the button once more
LONG_POLL = 5  # seconds that a buyer in the web chat waits for an answer
_AGAIN = 0.5  # seconds before the same is asked again of a web process that is not there
_ERROR, _CONFIRM, _PAY, _CARDS = "error", "confirm", "pay", "cards"


class NobodyAnswers(Exception):
    """The buyer's patience ended before the web process answered."""


@dataclass
class Shopfront:
    """The web process of a trial, as its buyers reach it; one client for all threads."""

    trial: Trial
    client: httpx.Client
    is_over: Callable[[], bool] = lambda: False

    def ask(self, end: float, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer to one request, made again while the process is away or out of order. Raises `NobodyAnswers`."""
        while time.monotonic() < end and not self.is_over():
            try:
                answer = self.client.request(method, path, **request)
            except httpx.TransportError:
                time.sleep(_AGAIN)
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
            time.sleep(_AGAIN)
        raise NobodyAnswers

    @cached_property
    def sold_out(self) -> str:
        """What a buyer is told when there is none left, in the language of the trial's buyers."""
        texts = phrasebook(self.trial.config).texts("zh-CN")
        return texts.say(SOLD_OUT.what, code="A1")


@dataclass
class WebBuyer:
    """One buyer in the web chat; each message keeps its id until it is answered."""

    front: Shopfront
    buyer: Buyer
    end: float
    pay_page: str = ""
    cursor: str | None = None

    def buy(self, basket: Basket) -> None:
        """Talk to the shop until it takes the order or has none left, pay on its page, read what comes."""
        while basket.refused is None and not self.pay_page:
            began = time.monotonic()
            said = self.order()
            basket.place = time.monotonic() - began
            if said is not None and (self.front.sold_out in said or time.monotonic() > self.end):
                basket.refused = "sold out" if self.front.sold_out in said else "held by others"
            elif said is not None:
                time.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - patience, not a secret
        pressed = -PRESS_AGAIN
        while basket.refused is None and not basket.received and time.monotonic() < self.end:
            if time.monotonic() > pressed + PRESS_AGAIN:
                self.press()
                pressed = time.monotonic()
            basket.received += self.cards(wait=LONG_POLL)

    def order(self) -> str | None:
        """Ask for one card: None once there is a page to pay on, else what the shop said instead."""
        confirm = self._say(text="买 A1 1")[-1]
        if confirm["kind"] != _CONFIRM:
            return str(confirm["text"])
        answer = self._say(action=str(confirm["options"][0]["action"]))[-1]
        if answer["kind"] != _PAY:
            return str(answer["text"])
        self.pay_page = next(one["url"] for one in answer["options"] if "/pay/" in one.get("url", ""))
        return None

    def press(self) -> None:
        """Open the page and press the sandbox's button, if it still has one."""
        page = self.front.ask(self.end, "GET", self.pay_page)
        fields = {}
        for tag in HIDDEN.findall(page.text):
            attributes = dict(ATTRIBUTE.findall(tag))
            fields[attributes["name"]] = unescape(attributes.get("value", ""))
        if f'name="{BUTTON}"' in page.text:
            url = httpx.URL(self.pay_page)
            origin = f"{url.scheme}://{url.netloc.decode()}"
            self.front.ask(self.end, "POST", self.pay_page, data={BUTTON: "1", **fields}, headers={"Origin": origin})

    def cards(self, *, wait: int) -> list[str]:
        """The secrets that came since the last look, waiting for them so many seconds."""
        query: dict[str, Any] = {"wait": wait} | ({"after": self.cursor} if self.cursor is not None else {})
        answer = self.front.ask(self.end, "GET", self._messages, params=query, headers=self._who)
        told = answer.json()
        self.cursor = told["cursor"]
        return [card["secret"] for screen in told["screens"] if screen["kind"] == _CARDS for card in screen["cards"]]

    @property
    def _messages(self) -> str:
        return f"/api/v1/chat/{self.buyer.session.merchant_code}/messages"

    @property
    def _who(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.buyer.token}"}

    def _say(self, **content: str) -> list[dict[str, Any]]:
        body = {"id": str(uuid4()), **content}
        answer = self.front.ask(self.end, "POST", self._messages, json=body, headers=self._who)
        answer.raise_for_status()
        screens: list[dict[str, Any]] = answer.json()["screens"]
        return screens
