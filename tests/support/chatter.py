"""A program that knows only the public interface: it talks, taps and reads like anybody's own client."""

import re
import time
import uuid
from html import unescape
from typing import Any

import httpx

Screen = dict[str, Any]
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
HIDDEN = re.compile(r"<input\b[^>]*>")
ATTRIBUTE = re.compile(r"([\w-]+)=\"([^\"]*)\"")


class Chatter:
    """One guest session in a merchant's web chat."""

    def __init__(self, address: str, merchant: str = "demo", locale: str | None = None) -> None:
        self.http = httpx.Client(base_url=address, timeout=40, follow_redirects=True)
        self.base = f"/api/v1/chat/{merchant}"
        answer = self.http.post(f"{self.base}/sessions", json={"locale": locale} if locale else None)
        assert answer.status_code == 201, answer.text
        self.session, self.token = answer.json()["session"], answer.json()["token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.cursor: str | None = None

    def send(self, message_id: str | None = None, **content: str) -> httpx.Response:
        """POST one message: `text=` or `action=`."""
        body = {"id": message_id or str(uuid.uuid4()), **content}
        return self.http.post(f"{self.base}/messages", json=body, headers=self.headers)

    def say(self, text: str) -> list[Screen]:
        """Say something; the screens of the answer."""
        return self._screens(self.send(text=text))

    def tap(self, screen: Screen, *words: str) -> list[Screen]:
        """Tap the one option of a screen whose label begins with one of the words."""
        return self._screens(self.send(action=option(screen, *words)["action"]))

    def read(self, wait: int = 0) -> list[Screen]:
        """What was sent unasked since the last read."""
        query: dict[str, Any] = {"wait": wait} | ({"after": self.cursor} if self.cursor is not None else {})
        answer = self.http.get(f"{self.base}/messages", params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        self.cursor = answer.json()["cursor"]
        return answer.json()["screens"]

    def wait_for(self, kind: str, seconds: float = 30) -> Screen:
        """The first unasked screen of a kind."""
        end = time.monotonic() + seconds
        seen: list[Screen] = []
        while time.monotonic() < end:
            for screen in self.read(wait=5):
                seen.append(screen)
                if screen["kind"] == kind:
                    return screen
        raise AssertionError(f"no {kind} screen within {seconds} s, only {[one['kind'] for one in seen]}")

    def order(self, code: str, quantity: int = 1) -> Screen:
        """Order by code and confirm; the `pay` screen."""
        confirm = self.say(f"买 {code} {quantity}")[-1]
        assert confirm["kind"] == "confirm", confirm
        pay = self.tap(confirm, "确认", "confirm")[-1]
        assert pay["kind"] == "pay", pay
        return pay

    def press_sandbox_pay(self, pay: Screen) -> httpx.Response:
        """Open the checkout page of a `pay` screen and press its button `sandbox-pay`."""
        return press_sandbox_pay(next(choice["url"] for choice in pay["options"] if "/pay/" in choice.get("url", "")))

    def buy(self, code: str, quantity: int = 1) -> list[dict[str, str]]:
        """Order, pay with play money, and wait for the cards."""
        answer = self.press_sandbox_pay(self.order(code, quantity))
        assert answer.status_code == 200, answer.text
        return self.wait_for("cards")["cards"]

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()

    @staticmethod
    def _screens(answer: httpx.Response) -> list[Screen]:
        assert answer.status_code == 200, answer.text
        return answer.json()["screens"]


def press_sandbox_pay(url: str) -> httpx.Response:
    """Open a checkout page and press its button `sandbox-pay`."""
    with httpx.Client(timeout=40, follow_redirects=True, trust_env=False) as browser:
        return pressed(browser, browser.get(url), "sandbox-pay")


def pressed(browser: httpx.Client, page: httpx.Response, button: str) -> httpx.Response:
    """Press a button of a page, with the hidden fields of its form, where the form says."""
    form = next((found for found in FORM.findall(page.text) if f'name="{button}"' in found), None)
    assert form, f"{page.status_code}, and no button {button} on the page"
    fields = {button: "1"}
    for tag in HIDDEN.findall(form):
        attributes = dict(ATTRIBUTE.findall(tag))
        fields[attributes["name"]] = unescape(attributes.get("value", ""))
    action = unescape(dict(ATTRIBUTE.findall(form[: form.index(">")])).get("action", "")) or str(page.url)
    return browser.post(page.url.join(action), data=fields, headers={"Origin": _origin(str(page.url))})


def option(screen: Screen, *words: str) -> dict[str, str]:
    """The one option of a screen whose label begins with one of the words, in any case."""
    found = [one for one in screen["options"] if one["label"].lower().startswith(tuple(word.lower() for word in words))]
    assert len(found) == 1, screen["options"]
    return found[0]


def _origin(url: str) -> str:
    parts = httpx.URL(url)
    return f"{parts.scheme}://{parts.netloc.decode()}"
