"""Kept filters in a browser: long names wrap at both widths, one press opens, one forgets."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SIZES, fits, serious
from tests.browser.panel.walking import ROOT, signed_in
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ("Paid", "W" * 40, "等人处理的订单", "Needs somebody since the first of March", "🎉")
LISTS = ("/orders/", "/audit/", "/shoppers/", "/reports/", "/")


def keep(page: Page, path: str, name: str) -> None:
    """Cut a list by its address, press what keeps that, type a name."""
    page.goto(f"{ROOT}{path}")
    page.locator("nav.kept a.button").click()
    page.fill("[name=name]", name)
    page.click("main form button")
    page.wait_for_selector(".chip a[aria-current]")


@pytest.mark.parametrize(
    "look", [{"color_scheme": "light", "locale": "en-US"}, {"color_scheme": "dark", "locale": "zh-CN"}]
)
def test_kept_filters_fit_open_and_go_by_one_press(browser: Browser, demo: WholeStore, look: dict[str, Any]) -> None:
    """At 1280 and at 390 px, light and dark, in both languages."""
    wrong: list[str] = []
    with signed_in(browser, demo.address, demo.folder, "merchant@demo.test", **look) as page:
        for at, name in enumerate(NAMES):
            keep(page, f"/orders/?state=paid&from=2026-03-0{at + 1}", name)
        for path in ("/audit/?by=staff", "/shoppers/?blocked=1", "/reports/?range=30"):
            keep(page, path, NAMES[1])
        for path in (*LISTS, "/filters/orders/keep?needs=1"):
            page.goto(f"{ROOT}{path}")
            for size, measures in SIZES.items():
                page.set_viewport_size(measures)  # type: ignore[arg-type]
                wrong += [] if fits(page) else [f"{path} at {size}: wider than the window"]
                wrong += [f"{path} at {size}: {one}" for one in serious(page, settle=0)]

        page.goto(f"{ROOT}/")
        page.locator(".chip a", has_text=NAMES[2]).click()
        assert page.url.endswith(f"{ROOT}/orders/?from=2026-03-03&state=paid")
        chip = page.locator(".chip")
        for left in range(len(NAMES) - 1, -1, -1):
            chip.first.locator("button").click()
            expect(chip).to_have_count(left)
        for path in LISTS[1:4]:
            page.goto(f"{ROOT}{path}")
            chip.locator("button").click()
            expect(page.locator("nav.kept")).to_have_count(0)

    assert wrong == []
