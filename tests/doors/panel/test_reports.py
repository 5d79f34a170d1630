"""Reports as merchants, suppliers and the platform see them: each its own figures, whatever an address says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from admin.reports.ranges import chosen
from core import db
from core.clock import FixedClock
from core.parties.rules import Role
from core.reports.rollup import roll_up
from tests.builders import Shop
from tests.support.dialog import pay_and_deliver
from tests.support.panel import Browser, signed_in
from tests.support.trade import a_chain

Panel = Callable[[], Browser]
ZONE = "Asia/Shanghai"


@pytest.fixture
def sold(shop: Shop, urls: dict[str, str]) -> Shop:
    """Two cards through a chain today, three own ones yesterday at noon, rolled up."""
    a_chain(shop, cards=20)
    shop.a_listing("C1", price=900)
    shop.a_batch("C1", cards=20, unit_cost_micro=4_000_000)
    now = datetime.now(UTC)
    for code, quantity, at in (("A1", 2, now), ("C1", 3, now - timedelta(days=1))):
        order = shop.place(shop.a_shopper(), shop.a_listing(code), quantity, now=at).order_id
        pay_and_deliver(shop, FixedClock(at), order)
    db.connect(urls["worker"], size=2)
    while roll_up(zone=ZONE, now=now):
        pass
    db.connect(urls["shop"], size=4)
    return shop


def text(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def test_a_merchant_sees_what_it_sold_and_what_is_left_of_it(panel: Panel, sold: Shop) -> None:
    """Figures beside those of the days before, own and consigned goods apart, and the orders behind a figure."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)

    page = text(owner, "/reports/")
    assert "CN¥66.80" in page  # 39.80 + 27.00
    assert "+47.4%" in text(owner, "/reports/?range=today")
    goods = text(owner, "/reports/goods?by=quantity")
    assert goods.index("C1") < goods.index("A1")
    composed = text(owner, "/reports/profit")
    for called, profit in (("Consigned", "CN¥7.01"), ("Own cards and services", "CN¥14.73"), ("Together", "CN¥21.74")):
        assert re.search(rf"{called}.{{0,40}}</th>.{{0,900}}>{profit}<", composed), called
    assert "dist1" in text(owner, "/reports/suppliers")
    for further in ("brand1", "agent1"):
        assert further not in text(owner, "/reports/suppliers")
    assert "Web chat" in text(owner, "/reports/channels")
    today = datetime.now(UTC).astimezone(ZoneInfo(ZONE)).date().isoformat()
    behind = text(owner, f"/reports/orders?range=custom&since={today}&until={today}")
    assert behind.count("ord_") == 1
    assert "CN¥39.80" in behind


def test_a_supplier_sees_its_own_hop_and_nothing_of_the_shop(panel: Panel, sold: Shop) -> None:
    """INV-T3, INV-T4: what it earned of its buyer; no shop's price or profit, no other party, no page of selling."""
    stock = signed_in(panel, "stock@agent.test", sold.a_party("agent1"), Role.STOCK)

    page = text(stock, "/earned/")

    assert "CN¥1.20" in page  # 2 × (15.60 − 15.00)
    assert "dist1" in page
    for foreign in ("brand1", "39.80", "7.01", "demo@", "Goods C1"):
        assert foreign not in page, foreign
    assert {stock.get(f"/reports/{one}").status_code for one in ("", "goods", "profit", "channels", "orders")} == {404}


def test_who_answers_shoppers_is_not_told_the_profit_and_another_merchant_nothing(panel: Panel, sold: Shop) -> None:
    """INV-T1: roles see what is theirs; a foreign shop's figures are not there, whatever the address names."""
    support = signed_in(panel, "support@demo.test", sold.merchant, Role.SUPPORT)
    stranger = signed_in(panel, "catalog@other.test", sold.a_party("other"), Role.CATALOG)

    assert "Profit" not in text(support, "/reports/").split("<main", 1)[1].split("</nav>", 1)[1]
    assert support.get("/reports/profit").status_code == 404
    for path in ("/reports/", "/reports/goods", "/reports/channels"):
        page = text(stranger, f"{path}?merchant={sold.merchant}&range=30")
        assert "Nothing was sold" in page
        assert "66.80" not in page


def test_junk_in_the_address_of_a_report_is_answered_calmly(panel: Panel, sold: Shop) -> None:
    """Fault 56: whatever days, currency, filters or page an address names; a wrong range says so."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)
    pages = ["/reports/", "/reports/goods", "/reports/orders"]

    for junk in ("%00", "x", "-1", "1e99", "99999999999999999999", "٣", "'"):
        asked = f"range={junk}&currency={junk}&merchant={junk}&by={junk}&listing={junk}&page={junk}&channel={junk}"
        assert {owner.get(f"{path}?{asked}&supplier={junk}").status_code for path in pages} == {200}, junk
        assert "These are the last 7 days" in text(owner, f"/reports/?range=custom&since={junk}&until={junk}")
    assert "At most 366 days" in text(owner, "/reports/?range=custom&since=2020-01-01&until=2026-01-01")


def test_the_platform_sees_every_merchant_apart(panel: Panel, sold: Shop) -> None:
    operator = signed_in(panel, "op@platform.test", sold.platform, Role.PLATFORM_OPERATOR)

    page = text(operator, "/reports/")

    assert "By merchant" in page
    assert f"merchant={sold.merchant}" in page
    assert "CN¥66.80" in text(operator, f"/reports/?merchant={sold.merchant}")
    assert "Nothing was sold" in text(operator, "/reports/?merchant=999999")


@pytest.mark.parametrize(("kind", "role"), [("merchant", Role.OWNER), ("supplier", Role.OWNER), ("platform", None)])
def test_before_anything_was_sold_every_report_opens_and_says_so(
    panel: Panel, shop: Shop, kind: str, role: Role | None
) -> None:
    party = shop.platform if kind == "platform" else shop.a_party("new", kind=kind)
    browser = signed_in(panel, "new@demo.test", party, role or Role.PLATFORM_OWNER)
    pages = {
        rule.rule for rule in browser.app.url_map.iter_rules()
        if rule.endpoint.startswith(("reports.", "earned.")) and "GET" in (rule.methods or set()) and not rule.arguments
    }  # fmt: skip

    answers = {page: browser.get(page).status_code for page in pages}

    assert set(answers.values()) <= {200, 302, 404}, answers
    assert list(answers.values()).count(200) >= 1


def test_days_are_compared_with_as_many_before() -> None:
    today = datetime(2026, 3, 30, tzinfo=UTC).date()

    def stretch(**given: str) -> tuple[str, str, str, str]:
        one = chosen(given, today)
        return tuple(day.isoformat()[5:] for day in (one.first, one.last, one.before.first, one.before.last))  # type: ignore[return-value]

    assert stretch() == ("03-24", "03-30", "03-17", "03-23")
    assert stretch(range="today") == ("03-30", "03-30", "03-29", "03-29")
    assert stretch(range="month") == ("03-01", "03-30", "02-01", "02-28")
    assert stretch(range="custom", since="2026-02-01", until="2026-02-03") == ("02-01", "02-03", "01-29", "01-31")


def test_the_first_page_shows_the_last_seven_days_of_whoever_looks(panel: Panel, sold: Shop) -> None:
    """A bar a day from roll-ups, with words for who cannot see it: a merchant its sales, a supplier what it earned."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)
    stock = signed_in(panel, "stock@agent.test", sold.a_party("agent1"), Role.STOCK)
    stranger = signed_in(panel, "owner@other.test", sold.a_party("other"), Role.OWNER)

    told, earned, foreign = (text(one, "/") for one in (owner, stock, stranger))

    assert "Sold in 7 days" in told
    assert "CN¥66.80" in told
    assert told.count("<rect") - foreign.count("<rect") == 7
    assert "Earned in 7 days" in earned
    assert "CN¥1.20" in earned
    assert "39.80" not in earned
    assert "Sold in 7 days" not in foreign
    assert "payments that fit no order yet" in told


def test_a_shop_that_sold_nothing_has_every_report(panel: Panel, sold: Shop) -> None:
    """No figure has a currency then; each page says what to do instead of refusing."""
    owner = signed_in(panel, "owner@other.test", sold.a_party("other"), Role.OWNER)

    for path in ("", "goods", "profit", "channels", "suppliers"):
        assert "Nothing was sold" in text(owner, f"/reports/{path}"), path
    assert "No order was paid" in text(owner, "/reports/orders")
