"""The checkout page of a top-up by hand: it asks before it takes money, and never shows again what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from core.actor import OPERATOR
from core.catalog.fields import set_fields
from core.db import connection
from tests.builders import Shop
from tests.flows.test_buyer_fields import FIELDS, PASSWORD
from tests.support.web import Chatter, WebServer


@pytest.fixture
def page(web: WebServer, goods: Shop, sql: Callable[..., Any]) -> str:
    """The page of an order for a top-up by hand, placed in the web chat."""
    sql("UPDATE product SET kind = 'manual_top_up'")
    with connection():
        set_fields(actor=OPERATOR, sku_id=goods.a_sku("A1"), fields=FIELDS, now=datetime.now(UTC))
    paid = Chatter(web.url).place("买 A1 1")
    assert "请先在页面填写充值账号再付款" in paid["text"]
    address = str(next(option["url"] for option in paid["options"] if "url" in option))
    return web.url + urlsplit(address).path


def form_in(page: str) -> dict[str, str]:
    """The form's hidden fields, and its inputs by type."""
    check = re.findall(r'name="check" value="([^"]+)"', page)[0]
    inputs = dict(re.findall(r'name="([0-9a-f-]{36}:\w+)" type="(text|password)"', page))
    return {"check": check, **{kind: name for name, kind in inputs.items()}}


def test_a_top_up_is_asked_for_its_account_before_it_is_paid_and_shows_nothing_of_it_again(
    page: str, sql: Callable[..., Any]
) -> None:
    """INV-K1: what is secret is sealed at the door and stands on no page, in no table."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        asked = http.get(page)
        form = form_in(asked.text)
        assert "登录密码" in asked.text
        assert "sandbox-pay" not in asked.text
        typed = {"fields": "1", form["text"]: "10001", form["password"]: PASSWORD}

        foreign = http.post(page, data=typed)
        wrong = http.post(page, data=typed | {"check": form["check"], form["text"]: "ten"})
        kept_then = sql("SELECT count(*) FROM line_field")
        kept = http.post(page, data=typed | {"check": form["check"]})
        after = http.get(page)

    assert (foreign.status_code, wrong.status_code, kept.status_code) == (403, 422, 303)
    assert kept_then == [(0,)]
    assert "填写内容有误" in wrong.text
    assert PASSWORD not in wrong.text + after.text
    assert after.text.count("已保存") == 2
    assert "sandbox-pay" in after.text
    rows = sql("SELECT name, text, sealed IS NOT NULL FROM line_field ORDER BY name")
    assert rows == [("account", "10001", False), ("password", None, True)]
    assert sql("SELECT gate FROM order_line") == [("task",)]
