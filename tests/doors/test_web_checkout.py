"""The checkout page: what it shows and never shows, its button, its states; and the gateways' callbacks."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from core.config import Config
from core.ids import Prefix, new_id, parse, public
from tests.builders import Shop
from tests.support.play_money import ACCOUNT, a_notice
from tests.support.web import Chatter, WebServer

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def chatter(web: WebServer) -> Chatter:
    return Chatter(web.url)


@pytest.fixture
def http(web: WebServer) -> Iterator[httpx.Client]:
    """A browser's requests, redirects not followed."""
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30) as client:
        yield client


def path_of(paid: dict[str, Any]) -> str:
    (link,) = [option["url"] for option in paid["options"] if "url" in option]
    return str(link[link.index("/pay/") :])


def fields_of(page: str) -> dict[str, str]:
    """The form as a program reads it: hidden fields and the button."""
    form = re.search(r'<form method="post".*?</form>', page, re.DOTALL)
    assert form is not None
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0]))
    (button,) = re.findall(r'<button[^>]* name="(sandbox-pay)"', form[0])
    return {**hidden, button: "1"}


def test_the_page_shows_amount_lines_and_deadline_and_neither_cards_nor_who_ordered(
    chatter: Chatter, http: httpx.Client, sql: Sql
) -> None:
    page = http.get(path_of(chatter.place("买 A1 2"))).text

    assert "¥50.00" in page
    assert "商品 A1" in page
    assert "sandbox-pay" in page
    for shopper, identity in sql("SELECT shopper_id, id FROM identity"):
        assert public(Prefix.SHOPPER, shopper) not in page
        assert str(identity) not in page
    assert "A9A9" not in page


def test_looking_as_robots_do_changes_nothing(chatter: Chatter, http: httpx.Client, goods: Shop) -> None:
    """Fault 101."""
    path = path_of(chatter.place())
    before = goods.fingerprint()

    for method in ("GET", "HEAD", "GET"):
        assert http.request(method, path).status_code == 200

    assert goods.fingerprint() == before


def test_pressing_the_button_asks_the_worker_and_leads_back_to_the_page(
    chatter: Chatter, http: httpx.Client, sql: Sql, web_config: Config
) -> None:
    path = path_of(chatter.place("买 A1 1"))
    fields = fields_of(http.get(path).text)

    def the_worker() -> None:
        while not (rows := sql("SELECT id FROM payment")):
            time.sleep(0.02)
        body, headers = a_notice(web_config, rows[0][0])
        httpx.post(
            f"{str(http.base_url).rstrip('/')}/hooks/pay/sandbox/{ACCOUNT}",
            content=body,
            headers=headers,
            trust_env=False,
        )

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(the_worker)
        began = time.monotonic()
        answer = http.post(path, data=fields)
        took = time.monotonic() - began
        working.result()

    assert answer.status_code == 303
    assert answer.headers["location"].endswith(path)
    assert took < 4
    page = http.get(path).text
    assert "sandbox-pay" not in page
    assert 'data-state="paid"' in page


def test_pressing_without_a_worker_comes_back_after_five_seconds_and_says_that_it_is_being_confirmed(
    chatter: Chatter, http: httpx.Client
) -> None:
    path = path_of(chatter.place("买 A1 1"))

    began = time.monotonic()
    answer = http.post(path, data=fields_of(http.get(path).text))

    assert answer.status_code == 303
    assert 4.5 < time.monotonic() - began < 8
    assert "正在确认付款" in http.get(path).text


def test_a_press_that_does_not_come_from_the_page_is_refused(chatter: Chatter, http: httpx.Client, goods: Shop) -> None:
    path = path_of(chatter.place("买 A1 1"))

    assert http.post(path, data={"sandbox-pay": "1"}).status_code == 403
    assert http.post(path, data={"sandbox-pay": "1", "check": "0" * 32}).status_code == 403
    assert http.post(path, data={"check": "x"}).status_code == 422
    assert goods.count("payment") == 0


def test_the_state_answers_at_once_when_it_is_news_and_waits_when_it_is_not(
    chatter: Chatter, http: httpx.Client
) -> None:
    paid = chatter.place("买 A1 1")
    path = path_of(paid)
    assert http.get(f"{path}/state", params={"state": "paid"}).json() == {"state": "awaiting_payment"}
    cancel = next(option["action"] for option in paid["options"] if "取消" in option["label"])
    threading.Timer(0.4, chatter.act, [cancel]).start()

    answer = http.get(f"{path}/state", params={"state": "awaiting_payment"})

    assert answer.json() == {"state": "cancelled"}
    assert "已取消" in http.get(path).text


def test_after_the_deadline_nothing_can_be_pressed(chatter: Chatter, http: httpx.Client, sql: Sql) -> None:
    paid = chatter.place("买 A1 1")
    path = path_of(paid)
    fields = fields_of(http.get(path).text)
    sql("UPDATE shop_order SET placed_at = now() - interval '1 hour', deadline = now() - interval '1 minute'")

    assert http.post(path, data=fields).status_code == 303
    page = http.get(path).text
    assert "付款时间已过" in page
    assert "sandbox-pay" not in page
    assert sql("SELECT count(*) FROM payment") == [(0,)]


@pytest.mark.parametrize("kind", ["pay", "topup"])
def test_pressing_at_an_unknown_token_is_404_as_looking_is(http: httpx.Client, kind: str) -> None:
    for fields in ({}, {"check": "x"}, {"sandbox-pay": "1"}):
        assert http.post(f"/{kind}/AAAAAAAAAAAAAAAAAAAAAA", data=fields).status_code == 404, fields


@pytest.mark.parametrize("path", ["/pay/", "/pay/AAAAAAAAAAAAAAAAAAAAAA", "/pay/%00", "/pay/ord_x/state", "/pay/a/b/c"])
def test_an_unknown_token_is_404_in_the_shops_look_with_an_error_id(http: httpx.Client, path: str) -> None:
    answer = http.get(path)

    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]
    assert "err_" in answer.text


def test_a_callback_nobody_signed_is_401_and_changes_nothing(
    chatter: Chatter, http: httpx.Client, goods: Shop, web_config: Config
) -> None:
    """Fault 24."""
    order = parse(Prefix.ORDER, chatter.place("买 A1 1")["order"])
    body, headers = a_notice(web_config, order)
    before = goods.fingerprint()

    for changed_body, changed_headers in [(body, {}), (body[:-1] + b" ", headers), (b"", headers), (b"\xff", headers)]:
        answer = http.post(f"/hooks/pay/sandbox/{ACCOUNT}", content=changed_body, headers=changed_headers)
        assert answer.status_code == 401

    assert goods.fingerprint() == before


def test_an_authentic_callback_for_nothing_we_know_is_booked_to_suspense_and_answered_success(
    http: httpx.Client, sql: Sql, web_config: Config
) -> None:
    body, headers = a_notice(web_config, new_id())

    answer = http.post(f"/hooks/pay/sandbox/{ACCOUNT}", content=body, headers=headers)

    assert (answer.status_code, answer.text) == (200, "success")
    assert sql("SELECT booked_to FROM payment_event") == [("suspense",)]


def test_callback_addresses_of_nobody_are_404_and_large_bodies_413(http: httpx.Client) -> None:
    for path in (
        "/hooks/pay/sandbox/",
        "/hooks/pay/nothing/x",
        "/hooks/telegram/x",
        "/hooks/supply/a/b",
        "/hooks/wechat/x",
    ):
        answer = http.post(path, content=b"{}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("application/problem+json"), path
    assert http.post(f"/hooks/pay/sandbox/{ACCOUNT}", content=b"x" * 70_000).status_code == 413
