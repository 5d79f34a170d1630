"""Memberships on pages: the checkout that may be shared, and a follower's own page, speak of no cards."""

from __future__ import annotations

from typing import Any

import httpx

from core.config import Config
from core.members.periods import Unit
from tests.builders import Shop, Sql, Talker
from tests.support.memberships import a_club
from tests.support.pages import a_link, press
from tests.support.play_money import paid
from tests.support.web import Chatter, WebServer


def in_state(sql: Sql, delivery: str) -> None:
    """The order is paid, and its delivery as far as this."""
    sql("UPDATE shop_order SET state = 'paid', paid_minor = total_minor, paid_at = now()")
    sql("DELETE FROM delivery")
    sql(
        "INSERT INTO delivery (line_id, order_id, state, created_at, delivered_at)"
        " SELECT id, order_id, %s, now(), CASE %s WHEN 'delivered' THEN now() END FROM order_line",
        [delivery, delivery],
    )


def checkout_of(screen: dict[str, Any]) -> str:
    (link,) = [option["url"] for option in screen["options"] if "url" in option]
    return str(link[link.index("/pay/") :])


def test_the_checkout_of_a_membership_says_what_comes_of_it(web: WebServer, goods: Shop, sql: Sql) -> None:
    a_club(goods).goods("F1", 1, Unit.MONTH)
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30) as http:
        path = checkout_of(Chatter(web.url).place("买 F1"))
        pages = [http.get(path).text]
        for delivery in ("ready", "delivered"):
            in_state(sql, delivery)
            pages.append(http.get(path).text)

    unpaid, begins, active = pages
    assert "别人也可以在这个页面代付，会员归在聊天里下单的人。" in unpaid
    assert "谢谢，会员马上到账。" in begins
    assert "会员已到账，在聊天里发送“会员”可查看到期时间。" in active
    assert all("取卡密" not in page and "卡密已" not in page for page in pages)


def test_a_followers_own_page_shows_no_way_to_cards(
    phone: httpx.Client, goods: Shop, follower: Talker, sql: Sql, web_config: Config
) -> None:
    listing = a_club(goods).goods("F1", 1, Unit.MONTH)
    path = a_link(follower, "checkout", listing=listing, quantity=1, version=1, price=1500, code="F1")
    before = phone.get(path).text
    assert "付款后立即到账，在聊天里发送“会员”可查看到期时间。" in before
    assert "现货" not in before
    press(phone, path, "place")

    paid(phone, path, sql, web_config)
    page = phone.get(path).text
    in_state(sql, "delivered")
    done = phone.get(path).text

    assert 'data-state="paid"' in page
    assert 'data-state="delivered"' in done
    assert "查看卡密" not in page + done
    assert "会员已到账，在聊天里发送“会员”可查看到期时间。" in done
