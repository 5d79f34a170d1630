"""Somebody who knows a shop's address and nothing else: a tap on the shelf, a yes, play money, a card in the chat."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.conftest import SIZES
from tests.browser.panel.hand import Hand, Way


def buy(browser: Browser, shop: str, code: str, way: Way | None = None) -> str:
    """Buy one by its code on a phone; the secret as it stands in the chat."""
    context = browser.new_context(viewport=SIZES["phone"], locale="en-US", has_touch=True)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    page = context.new_page()
    hand = Hand(page, way or Way("a purchase"))
    page.goto(shop)
    hand.click(page.locator(f"#shelf [data-say*='{code}']"))
    hand.press("Confirm order")
    hand.click(page.get_by_role("link", name="Pay"))
    hand.click(page.locator("button[name=sandbox-pay]"))
    hand.click(page.locator(".outcome.ok a.button"))
    secret = page.locator(".card.cards .key code").last
    expect(secret).to_be_visible()
    said = secret.text_content() or ""
    context.close()
    return said
