"""Every page of the panel that links lead to: nothing overflows, axe finds nothing serious, nothing goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import SIZES, fits, serious
from tests.browser.panel.walking import signed_in, walk
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def sold(demo: WholeStore) -> WholeStore:
    """A demo in which somebody bought two cards."""
    chatter = Chatter(demo.address)
    try:
        chatter.press_sandbox_pay(chatter.order("A1"))
        chatter.wait_for("cards")
    finally:
        chatter.close()
    return demo


@pytest.mark.parametrize(
    ("email", "least", "look"),
    [
        ("merchant@demo.test", 12, {"color_scheme": "light", "locale": "zh-CN"}),
        ("supplier@demo.test", 5, {"color_scheme": "dark", "locale": "zh-CN"}),
        ("platform@demo.test", 12, {"color_scheme": "light", "locale": "en"}),
    ],
)
def test_every_page_fits_and_can_be_used_by_everybody(
    browser: Browser, sold: WholeStore, email: str, least: int, look: dict[str, Any]
) -> None:
    """At 1280 and at 390 px, light and dark, in both languages."""
    wrong: list[str] = []

    def see(page: Page, kind: str) -> None:
        for size in ("desk", "phone"):
            page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
            if not fits(page):
                wrong.append(f"{kind} at {size}: wider than the window")
            wrong.extend(f"{kind} at {size}: {one}" for one in serious(page, settle=0))

    with signed_in(browser, sold.address, sold.folder, email, **look) as page:
        kinds = walk(page, see)

    assert wrong == []
    assert len(kinds) >= least, kinds
