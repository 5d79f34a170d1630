"""The lists: each party sees its own rows and no others, whoever asks and however (INV-T1, INV-T2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.ids import Prefix, public
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import Browser, a_login

Panel = Callable[[], Browser]


@pytest.fixture
def owner(panel: Panel, shop: Shop) -> Browser:
    """The owner of the shop's merchant, with a second factor."""
    a_login("owner@demo.test", shop.merchant, Role.OWNER)
    browser = panel()
    browser.sign_in("owner@demo.test")
    browser.set_up_second()
    return browser


@pytest.fixture
def stranger(panel: Panel, shop: Shop) -> Browser:
    """The owner of another merchant."""
    a_login("owner@other.test", shop.a_party("other"), Role.OWNER)
    browser = panel()
    browser.sign_in("owner@other.test")
    browser.set_up_second()
    return browser


def test_a_merchant_sees_its_own_orders_goods_and_cards(owner: Browser, stranger: Browser, shop: Shop) -> None:
    """INV-T1: to anybody else they are not there, in lists and by their address."""
    shop.a_sku("A1", names='{"zh-CN": "商品 A1", "en": "Goods A1"}')
    listing = shop.a_listing("A1", price=2500)
    batch_no = shop.a_batch("A1", cards=3)
    ((batch,),) = shop.sql("SELECT id FROM batch WHERE no = %s", [batch_no])
    order = shop.place(shop.a_shopper(), listing)
    number = public(Prefix.ORDER, order.order_id)
    places = {
        "/orders/": (number, f"/orders/details/?id={order.order_id}"),
        "/goods/": ("Goods A1", f"/goods/details/?id={listing}"),
        "/batches/": (public(Prefix.BATCH, batch), f"/batches/details/?id={batch}"),
    }

    for path, (told, details) in places.items():
        assert told in owner.get(path).get_data(as_text=True), path
        assert owner.get(details).status_code == 200
        assert told not in stranger.get(path).get_data(as_text=True), path
        assert stranger.get(path).status_code == 200
        assert stranger.get(details).status_code == 404
