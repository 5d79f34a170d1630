"""On iOS the page says one sentence and nothing else, where its merchant keeps to the platform's rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from core.connections.chats import ChatAccount
from tests.builders import Shop, Talker
from tests.support.pages import IN_WECHAT, ON_IPHONE, a_link, a_wish, an_order, has, press

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.mark.parametrize("rule", ["strict", "learned", None])
@pytest.mark.parametrize("kind", ["checkout", "order", "wallet"])
def test_on_ios_the_page_says_one_sentence_and_nothing_else(
    phone: httpx.Client, goods: Shop, official: ChatAccount, follower: Talker, sql: Sql, rule: str | None, kind: str
) -> None:
    setting = json.dumps({} if rule is None else {"ios_rule": rule})
    sql("UPDATE chat_account SET settings = settings - 'ios_rule' || %s::jsonb", [setting])
    paths = {"checkout": a_wish(goods, follower), "order": an_order(goods, follower)[1]}
    path = paths.get(kind) or a_link(follower, "wallet")
    before = goods.count("shop_order")

    answer = phone.get(path, headers={"User-Agent": ON_IPHONE})

    assert answer.status_code == 200
    main = answer.text.partition("<main")[2].partition("<script")[0]
    text = main.replace(path, "/w/LINK")  # a link is random: it may have these signs in it
    assert "由于相关规范，iOS功能暂不可用" in text
    for forbidden in ("¥", "A1", "<button", "<a ", "付款", "<form"):
        assert forbidden not in text
    pressed = phone.post(path, data={"place": "1"}, headers={"User-Agent": ON_IPHONE})
    assert "iOS功能暂不可用" in pressed.text
    assert goods.count("shop_order") == before


def test_where_the_rule_is_off_ios_sees_what_others_see(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql
) -> None:
    sql("""UPDATE chat_account SET settings = settings || '{"ios_rule": "off"}'""")

    assert has(phone.get(a_wish(goods, follower), headers={"User-Agent": ON_IPHONE}).text, "place")


def test_where_wechat_is_not_asked_a_visit_says_that_it_was_ios_and_never_that_it_was_not(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql
) -> None:
    """A link that is forwarded to another phone must not bring prices into the chat of somebody with an iPhone."""
    path = a_wish(goods, follower)
    seen = "SELECT is_ios FROM identity_device WHERE identity_id = %s"
    steps = []

    for agent, hint in [(IN_WECHAT, False), (ON_IPHONE, False), (IN_WECHAT, False), (IN_WECHAT, True)]:
        answer = phone.post(f"{path}/seen", json={"ios": hint}, headers={"User-Agent": agent})
        assert answer.status_code == 204
        steps.append(sql(seen, [follower.identity_id]))
    press(phone, path, "place")
    steps.append(sql(seen, [follower.identity_id]))

    assert steps == [[], [(True,)], [(True,)], [(True,)], [(True,)]]
    assert phone.post(f"{path}/seen", content=b"x").status_code == 204
    assert phone.post("/w/AAAAAAAAAAAAAAAAAAAAAA/seen", json={}).status_code == 404
