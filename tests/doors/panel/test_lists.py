"""The lists: each party sees its own rows and no others, whoever asks and however (INV-T1, INV-T2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from core.ids import Prefix, public
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import Browser, a_login
from tests.support.statements import recorded

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
        assert owner.get(details).status_code == (302 if path == "/orders/" else 200)
        assert told not in stranger.get(path).get_data(as_text=True), path
        assert stranger.get(path).status_code == 200
        assert stranger.get(details).status_code == 404


def test_a_page_of_another_role_is_not_there(panel: Panel, shop: Shop) -> None:
    """INV-D2: whoever sees to goods opens no orders and no audit; the menu does not name them either."""
    a_login("goods@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.sign_in("goods@demo.test")

    answers = {
        path: browser.get(path).status_code for path in ("/goods/", "/orders/", "/batches/", "/audit/", "/parties/")
    }

    assert answers == {"/goods/": 200, "/orders/": 404, "/batches/": 200, "/audit/": 404, "/parties/": 404}
    assert "/orders/" not in browser.get("/").get_data(as_text=True)


@pytest.mark.parametrize("path", ["/orders/", "/goods/", "/batches/", "/audit/"])
@pytest.mark.parametrize("junk", ["%00", "x", "-1", "1e99", "99999999999999999999", "'", "ord_zzz"])
def test_junk_in_the_address_of_a_list_is_answered_calmly(owner: Browser, path: str, junk: str) -> None:
    """Faults 54 and 56: never a 500, whatever a page number, a search or an id says."""
    asked = [f"{path}?page={junk}", f"{path}?search={junk}", f"{path}?sort={junk}", f"{path}details/?id={junk}"]

    assert {owner.get(one).status_code for one in asked} <= {200, 302, 400, 404}


def test_what_waits_today_is_told_to_whom_it_is_for(owner: Browser, stranger: Browser, shop: Shop) -> None:
    """A sale of today, in its currency; a line that somebody must look at; to another merchant neither is there."""
    shop.a_sku("A1")
    listing = shop.a_listing("A1", price=2500)
    shop.a_batch("A1", cards=3)
    placed = shop.place(shop.a_shopper(), listing, now=datetime.now(UTC))
    shop.sql("UPDATE shop_order SET state = 'paid', paid_at = now(), paid_minor = total_minor")
    shop.sql("UPDATE order_line SET gate = 'review' WHERE order_id = %s", [placed.order_id])
    shop.sql(
        "INSERT INTO delivery (line_id, order_id, state, created_at)"
        " SELECT id, order_id, 'waiting', now() FROM order_line"
    )

    told, foreign = owner.get("/").get_data(as_text=True), stranger.get("/").get_data(as_text=True)

    assert "CN¥25.00" in told
    assert "Orders: 1" in told
    assert re.search(r"num\">1</strong>\s*<span class=\"row-main\">paid, somebody must look at it first", told)
    assert "CN¥25.00" not in foreign
    assert "nothing yet" in foreign


def test_a_list_asks_the_database_a_few_times_however_long_it_is(owner: Browser, shop: Shop) -> None:
    """A page of 25 orders with their merchants: who asks, whose rows are read, one read, filters; nothing a row."""
    shop.a_sku("A1")
    listing = shop.a_listing("A1")
    shop.a_batch("A1", cards=100)
    for _ in range(30):
        shop.place(shop.a_shopper(), listing)
    owner.get("/orders/")  # what is asked once in a process

    with recorded() as asked:
        page = owner.get("/orders/").get_data(as_text=True)

    assert len(set(re.findall(r"ord_[a-z2-7]{26}", page))) == 25
    assert "Older" in page
    assert len(asked) <= 5, asked


def test_a_supplier_is_shown_no_pages_of_selling(panel: Panel, shop: Shop) -> None:
    """Its owner sees batches and audit; orders and goods on sale are a merchant's."""
    a_login("owner@brand.test", shop.a_party("brand1", kind="supplier"), Role.OWNER)
    browser = panel()
    browser.sign_in("owner@brand.test")
    browser.set_up_second()

    answers = {path: browser.get(path).status_code for path in ("/", "/batches/", "/audit/", "/orders/", "/goods/")}

    assert answers == {"/": 200, "/batches/": 200, "/audit/": 200, "/orders/": 404, "/goods/": 404}
    assert "Sold today" not in browser.get("/").get_data(as_text=True)
