"""An order and a wallet on their follower's own page: paid, given up, decided about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from core.config import Config
from core.connections.chats import ChatAccount
from core.orders.service import expire_due
from tests.builders import Shop, Talker
from tests.support.chats import somebody
from tests.support.pages import a_link, a_wish, an_order, form_of, has, press
from tests.support.play_money import paid, pay_what_comes, until

Sql = Callable[..., list[tuple[Any, ...]]]


def test_paid_in_the_sandbox_the_same_page_shows_the_order_and_the_way_to_its_cards(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    path = a_wish(goods, follower)
    press(phone, path, "place")

    answer = paid(phone, path, sql, web_config)

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = phone.get(path).text
    assert 'data-state="paid"' in page
    assert "查看卡密" in page
    assert "sandbox-pay" not in page
    assert sql("SELECT state FROM shop_order") == [("paid",)]


def test_the_wallet_is_offered_where_it_covers_the_order_and_pays_once(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    assert not has(phone.get(an_order(goods, follower)[1]).text, "wallet-pay")
    wallet = press(phone, a_link(follower, "wallet"), "top-up", **{"top-up": "5000"})
    paid(phone, wallet.headers["location"], sql, web_config)
    path = an_order(goods, follower)[1]
    fields = form_of(phone.get(path).text, "wallet-pay")

    answers = [phone.post(path, data=fields) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert 'data-state="paid"' in phone.get(path).text
    assert "¥25.00" in phone.get(a_link(follower, "wallet")).text
    assert sql("SELECT count(*) FROM payment WHERE rail = 'wallet'") == [(1,)]


def test_an_order_is_given_up_by_a_press(phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql) -> None:
    path = an_order(goods, follower)[1]

    assert press(phone, path, "cancel").status_code == 303

    assert sql("SELECT state FROM shop_order") == [("cancelled",)]
    assert "已取消" in phone.get(path).text
    assert goods.card_states() == {"free": 10}


def test_the_page_of_another_followers_order_is_not_there(
    phone: httpx.Client, goods: Shop, official: ChatAccount, follower: Talker
) -> None:
    order, _ = an_order(goods, follower)
    other = somebody(goods, official, "o-other", now=datetime.now(UTC))

    for path in (a_link(other, "order", order=order), a_link(other, "order", order="ord_x"), a_link(other, "top_up")):
        assert phone.get(path).status_code == 404


def test_late_money_is_decided_about_on_the_page(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    """Fault 31."""
    path = an_order(goods, follower)[1]
    press_soon = form_of(phone.get(path).text, "sandbox-pay")
    threading.Thread(target=phone.post, args=(path,), kwargs={"data": press_soon}).start()
    until(sql, "SELECT 1 FROM payment")
    sql("UPDATE shop_order SET placed_at = now() - interval '1 hour', deadline = now() - interval '1 minute'")
    expire_due(now=datetime.now(UTC))
    sql("UPDATE batch SET state = 'locked', reason = 'test'")
    pay_what_comes(str(phone.base_url).rstrip("/"), sql, web_config)
    page = phone.get(path).text
    assert "您的付款来晚了" in page

    assert press(phone, path, "exchange").status_code == 303

    assert not has(phone.get(path).text, "exchange")
    assert sql("SELECT resolution FROM payment_event") == [("wallet",)]
    assert "¥25.00" in phone.get(a_link(follower, "wallet")).text


def test_the_state_answers_when_it_changes(phone: httpx.Client, goods: Shop, follower: Talker) -> None:
    path = a_wish(goods, follower)
    assert phone.get(f"{path}/state", params={"state": "x"}).json() == {"state": "unplaced"}
    fields = form_of(phone.get(path).text, "place")
    threading.Timer(0.4, phone.post, [path], {"data": fields}).start()

    assert phone.get(f"{path}/state", params={"state": "unplaced"}).json() == {"state": "awaiting_payment"}


def test_a_top_up_is_one_of_the_amounts_and_gets_a_page_of_its_own(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    path = a_link(follower, "wallet")
    assert "¥0.00" in phone.get(path).text

    made = press(phone, path, "top-up", **{"top-up": "10000"})
    refused = press(phone, path, "top-up", **{"top-up": "1"})

    assert made.status_code == 303
    assert refused.status_code == 422
    assert paid(phone, made.headers["location"], sql, web_config).status_code == 303
    assert 'data-state="topped_up"' in phone.get(made.headers["location"]).text
    assert "¥100.00" in phone.get(path).text
    assert sql("SELECT count(*) FROM payment") == [(1,)]


def test_a_top_up_that_was_paid_when_its_button_is_pressed_leads_to_its_page_and_is_paid_once(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    """It was an error page: the second press of a slow one met a payment that had succeeded."""
    made = press(phone, a_link(follower, "wallet"), "top-up", **{"top-up": "10000"})
    path = made.headers["location"]
    fields = form_of(phone.get(path).text, "sandbox-pay")
    paid(phone, path, sql, web_config)

    again = phone.post(path, data=fields)

    assert again.status_code == 303
    assert "¥100.00" in phone.get(a_link(follower, "wallet")).text
