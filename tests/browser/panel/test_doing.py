"""What people do in the panel, by a real browser, in one store: the ways to a sale, a file on its way, two presses.

The two ways are those that `python -m tests.browser.panel.timed` times. A chosen file is sent at once; where that
failed, a button sends it again. A button that is pressed again while the first press is under way: what is shown once
is shown, and is there once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.browser.conftest import SIZES
from tests.browser.panel.bringing import bring
from tests.browser.panel.opening import CARDS, Opening
from tests.browser.panel.timed import CLICKS
from tests.browser.panel.walking import ROOT, opened, signed_in
from tests.support.supplier_files import SupplierFile, game_codes
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SEND = "Send the file"
DROP = """text => {
    const carried = new DataTransfer();
    carried.items.add(new File([text], "dropped.txt", {type: "text/plain"}));
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: carried, cancelable: true}));
}"""
TWICE = """() => {
    const button = [...document.querySelectorAll("main form button")].at(-1);
    button.click();
    setTimeout(() => button.click(), 300);
}"""


def test_somebody_new_asks_opens_a_shop_and_the_first_shopper_gets_a_card_that_was_pasted(
    browser: Browser, demo: WholeStore
) -> None:
    secret = Opening(browser, demo.address, demo.folder).through()

    assert secret in CARDS


def test_a_suppliers_file_is_on_sale_within_five_clicks_and_a_shopper_gets_a_card_of_it(
    browser: Browser, demo: WholeStore
) -> None:
    way, secret, file = bring(browser, demo.address, demo.folder)

    assert way.clicks <= CLICKS
    assert secret in file.secrets


@pytest.fixture
def file() -> SupplierFile:
    return game_codes()


@pytest.fixture
def place(browser: Browser, demo: WholeStore, file: SupplierFile) -> Iterator[Page]:
    """The page on which the demo's supplier chooses a file."""
    context = opened(browser, demo.address, demo.folder, "supplier@demo.test", viewport=SIZES["phone"], locale="en-US")
    page = context.new_page()
    page.goto(f"{ROOT}/imports/new")
    page.locator("a.pick").filter(has_text=file.sku).click()
    yield page
    context.close()


def test_a_file_is_sent_once_when_it_is_chosen_or_dropped_and_by_a_button_after_it_broke_off(
    place: Page, file: SupplierFile
) -> None:
    tries: list[str] = []

    def first_breaks_off(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        tries.append(route.request.url)
        if len(tries) == 1:
            route.abort()
        else:
            route.continue_()

    place.route("**/imports/new/*", first_breaks_off)
    button, bring = place.get_by_role("button", name=SEND), place.url
    expect(button).to_be_hidden()

    place.set_input_files("#file", FilePayload(name=file.name, mimeType="text/plain", buffer=file.raw))
    expect(place.get_by_text("It broke off on the way.")).to_be_visible()
    button.click()
    expect(place.get_by_role("button", name=f"Import cards ({len(file.secrets)})")).to_be_visible()

    place.goto(bring)
    place.evaluate(DROP, "DROPPED-1-QK7\nDROPPED-2-QK8\n")
    expect(place.get_by_role("button", name="Import cards (2)")).to_be_visible()

    assert len(tries) == 3


def test_a_key_that_is_asked_for_with_two_presses_is_one_and_is_shown(browser: Browser, demo: WholeStore) -> None:
    under_way: list[Route] = []

    def wait(route: Route) -> None:
        if route.request.method == "POST":
            under_way.append(route)
        else:
            route.continue_()

    with signed_in(browser, demo.address, demo.folder, "supplier@demo.test", locale="en-US") as page:
        page.route("**/api-keys/new", wait)
        page.goto(f"{ROOT}/api-keys/new")
        page.fill("[name=called]", "Twice")
        page.locator("[name=scopes]").first.check()
        page.evaluate(TWICE)
        page.wait_for_timeout(800)
        assert len(under_way) == 1

        under_way[0].continue_()

        expect(page.get_by_text("ks_live_")).to_be_visible()
        page.goto(f"{ROOT}/api-keys/")
        assert page.get_by_text("Twice", exact=True).count() == 1
