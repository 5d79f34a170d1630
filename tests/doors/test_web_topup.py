"""A wallet is topped up from the chat: its page, the button, and what it refuses."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from core import db
from core.money import Money
from core.orders.service import OrderPolicy
from core.payments.service import book
from core.ports import Notice, RawNotice
from tests.support.web import Chatter, WebServer

ACCOUNT = "sandbox-account-0001"


@pytest.fixture
def chatter(web: WebServer) -> Chatter:
    return Chatter(web.url)


@pytest.fixture
def page(chatter: Chatter, web: WebServer) -> str:
    """The address of the page of a top-up of 50.00 that the shopper chose in the chat."""
    (wallet,) = chatter.say("钱包")
    (asked,) = chatter.act(wallet["options"][0]["action"])
    (link,) = [option["url"] for option in asked["options"] if "url" in option]
    return web.url + link[link.index("/topup/") :]


def get(address: str) -> httpx.Response:
    return httpx.get(address, trust_env=False)


def form(html: str) -> dict[str, str]:
    """The hidden fields of the sandbox's form, with its button."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)) | {"sandbox-pay": "1"}


def the_money_comes(sql) -> None:
    """What the worker's notice does, as soon as the button was pressed."""
    while not sql("SELECT 1 FROM keystall_task WHERE convert_from(data, 'UTF8') LIKE '%%sandbox_pay%%'"):
        time.sleep(0.02)
    payment = UUID(str(sql("SELECT id FROM payment")[0][0]))
    notice = Notice("sbx_1", "paid", payment, Money(5000, "CNY"), ACCOUNT)
    with db.connection():
        book(
            gateway="sandbox",
            opaque_id=ACCOUNT,
            notice=notice,
            raw=RawNotice(b"{}", {}),
            policy=OrderPolicy(),
            now=datetime.now(UTC),
        )


def test_the_page_of_a_top_up_shows_its_amount_and_the_button(page: str) -> None:
    answer = get(page)

    assert answer.status_code == 200
    assert "50.00" in answer.text
    assert 'name="sandbox-pay"' in answer.text


def test_the_page_of_a_top_up_speaks_of_a_wallet_and_not_of_an_order_or_cards(page: str) -> None:
    html = re.sub(r"<script.*?</script>", "", get(page).text, flags=re.DOTALL)  # every sentence of the pages is there

    assert "钱包充值" in html
    assert "支付单号" in html
    assert "款项会存入发起充值的对话的钱包" in html
    for word in ("订单", "卡密只会", "× 1"):
        assert word not in html


def test_pressing_the_button_shows_the_wallet_filled_once_the_money_came(page: str, chatter: Chatter, sql) -> None:
    payer = threading.Thread(target=the_money_comes, args=(sql,))
    payer.start()

    shown = httpx.post(page, data=form(get(page).text), trust_env=False, follow_redirects=True, timeout=20)
    payer.join()

    assert shown.status_code == 200
    assert 'data-state="topped_up"' in shown.text
    assert 'name="sandbox-pay"' not in shown.text
    assert any("50.00" in screen["text"] for screen in chatter.read()["screens"])
    assert get(f"{page}/state?state=awaiting_payment").json() == {"state": "topped_up"}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"check": "of another page", "sandbox-pay": "1"}, 403, id="another page's check"),
        pytest.param({"sandbox-pay": "1"}, 403, id="no check"),
        pytest.param({"check": "x"}, 422, id="no button"),
    ],
)
def test_a_form_that_is_not_ours_pays_nothing(page: str, sql, fields: dict[str, str], status: int) -> None:
    queued = sql("SELECT count(*) FROM keystall_task")

    answer = httpx.post(page, data=fields, trust_env=False)

    assert answer.status_code == status
    assert sql("SELECT count(*) FROM keystall_task") == queued


def test_a_token_that_was_not_made_here_leads_nowhere(page: str, web: WebServer) -> None:
    token = page.rsplit("/", 1)[1]
    flipped = token[:-2] + ("AA" if token[-2:] != "AA" else "BA")

    for wrong in (flipped, token[:-1], token + "A", "x", "%00", "钱"):
        assert get(f"{web.url}/topup/{wrong}").status_code == 404
        assert get(f"{web.url}/topup/{wrong}/state").status_code == 404
