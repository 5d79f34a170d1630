"""The reports as files: what the page shows, for its days and filters, to the same people, and written down."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from admin.exports.cells import BOM, undone
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
HERE = (datetime.now(UTC) + timedelta(hours=8)).date()
DAYS = {"since": (HERE - timedelta(days=2)).isoformat(), "until": (HERE + timedelta(days=1)).isoformat()}
REPORTS = ("goods", "profit", "channels", "suppliers")


@pytest.fixture
def sold(shop: Shop, urls: dict[str, str]) -> Shop:
    """Two consigned cards today, three own ones yesterday, whose goods are named like a formula."""
    a_chain(shop, cards=20)
    shop.a_listing("C1", price=900)
    shop.a_batch("C1", cards=20, unit_cost_micro=4_000_000)
    names = '{"en": "=1+1", "zh-CN": "=1+1"}'
    shop.sql("UPDATE product SET names = %s WHERE id = (SELECT product_id FROM sku WHERE code = 'C1')", [names])
    now = datetime.now(UTC)
    for code, quantity, at in (("A1", 2, now), ("C1", 3, now - timedelta(days=1))):
        order = shop.place(shop.a_shopper(), shop.a_listing(code), quantity, now=at).order_id
        pay_and_deliver(shop, FixedClock(at), order)
    db.connect(urls["worker"], size=2)
    while roll_up(zone=ZONE, now=now):
        pass
    db.connect(urls["shop"], size=4)
    return shop


def taken(browser: Browser, what: str, form: str = "csv", **more: str) -> Any:
    return browser.post("/exports/report", {"what": what, "form": form, **DAYS, **more})


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.data.startswith(BOM)
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_each_report_leaves_as_its_page_shows_it(panel: Panel, sold: Shop) -> None:
    """Figures of the pages of reports, in their order, as CSV and as a workbook; no text is a formula (fault 80)."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)

    goods, by_pieces = rows_of(taken(owner, "goods")), rows_of(taken(owner, "goods", by="quantity"))
    profit, channels, suppliers = (rows_of(taken(owner, what)) for what in REPORTS[1:])

    assert goods[0] == ["Currency", "Code", "Goods", "Pieces", "Sales", "Refunded", "Profit", "Margin in %"]
    assert [row[1] for row in goods[1:]] == ["A1", "C1"]
    assert [row[1] for row in by_pieces[1:]] == ["C1", "A1"]
    assert goods[1][3:] == ["2", "39.80", "0.00", "7.01", "17.6"]
    assert (goods[2][2], undone(goods[2][2])) == ("'=1+1", "=1+1")
    assert [(row[1], row[2], row[-2]) for row in profit[1:]] == [
        ("Consigned", "39.80", "7.01"),
        ("Own cards and services", "27.00", "14.73"),
        ("Together", "66.80", "21.74"),
    ]
    assert channels[1] == ["CNY", "Web chat", *("2", "2", "2", "2", "2", "2", "0", "0", "0"), "66.80", "21.74"]
    assert len(channels[0]) == len(channels[1])
    assert sorted(row[1] for row in suppliers[1:]) == ["Consigned", "Own cards and services"]
    said = str(suppliers)
    assert "dist1" in said
    assert "brand1" not in said
    for what in REPORTS:
        assert taken(owner, what, "xlsx").data.startswith(b"PK"), what


def test_an_export_of_a_report_keeps_its_filters_and_the_audit_has_them(panel: Panel, sold: Shop) -> None:
    """Fault 81: the page's own link carries range, currency and filters into the file."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)
    page = owner.get("/reports/goods?range=today&terms=consigned&by=profit").get_data(as_text=True)
    link = re.search(r'href="(/exports/report\?[^"]+)"', page)
    assert link is not None
    asked = owner.get(link[1].replace("&amp;", "&")).get_data(as_text=True)
    hidden = dict(
        re.findall(r'type="hidden" name="(currency|terms|by|channel|merchant|supplier)" value="([^"]*)"', asked)
    )
    assert hidden == {"currency": "CNY", "terms": "consigned", "by": "profit"}
    assert "Only CNY · Consigned, as on the page before" in asked
    assert re.search(r'value="goods" required checked', asked)

    assert [row[1] for row in rows_of(taken(owner, "goods", **hidden))[1:]] == ["A1"]
    assert len(rows_of(taken(owner, "goods", currency="USD"))) == 1
    assert len(rows_of(taken(owner, "goods", channel="wechat"))) == 1
    assert len(rows_of(taken(owner, "goods", supplier="999999"))) == 1
    assert len(rows_of(taken(owner, "goods", merchant="999999"))) == 3, "whose rows they are is not asked of a merchant"
    begun = db.execute("SELECT detail FROM audit_entry WHERE action = 'export.begun' ORDER BY id LIMIT 1")
    assert begun == [({"what": "goods", "form": "csv", **DAYS, **hidden},)]
    assert len(rows_of(taken(owner, "goods", currency="  ", supplier=" "))) == 3
    before = db.execute("SELECT count(*) FROM audit_entry")
    for junk in ("%00", "\0", "x" * 99, "-1", "٣", "'"):
        for name in ("currency", "terms", "by", "channel", "supplier", "merchant"):
            answer = taken(owner, "goods", **{name: junk})
            assert answer.status_code == 422, (name, junk)
            assert "Nothing was exported" in answer.get_data(as_text=True)
            assert owner.get("/exports/report", query_string={name: junk}).status_code == 200
    assert db.execute("SELECT count(*) FROM audit_entry") == before


def test_who_is_not_told_the_profit_on_a_page_is_not_told_it_in_a_file(panel: Panel, sold: Shop) -> None:
    """INV-T1, INV-D2: support takes channels and suppliers without money, nothing else; another merchant headings."""
    support = signed_in(panel, "support@demo.test", sold.merchant, Role.SUPPORT)
    catalog = signed_in(panel, "catalog@demo.test", sold.merchant, Role.CATALOG)
    stranger = signed_in(panel, "owner@other.test", sold.a_party("other"), Role.OWNER)
    supplier = signed_in(panel, "owner@agent.test", sold.a_party("agent1"), Role.OWNER)

    for what in ("channels", "suppliers"):
        titles, *rows = rows_of(taken(support, what))
        assert titles[-1] == "Waiting"
        assert {len(row) for row in rows} == {len(titles)}
        assert not {"Sales", "Profit"} & set(titles)
        assert "66.80" not in str(rows)
        assert b"21.74" not in taken(support, what, "xlsx").data
        assert rows_of(taken(catalog, what))[0][-1] == "Profit"
    assert {taken(support, what).status_code for what in ("goods", "profit", "sales", "orders")} == {422}
    assert taken(catalog, "profit").status_code == 422
    assert supplier.get("/exports/report").status_code == 404
    assert support.get("/exports/").status_code == 404
    assert [len(rows_of(taken(stranger, what))) for what in REPORTS] == [1, 1, 1, 1]
    assert "/exports/" not in support.get("/reports/").get_data(as_text=True)


def test_the_platform_takes_all_merchants_or_one(panel: Panel, sold: Shop) -> None:
    operator = signed_in(panel, "op@platform.test", sold.platform, Role.PLATFORM_OPERATOR)

    assert len(rows_of(taken(operator, "goods"))) == 3
    assert len(rows_of(taken(operator, "goods", merchant=str(sold.merchant)))) == 3
    assert len(rows_of(taken(operator, "goods", merchant=str(sold.a_party("other"))))) == 1
    assert "only demo" in operator.get(f"/exports/report?merchant={sold.merchant}").get_data(as_text=True).lower()
