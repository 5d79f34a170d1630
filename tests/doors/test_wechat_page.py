"""The page of a chat's link: what opening it never does, what it shows before an order, placing once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from core.conversations.buttons import mint_buttons
from tests.builders import Shop, Talker
from tests.support.pages import IN_WECHAT, ON_IPHONE, a_link, a_wish, an_order, form_of, has, press

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.mark.parametrize("kind", ["checkout", "order", "wallet"])
def test_opening_as_previews_robots_and_scanners_do_changes_nothing(
    phone: httpx.Client, goods: Shop, follower: Talker, kind: str
) -> None:
    """Fault 101."""
    paths = {"checkout": a_wish(goods, follower), "order": an_order(goods, follower)[1]}
    path = paths.get(kind) or a_link(follower, "wallet")
    before = goods.fingerprint()

    for method in ("GET", "HEAD", "GET"):
        for agent in (IN_WECHAT, ON_IPHONE, "facebookexternalhit/1.1", ""):
            answer = phone.request(method, path, headers={"User-Agent": agent})
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"

    assert goods.fingerprint() == before


@pytest.mark.parametrize("kind", ["unknown", "malformed", "over", "button", "web chat"])
def test_what_is_no_link_is_one_quiet_page_that_says_what_to_send(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, kind: str
) -> None:
    path = a_wish(goods, follower)
    if kind == "unknown":
        path = "/w/AAAAAAAAAAAAAAAAAAAAAA"
    if kind == "malformed":
        path = "/w/x%00y"
    if kind == "over":
        sql("UPDATE button SET created_at = now() - interval '1 hour', expires_at = now() - interval '1 second'")
    if kind == "button":
        named = {"conversation_id": follower.conversation_id, "now": datetime.now(UTC)}
        (token,) = mint_buttons(intents=[("home", {})], **named)
        path = f"/w/{token}"
    if kind == "web chat":
        path = a_wish(goods, goods.a_shopper())

    answers = [phone.get(path), phone.post(path, data={"place": "1"}), phone.get(f"{path}/state")]
    answers.append(phone.post(f"{path}/cards", json={"key": ""}))

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert "链接已失效" in answers[0].text
    assert "菜单" in answers[0].text
    assert "取卡" in answers[0].text
    assert "商品 A1" not in answers[0].text
    assert goods.count("shop_order") == 0


def test_nothing_of_the_link_or_its_follower_stands_where_it_does_not_belong(
    phone: httpx.Client, goods: Shop, follower: Talker
) -> None:
    page = phone.get(a_wish(goods, follower)).text

    for secret in ("o-follower", str(follower.identity_id), str(follower.conversation_id), "A9A9"):
        assert secret not in page


def test_the_page_shows_goods_price_total_delivery_and_holds_nothing(
    phone: httpx.Client, goods: Shop, follower: Talker
) -> None:
    page = phone.get(a_wish(goods, follower, quantity=2)).text

    assert "商品 A1" in page
    assert "¥25.00" in page
    assert "¥50.00" in page
    assert "付款后几秒内在本页显示" in page
    assert has(page, "place")
    assert "价格已更新" not in page
    assert goods.card_states() == {"free": 10}


def test_quantity_changes_by_a_plain_form_and_stays_within_what_can_be_ordered(
    phone: httpx.Client, goods: Shop, follower: Talker
) -> None:
    """Fault 54."""
    path = a_wish(goods, follower)

    for asked, total in [("3", "¥75.00"), ("0", "¥25.00"), ("-1", "¥25.00"), ("1e3", "¥25.00"), ("１", "¥25.00"),
                         ("9999", "¥2,500.00")]:  # fmt: skip
        assert total in phone.get(path, params={"quantity": asked}).text, asked
    assert form_of(phone.get(path, params={"quantity": "3"}).text, "place")["quantity"] == "3"


def test_the_price_of_now_counts_and_the_page_says_that_it_is_another(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql
) -> None:
    """Fault 41."""
    path = a_wish(goods, follower, price=2000)

    page = phone.get(path).text

    assert "价格已更新：原价 ¥20.00，现价 ¥25.00。" in page
    assert "¥25.00" in page


def test_a_price_that_changes_while_the_page_is_open_is_shown_and_not_charged(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql
) -> None:
    """Fault 41."""
    path = a_wish(goods, follower)
    fields = form_of(phone.get(path).text, "place")
    sql("UPDATE listing SET price_minor = 3000, version = version + 1")

    answer = phone.post(path, data=fields)

    assert answer.status_code == 409
    assert "价格" in answer.text
    assert "¥30.00" in answer.text
    assert goods.count("shop_order") == 0
    assert press(phone, path, "place").status_code == 303
    assert sql("SELECT total_minor FROM shop_order") == [(3000,)]


def test_a_coupon_that_was_named_is_not_used_and_the_page_says_so(
    phone: httpx.Client, goods: Shop, follower: Talker
) -> None:
    page = phone.get(a_wish(goods, follower, coupon="SAVE5<b>")).text

    assert "优惠券还没有开放" in page
    assert "SAVE5&lt;b&gt;" in page


def test_paying_places_one_order_however_often_and_at_once_it_is_pressed(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql
) -> None:
    """Fault 39: pressed ten times at once, and with another quantity, it is one order."""
    path = a_wish(goods, follower)
    fields = form_of(phone.get(path).text, "place")

    with ThreadPoolExecutor(10) as pool:
        wanted = [{**fields, "quantity": str(1 + number % 2)} for number in range(10)]
        answers = list(pool.map(lambda data: phone.post(path, data=data), wanted))

    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} == {path}
    assert goods.count("shop_order") == 1
    page = phone.get(path).text
    assert "等待付款" in page
    assert has(page, "sandbox-pay")
    assert not has(page, "place")
    assert sql("SELECT conversation_id FROM shop_order") == [(follower.conversation_id,)]


def test_control_two_links_make_two_orders(phone: httpx.Client, goods: Shop, follower: Talker) -> None:
    for _ in range(2):
        assert press(phone, a_wish(goods, follower), "place").status_code == 303

    assert goods.count("shop_order") == 2


def test_a_form_that_is_not_of_this_page_is_refused(phone: httpx.Client, goods: Shop, follower: Talker) -> None:
    path, other = a_wish(goods, follower), a_wish(goods, follower)
    fields = form_of(phone.get(other).text, "place")

    assert phone.post(path, data=fields).status_code == 403
    assert phone.post(path, data={"place": "1"}).status_code == 403
    assert phone.post(path, data={**form_of(phone.get(path).text, "place"), "quantity": "x"}).status_code == 422
    assert goods.count("shop_order") == 0


def test_sold_out_goods_cannot_be_pressed_and_a_late_press_is_told_so(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql
) -> None:
    path = a_wish(goods, follower)
    fields = form_of(phone.get(path).text, "place")
    sql("UPDATE batch SET state = 'locked', reason = 'test'")

    late = phone.post(path, data=fields)

    assert late.status_code == 409
    assert "err_" in late.text
    assert not has(phone.get(path).text, "place")
    assert "售罄" in phone.get(path).text
    assert goods.count("shop_order") == 0


def test_goods_that_are_no_longer_sold_say_so(phone: httpx.Client, goods: Shop, follower: Talker) -> None:
    page = phone.get(a_link(follower, "checkout", listing=999999, code="Z9", quantity=1, version=1, price=1)).text

    assert "已经下架" in page
    assert not has(page, "place")
