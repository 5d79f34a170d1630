"""A form that is sent twice, by one impatient finger or by two people who saw the same page, does its act once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.ids import Prefix, public
from tests.builders import Shop
from tests.doors.panel.foreign import World
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]

SWITCHES = {
    "/goods/{listing}/switch": ("SELECT on_sale FROM listing", "/goods/details/?id={listing}"),
    "/goods/{listing}/archive": ("SELECT archived_at IS NULL FROM listing", ""),
    "/variant/{sku}/archive": ("SELECT archived_at IS NULL FROM sku WHERE code = 'OWN1'", ""),
    "/product/{product}/archive": ("SELECT archived_at IS NULL FROM product WHERE code = 'own'", ""),
    "/shoppers/{shopper}/block": ("SELECT blocked_at IS NULL FROM shopper", ""),
}


@pytest.mark.parametrize("address", SWITCHES)
def test_what_is_turned_off_twice_is_off(panel: Panel, shop: Shop, address: str) -> None:
    """A second press would else put goods on sale again, or take orders again from somebody who was just blocked."""
    browser = panel()
    world = World(shop, a_seat(browser, shop, shop.merchant, "owner"), a_seat(panel(), shop, shop.merchant, "owner"))
    shopper = public(Prefix.SHOPPER, shop.a_shopper().shopper_id)
    said = {"listing": world.listing, "sku": world.sku, "product": world.product, "shopper": shopper}
    asks, shown = SWITCHES[address]
    path, page = address.format(**said), (shown or address).format(**said)
    form = {"to": "off", "reason": "fraud"} if "block" in path else {"to": "off"}
    assert 'name="to" value="off"' in browser.get(page).get_data(as_text=True)

    off = [(browser.post(path, form, shown="/sessions").status_code, shop.sql(asks)) for _ in range(2)]
    assert 'name="to" value="on"' in browser.get(page).get_data(as_text=True)
    on = [(browser.post(path, {"to": "on"}, shown="/sessions").status_code, shop.sql(asks)) for _ in range(2)]
    wrong = browser.post(path, {"to": "maybe"}, shown="/sessions").status_code

    assert off == [(302, [(False,)])] * 2
    assert on == [(302, [(True,)])] * 2
    assert wrong in {400, 422}
