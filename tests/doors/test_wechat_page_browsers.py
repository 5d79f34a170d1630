"""Where WeChat is not asked who opens a link, the link is the first browser's that presses something on its page."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.builders import Shop, Talker
from tests.support.pages import IN_WECHAT, a_link, a_wish, form_of, has, press
from tests.support.web import WebServer


@pytest.fixture
def stranger(web: WebServer) -> Iterator[httpx.Client]:
    """Another phone, to which a link was forwarded."""
    headers = {"User-Agent": IN_WECHAT, "Accept-Language": "zh-CN"}
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30, headers=headers) as client:
        yield client


def test_a_link_that_somebody_pressed_opens_in_no_other_browser(
    phone: httpx.Client, stranger: httpx.Client, goods: Shop, follower: Talker
) -> None:
    path = a_wish(goods, follower)
    looked = stranger.get(path)
    fields = form_of(looked.text, "place")

    pressed = press(phone, path, "place")
    answers = [stranger.get(path), stranger.get(f"{path}/state"), stranger.post(path, data=fields)]
    answers.append(stranger.post(f"{path}/cards", json={"key": "AAAA"}))

    assert (looked.status_code, pressed.status_code) == (200, 303)
    assert [answer.status_code for answer in answers] == [403] * 4
    assert "请回到公众号对话发送“菜单”或“取卡”，获取新的链接。" in answers[0].text
    assert all("商品 A1" not in answer.text and "¥" not in answer.text for answer in answers)
    assert phone.get(path).status_code == 200
    assert goods.count("shop_order") == 1


def test_opening_claims_nothing_whoever_does_it_first(
    phone: httpx.Client, stranger: httpx.Client, goods: Shop, follower: Talker
) -> None:
    """Fault 101."""
    path = a_wish(goods, follower)
    stranger.get(path)
    stranger.post(f"{path}/seen", json={"ios": False})

    assert goods.count("page_browser") == 0
    assert press(phone, path, "place").status_code == 303
    assert goods.count("page_browser") == 1


def test_another_link_of_the_same_chat_is_free(
    phone: httpx.Client, stranger: httpx.Client, goods: Shop, follower: Talker
) -> None:
    press(phone, a_wish(goods, follower), "place")

    assert has(stranger.get(a_wish(goods, follower)).text, "place")
    assert stranger.get(a_link(follower, "wallet")).status_code == 200


def test_a_browser_that_keeps_no_cookie_presses_nothing(phone: httpx.Client, goods: Shop, follower: Talker) -> None:
    path = a_wish(goods, follower)
    fields = form_of(phone.get(path).text, "place")
    phone.cookies.clear()

    answers = [phone.post(path, data=fields)]
    phone.cookies.set("keystall_browser", "x")
    answers.append(phone.post(path, data=fields))

    assert [answer.status_code for answer in answers] == [403, 403]
    assert goods.count("shop_order") == 0
    assert goods.count("page_browser") == 0


def test_the_browsers_cookie_is_its_own_and_scripts_cannot_read_it(
    phone: httpx.Client, stranger: httpx.Client, goods: Shop, follower: Talker
) -> None:
    path = a_wish(goods, follower)

    cookies = [client.get(path).headers["set-cookie"] for client in (phone, phone, stranger)]
    names = [cookie.partition(";")[0] for cookie in cookies]

    assert names[0] == names[1] != names[2]
    assert all("HttpOnly" in cookie and "samesite=lax" in cookie.lower() for cookie in cookies)
