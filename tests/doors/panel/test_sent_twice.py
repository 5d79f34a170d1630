"""A form that is sent twice, by one impatient finger or by two people who saw the same page, does its act once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from core.ids import Prefix, public
from tests.builders import Shop, Talker
from tests.doors.panel.foreign import World
from tests.support.panel import TOKEN, Browser
from tests.support.seated import a_seat
from tests.support.till import Till

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


def test_new_goods_of_three_presses_at_once_are_there_once_and_each_press_shows_them(panel: Panel, shop: Shop) -> None:
    browser = panel()
    a_seat(browser, shop, shop.merchant, "catalog")
    form = {"name_zh": "月卡", "price": "9.90", "category": "games", "code": "CAT1", "issuer": "", "cards": "A-1\nA-2"}

    answers = pressed(browser, "/goods/new", form, times=3)

    assert [answer.status_code for answer in answers] == [302] * 3
    assert len({answer.location for answer in answers}) == 1
    assert (shop.count("restock"), shop.count("listing")) == (1, 1)


def test_of_two_people_who_give_the_same_line_back_at_once_one_does(panel: Panel, till: Till, talker: Talker) -> None:
    """The money goes back once; the other is told that it went."""
    shop, browser = till.shop, panel()
    listing, _ = shop.a_listing("A1", price=1000), shop.a_batch("A1", cards=3)
    placed = shop.place(talker, listing, 2)
    till.pay(placed)
    a_seat(browser, shop, shop.merchant, "owner")
    ((line,),) = shop.sql("SELECT id FROM order_line")
    path = f"/orders/{public(Prefix.ORDER, placed.order_id)}/refund"

    answers = pressed(browser, path, {"line": str(line)}, times=3)

    assert sorted(answer.status_code for answer in answers) == [302, 409, 409]
    assert shop.sql("SELECT sum(amount_minor) FROM refund") == [(2000,)]


def pressed(browser: Browser, path: str, form: Mapping[str, str], *, times: int) -> list[TestResponse]:
    """The answers to one form that is sent so many times in the same moment."""
    page, gate = browser.get(path).get_data(as_text=True), threading.Barrier(times, timeout=20)
    token, once = TOKEN.search(page), re.search(r'name="submission"[^>]*value="([^"]+)"', page)
    assert token is not None
    sent = {**form, "csrf_token": token[1] or token[2], **({"submission": once[1]} if once else {})}
    kept = [browser.client.get_cookie(name) for name in ("keystall_staff", "keystall_form")]

    def press(_: int) -> TestResponse:
        client = browser.app.test_client()
        for cookie in kept:
            assert cookie is not None
            client.set_cookie(cookie.key, cookie.value)
        gate.wait()
        return client.post(path, data=sent)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(press, range(times)))
