"""The first page: which suppliers fail, and which payment notices went wrong, each told to whom it is for."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from admin import today
from admin.reading import panel_db, reading
from core.ids import new_id
from core.parties.rules import Role
from core.payments.service import forged_this_hour, receive_notice
from core.ports import Notice, RawNotice, Unauthentic
from tests.builders import Shop
from tests.support.panel import Browser
from tests.support.seated import a_seat
from tests.support.till import CountingCounter

ZONE = ZoneInfo("Asia/Shanghai")  # of the panel in tests: a day of a roll-up is one of its wall's clock
Panel = Callable[[], Browser]
ROW = re.compile(
    r'<strong class="row-count num">(.*?)</strong>\s*<span class="row-main">(.*?)</span>\s*(?:<a [^>]*href="([^"]+)")?'
)
ILL = "suppliers whose goods could not be delivered in 7 days"
OVERDUE = "payment notices that were not decided about in time"
FORGED = "payment notices in this hour that no gateway signed"


class Nobody:
    """A verifier to which nothing is authentic."""

    def verify(self, raw: RawNotice, *, opaque_id: str) -> Notice:
        """Refuse."""
        raise Unauthentic(opaque_id)


def seated(panel: Panel, shop: Shop, party: int, role: Role) -> Browser:
    """Somebody of a party with one role."""
    browser = panel()
    a_seat(browser, shop, party, role)
    return browser


def waiting(browser: Browser) -> dict[str, tuple[str, str]]:
    """What waits: how many of what, and where it is seen ('' where nothing waits)."""
    told = browser.get("/").get_data(as_text=True)
    return {called: (count, url) for count, called, url in ROW.findall(told)}


def a_day(shop: Shop, listing: int, supplier: int, *, failed: int, ago: int = 0) -> None:
    """A day of the roll-up: goods of a listing that came from a supplier (0: own ones)."""
    values: list[Any] = [datetime.now(ZONE).date() - timedelta(days=ago), supplier, failed, listing]
    shop.sql(
        "INSERT INTO report_sale SELECT merchant_id, %s, id, 'web', 'owned', %s, 'CNY', sku_id, 9, 9, 500, 0, 500,"
        " 0, 0, 0, 0, 500, 0, 5, 5, 5, 5, 5, %s FROM listing WHERE id = %s",
        values,
    )


def test_suppliers_that_fail_are_told_to_the_shop_that_buys_from_them(panel: Panel, shop: Shop) -> None:
    """Two failed this week, one did well, one failed long ago, and own cards are nobody's; a stranger hears nothing."""
    listing = shop.a_listing("A1")
    suppliers = [shop.a_party(f"brand{n}", kind="supplier") for n in range(4)]
    for supplier, failed, ago in zip(suppliers, (1, 2, 0, 3), (0, 6, 0, 7), strict=True):
        a_day(shop, listing, supplier, failed=failed, ago=ago)
        shop.an_offer(supplier, shop.merchant, price_micro=10_000)
    a_day(shop, listing, 0, failed=4)
    other = shop.a_party("other")

    owner = seated(panel, shop, shop.merchant, Role.OWNER)
    assert waiting(owner)[ILL] == ("2", "/reports/suppliers")
    page = owner.get("/reports/suppliers").get_data(as_text=True)
    assert "brand0" in page
    assert "brand1" in page
    assert waiting(seated(panel, shop, shop.platform, Role.PLATFORM_OPERATOR))[ILL] == ("2", "/reports/suppliers")
    assert waiting(seated(panel, shop, other, Role.OWNER))[ILL] == ("0", "")
    assert ILL not in waiting(seated(panel, shop, shop.merchant, Role.FINANCE))
    assert ILL not in waiting(seated(panel, shop, suppliers[0], Role.OWNER))


@pytest.mark.parametrize("question", [today.ILL, today.FAILED], ids=["suppliers", "lines"])
def test_the_days_that_went_well_are_not_read_for_those_that_failed(panel: Panel, shop: Shop, question: str) -> None:
    """The platform sees every merchant's days: of 16,000 rows a query reads the few that have failed lines."""
    panel()
    shop.sql(
        "INSERT INTO report_sale SELECT %s, current_date - d, n, 'web', 'owned', 1, 'CNY', n, 9, 9, 500, 0, 500, 0, 0,"
        " 0, 0, 500, 0, 5, 5, 5, 5, 5, (n %% 500 = 0)::int FROM generate_series(0, 7) d, generate_series(1, 2000) n",
        [shop.merchant],
    )
    shop.sql("ANALYZE report_sale")
    named = {"week_ago": datetime.now(ZONE).date() - timedelta(days=7), "all": True, "party": shop.platform}
    who = {"party": SimpleNamespace(id=shop.platform), "roles": {Role.PLATFORM_OWNER}, "staff_id": new_id()}
    session: Any = SimpleNamespace(**who)

    with reading(session):
        plan = "\n".join(row[0] for row in panel_db.execute_sql(f"EXPLAIN {question}", named).fetchall())

    assert "report_sale_failed" in plan, plan


def a_case(shop: Shop, gateway: int, *, until: timedelta) -> None:
    """A payment notice that fits no order, to be decided about until then."""
    event = new_id()
    shop.sql(
        "INSERT INTO payment_event (id, gateway_account_id, external_id, kind, amount_minor, currency, body, headers,"
        " received_at, booked_to, reason, decide_by)"
        " VALUES (%s, %s, %s, 'paid', 2500, 'CNY', '', '{}', now(), 'suspense', 'unknown_payment', now() + %s)",
        [event, gateway, event.hex, until],
    )


def test_payment_notices_beyond_their_time_are_told_to_whom_they_are_for(panel: Panel, shop: Shop) -> None:
    """One is late, one has time still; both fit no order yet. Once somebody has decided nothing waits."""
    ((gateway,),) = shop.sql(
        "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
        " VALUES ('an-opaque-gateway', 'sandbox', %s, 'CNY', '{}', now()) RETURNING id",
        [shop.merchant],
    )
    a_case(shop, gateway, until=timedelta(hours=-1))
    a_case(shop, gateway, until=timedelta(hours=1))

    finance = seated(panel, shop, shop.merchant, Role.FINANCE)
    assert waiting(finance)[OVERDUE] == ("1", "/orders/cases")
    assert waiting(finance)["payments that fit no order yet"] == ("2", "/orders/cases")
    assert waiting(seated(panel, shop, shop.platform, Role.PLATFORM_OWNER))[OVERDUE] == ("1", "/orders/cases")
    assert waiting(seated(panel, shop, shop.a_party("other"), Role.OWNER))[OVERDUE] == ("0", "")
    assert OVERDUE not in waiting(seated(panel, shop, shop.merchant, Role.CATALOG))
    shop.sql("UPDATE payment_event SET resolved_at = now(), resolution = 'refund'")
    assert waiting(finance)[OVERDUE] == ("0", "")


def test_forged_payment_notices_are_counted_for_who_runs_the_store(panel: Panel, shop: Shop) -> None:
    """Nothing else is kept of them; both pages say how many came, and to a merchant neither does."""
    counter, browser = CountingCounter(), seated(panel, shop, shop.platform, Role.PLATFORM_OPERATOR)
    at_hand = {"gateways": ("sandbox", "alipay"), "counts": counter}
    browser.app.extensions["panel"] = dataclasses.replace(
        browser.app.extensions["panel"], forged_notices=functools.partial(forged_this_hour, **at_hand)
    )
    assert waiting(browser)[FORGED] == ("0", "")
    assert "none in this hour" in browser.get("/health/").get_data(as_text=True)

    for gateway in ("sandbox", "alipay", "alipay"):
        answer = receive_notice(
            gateway=gateway,
            opaque_id="whoever",
            raw=RawNotice(body=b"pay me", headers={}),
            verifiers={gateway: Nobody()},
            counter=counter,
            policy=shop.policy,
            now=datetime.now(ZONE),
        )
        assert answer.status == 401

    assert waiting(browser)[FORGED] == ("3", "/health/")
    assert re.search(
        r"Forged payment notices</span><strong class=\"num\">3<", browser.get("/health/").get_data(as_text=True)
    )
    assert FORGED not in waiting(seated(panel, shop, shop.merchant, Role.OWNER))
