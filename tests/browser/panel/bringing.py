"""A supplier's file, from its first page to cards on sale, and somebody who buys one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, expect

from tests.browser.panel.hand import Hand, Way
from tests.browser.panel.shopper import buy
from tests.browser.panel.walking import signed_in
from tests.support.supplier_files import SupplierFile, month_cards


def bring(browser: Browser, address: str, folder: Path) -> tuple[Way, str, SupplierFile]:
    """Bring a file of month cards as the demo's supplier, then buy one; the way, the bought secret, the file.

    Cards that end sooner are sold first, so that it is one of these that the shopper gets.
    """
    way, file = Way("supplier's file to cards on sale"), month_cards()
    soon = f"{datetime.now(UTC) + timedelta(days=200):%Y-%m-%d}"
    raw = file.raw.decode("gb18030").replace("2027-12-31", soon).encode("gb18030")
    sent = FilePayload(name=file.name, mimeType="text/csv", buffer=raw)
    with signed_in(browser, address, folder, "supplier@demo.test", locale="en-US") as page:
        hand = Hand(page, way)
        with way.step("to the goods that the cards are for"):
            hand.follow("Bring cards")
            hand.click(page.locator("a.pick").filter(has_text=file.sku))
        with way.step("the file, sealed and looked at"):
            hand.choose(page.locator("label.drop"), sent)
            yes = page.get_by_role("button", name=f"Import cards ({len(file.secrets)})")
            expect(yes).to_be_visible()
        with way.step("the yes, until the cards are on sale"):
            hand.click(yes)
            expect(page.get_by_text("They can be sold now.")).to_be_visible()
    return way, buy(browser, f"{address}/s/demo", file.sku), file
