"""The two ways that `python -m tests.browser.panel.timed` times: they lead to a sale, in as few clicks as promised."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.panel.bringing import bring
from tests.browser.panel.opening import CARDS, Opening
from tests.browser.panel.timed import CLICKS
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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
