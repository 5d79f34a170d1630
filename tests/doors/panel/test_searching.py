"""The search box: what a party's code finds, and that a link can only ask for a page that is there."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from admin.declared import Undeclared
from admin.menu import opens
from core.parties.rules import PartyKind, Role
from core.parties.staff_sessions import StaffSession
from tests.builders import Shop
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]


def test_a_partys_code_leads_the_platform_to_its_page_and_a_merchant_nowhere(panel: Panel, shop: Shop) -> None:
    """The one who runs the installation is gone to the party at once; to a merchant nothing is called so."""
    supplier = shop.a_party("brand1", kind="supplier")
    shop.an_offer(supplier, shop.merchant, price_micro=10_000)  # so that the merchant may read its name
    platform, merchant = panel(), panel()
    a_seat(platform, shop, shop.platform, "platform_owner")
    a_seat(merchant, shop, shop.merchant, "owner")

    gone, shown = platform.get("/search?q=Brand1"), merchant.get("/search?q=brand1")

    assert (gone.status_code, gone.location) == (302, f"/parties/{supplier}")
    assert platform.get(gone.location).status_code == 200
    assert shown.status_code == 200
    assert "Nothing is called “brand1” here." in shown.get_data(as_text=True)


def test_whoever_asks_about_a_page_that_is_not_there_is_told_so(panel: Panel) -> None:
    """Else a link to a page that was renamed is drawn for nobody, and nobody misses it."""
    party = SimpleNamespace(kind=PartyKind.PLATFORM)
    session = cast("StaffSession", cast("Any", SimpleNamespace(party=party, roles=frozenset({Role.PLATFORM_OWNER}))))

    with panel().app.app_context():
        assert opens("party.show", session)
        with pytest.raises(Undeclared, match=r"parties\.details_view"):
            opens("parties.details_view", session)
