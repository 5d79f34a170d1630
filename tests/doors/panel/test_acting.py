"""Pages that change something: what they take, what they refuse, and that nothing else comes in with a form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import ERROR_ID, Browser, a_login

Panel = Callable[[], Browser]


@pytest.fixture
def seller(panel: Panel, shop: Shop) -> Browser:
    """Somebody who sees to the goods of the shop's merchant."""
    a_login("goods@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.sign_in("goods@demo.test")
    return browser


def test_a_price_is_set_and_a_listing_switched_and_both_are_said_once(seller: Browser, shop: Shop) -> None:
    shop.a_sku("A1")
    listing = shop.a_listing("A1", price=2500)

    answer = seller.post(f"/goods/{listing}/price", {"price": "19.90"})
    told = [seller.get("/goods/").get_data(as_text=True).count("A1 costs CN¥19.90 now.") for _ in range(2)]
    seller.post(f"/goods/{listing}/switch", {"to": "off"}, shown=f"/goods/details/?id={listing}")

    assert (answer.status_code, told) == (302, [1, 0])
    assert shop.sql("SELECT price_minor, on_sale FROM listing") == [(1990, False)]
    assert shop.sql("SELECT action FROM audit_entry WHERE object_kind = 'listing' ORDER BY id DESC LIMIT 2") == [
        ("listing.hidden",),
        ("listing.priced",),
    ]


def test_a_price_that_is_none_is_a_sentence_and_changes_nothing(seller: Browser, shop: Shop) -> None:
    """Fault 55: NaN, Infinity, -5, 1e30, 1.005 and other numbers that are no price."""
    shop.a_sku("A1")
    listing = shop.a_listing("A1", price=2500)
    before = shop.fingerprint()

    for typed in ("NaN", "Infinity", "-5", "1e30", "1.005", "1" * 40, "１９", "\0", "x" * 1000):
        answer = seller.post(f"/goods/{listing}/price", {"price": typed})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422, typed
        assert "This is no amount" in page or "This is no price" in page, typed
        assert ERROR_ID.search(page), typed

    assert shop.fingerprint() == before


def test_fields_that_a_form_does_not_have_are_passed_over_and_written_down(seller: Browser, shop: Shop) -> None:
    """Fault 83: who posts a merchant, a role or a balance along with a price sets the price."""
    shop.a_sku("A1")
    listing, other = shop.a_listing("A1", price=2500), shop.a_party("other")
    more = {"merchant_id": str(other), "role": "platform_owner", "on_sale": "", "id": "1"}

    with capture_logs() as logs:
        answer = seller.post(f"/goods/{listing}/price", {"price": "1.00", **more})

    assert answer.status_code == 302
    assert shop.sql("SELECT merchant_id, price_minor, on_sale FROM listing") == [(shop.merchant, 100, True)]
    assert shop.sql("SELECT role FROM staff_role") == [("catalog",)]
    assert [entry["fields"] for entry in logs if "fields" in entry] == [["id", "merchant_id", "on_sale", "role"]]


def test_a_foreign_listing_is_not_there_to_be_changed(seller: Browser, panel: Panel, shop: Shop) -> None:
    """Fault 82, INV-T1: by its address, with a good form."""
    a_login("goods@other.test", shop.a_party("other"), Role.CATALOG)
    shop.a_sku("A1")
    listing = shop.a_listing("A1", price=2500)
    stranger = panel()
    stranger.sign_in("goods@other.test")
    before = shop.fingerprint()

    answers = [
        stranger.get(f"/goods/{listing}/price").status_code,
        stranger.post(f"/goods/{listing}/price", {"price": "0.01"}, shown="/sessions").status_code,
        stranger.post(f"/goods/{listing}/switch", shown="/sessions").status_code,
    ]

    assert answers == [404, 404, 404]
    assert shop.fingerprint() == before
