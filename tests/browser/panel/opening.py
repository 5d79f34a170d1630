"""Somebody new: asks to be let in as a merchant, opens the shop in the panel, and the first shopper buys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SIZES
from tests.browser.panel.hand import Hand, Way
from tests.browser.panel.shopper import buy
from tests.browser.panel.walking import ROOT, signed_in
from tests.support.panel import code_of

EMAIL, PASSWORD = "ming@bright.test", "a lamp and nine herons"
CARDS = tuple(f"LAMP-{number:04}-QK7{number:03}" for number in range(1, 21))
LONGEST = 60_000


@dataclass
class Opening:
    """One new merchant on its way in a demo store; `looks` sees each page that a person would read."""

    browser: Browser
    address: str
    folder: Path
    way: Way = field(default_factory=lambda: Way("new merchant to first sandbox sale"))

    def through(self) -> str:
        """All of it; the secret that the first shopper got."""
        context = self.browser.new_context(
            base_url=self.address,
            viewport=SIZES["desk"],  # type: ignore[arg-type]
            locale="en-US",
        )
        context.set_default_timeout(30_000)
        wrong: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda said: wrong.append(f"{page.url}: {said.text}") if said.type == "error" else None)
        hand = Hand(page, self.way)
        with self.way.step("asks to be let in"):
            self.ask(hand)
        with self.way.step("the platform signs in and says yes"):
            self.let_in()
        with self.way.step("second factor"):
            self.second(hand)
        with self.way.step("shop"):
            hand.follow("Begin")
            hand.write("Greeting in English", "Good day. What may it be?")
            hand.press("Save and go on")
        with self.way.step("goods with 20 cards"):
            self.goods(hand)
        with self.way.step("payment and chats"):
            hand.press("Use play money")
            hand.follow("Go on")
            hand.press("Finish with the web chat alone")
            expect(page.get_by_text("Shoppers can buy and pay now.")).to_be_visible()
        shop, code = where(page)
        with self.way.step("a shopper buys and gets the card"):
            secret = buy(self.browser, shop, code, self.way)
        context.close()
        assert wrong == []
        return secret

    def ask(self, hand: Hand) -> None:
        """From the panel's first page to the application's answer, then signed in to see how it stands."""
        hand.page.goto(f"{ROOT}/")
        hand.follow("Supplier or merchant without a login? Ask to be let in")
        hand.click(hand.page.get_by_role("radio", name=re.compile("^Merchant")))
        for label, text in (
            ("Name", "明亮小店"), ("Name in English", "Bright"), ("Code in addresses", "bright"),
            ("Contact person", "Ming"), ("E-mail address", EMAIL), ("Password", PASSWORD),
            ("What would you sell?", "Codes for lamps, twenty a month, made by ourselves."),
        ):  # fmt: skip
            hand.write(label, text)
        hand.press("Send the application")
        hand.follow("Sign in")
        hand.write("E-mail address", EMAIL)
        hand.write("Password", PASSWORD)
        hand.press("Sign in")
        expect(hand.page.get_by_role("link", name="Look again")).to_be_visible()

    def let_in(self) -> None:
        """The platform's owner, in a browser of its own."""
        with signed_in(self.browser, self.address, self.folder, "platform@demo.test", locale="en-US") as page:
            hand = Hand(page, self.way)
            waits = page.get_by_role("listitem").filter(has_text="parties that ask to be let in")
            hand.click(waits.get_by_role("link", name="Look"))
            hand.click(page.get_by_role("listitem").filter(has_text=EMAIL).get_by_role("link", name="Look"))
            hand.press("Let it in")
            expect(page.get_by_text("is let in: its people can sign in now.")).to_be_visible()

    def second(self, hand: Hand) -> None:
        """An authenticator set up, up to the first page of the panel."""
        hand.follow("Look again")
        hand.press("Show the QR code")
        letters = hand.page.locator("code.letters").text_content() or ""
        hand.write("Code", code_of(letters))
        hand.press("Confirm")
        expect(hand.page.get_by_role("heading", name="Today")).to_be_visible()

    def goods(self, hand: Hand) -> None:
        """New goods in one form, then on from where they went on sale."""
        hand.follow("New goods")
        hand.write("Name in Chinese", "灯")
        hand.write("Name in English", "Lamp")
        hand.write("Price in CNY", "12.50")
        hand.write("Paste cards, one a line", "\n".join(CARDS))
        hand.press("Put it on sale")
        expect(hand.page.get_by_text("Cards taken in: 20")).to_be_visible(timeout=LONGEST)
        hand.follow("Go on opening your shop")


def where(page: Page) -> tuple[str, str]:
    """The shop's address and the code of its goods, as the last page of the set-up says them."""
    shop = page.get_by_role("link", name="Go to your shop").get_attribute("href") or ""
    said = page.get_by_text(re.compile("^Open your shop and write")).text_content() or ""
    found = re.search("buy ([A-Z0-9-]+) 1", said)
    assert found is not None, said
    return shop, found[1]
