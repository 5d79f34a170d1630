"""A button that is pressed again while the first press is under way: what is shown once is shown, and is there once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.panel.walking import ROOT, signed_in
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TWICE = """() => {
    const button = [...document.querySelectorAll("main form button")].at(-1);
    button.click();
    setTimeout(() => button.click(), 300);
}"""


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
