"""Goods in the panel: new ones with their cards in one form, variants, sheets, suppliers' offers; nobody else's."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core import db
from core.ids import new_id
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import Browser, a_login
from tests.support.restock import Worker
from tests.support.vaults import DeskVault

Panel = Callable[[], Browser]
CARDS = "STAR-0001\r\nSTAR-0002\r\nSTAR-0002\r\n"
JUNK = ("", "abc", "-1", "NaN", "١٢", "1e3", "10.5.5", str(10**30), "a\0b", "\ud800", "<script>", "x" * 70_000)


@pytest.fixture
def merchant(panel: Panel, shop: Shop) -> Browser:
    """A merchant's keeper of goods, signed in."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.sign_in("mei@demo.test")
    return browser


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def new_goods(**more: str) -> dict[str, str]:
    given = {"name_zh": "星海 <b>月卡</b>", "price": "9.90", "category": "games", "code": "cat1", "issuer": ""}
    return {**given, "cards": CARDS, "submission": str(new_id()), **more}


def cells(row: str, *rows: dict[str, object]) -> dict[str, str]:
    """Rows of a form as a browser sends them."""
    return {f"{row}-{n}-{part}": str(value) for n, one in enumerate(rows) for part, value in one.items()}


def another_merchants_goods(shop: Shop) -> tuple[int, int, int]:
    """A product, a SKU and a listing that are somebody else's."""
    product, sku = shop.sql(
        "WITH i AS (INSERT INTO issuer (code, names) VALUES ('theirs', '{}') RETURNING id),"
        " p AS (INSERT INTO product (owner_id, code, kind, category, names, created_at)"
        """ VALUES (%s, 'theirs', 'card_key', 'video', '{"zh-CN": "别人的"}', now()) RETURNING id)"""
        " INSERT INTO sku (product_id, code, names, issuer_id, created_at)"
        " SELECT p.id, 'F1', '{}', i.id, now() FROM p, i RETURNING product_id, id",
        [shop.a_party("other")],
    )[0]
    ((listing,),) = shop.sql(
        "INSERT INTO listing (merchant_id, sku_id, code, price_minor, currency, created_at)"
        " VALUES (%s, %s, 'F1', 1, 'CNY', now()) RETURNING id",
        [shop.a_party("other"), sku],
    )
    return product, sku, listing


def test_new_goods_with_pasted_cards_are_on_sale_after_one_submit(
    merchant: Browser, shop: Shop, vault: DeskVault, urls: dict[str, str]
) -> None:
    given = new_goods()
    answer = merchant.post("/goods/new", given)
    again = merchant.post("/goods/new", given)  # the button, twice
    progress = answer.location

    assert (answer.status_code, again.location) == (302, progress)
    shown = text(merchant.get(progress))
    assert 'hx-trigger="every 1s"' in shown
    assert Worker(vault).carries_out(now=db.database_now()) == 1
    shown = text(merchant.get(progress))
    assert "Cards taken in: 2" in shown
    assert "There before: 1" in shown
    assert "hx-trigger" not in shown
    assert shop.sql("SELECT code, price_minor, on_sale FROM listing") == [("CAT1", 990, True)]
    assert shop.sql("SELECT owner_id, terms, card_count, source_name FROM batch") == [
        (shop.merchant, "own", 2, "pasted.txt")
    ]
    product = text(merchant.get(f"/product/{shop.sql('SELECT id FROM product')[0][0]}"))
    assert "星海 &lt;b&gt;月卡&lt;/b&gt;" in product
    assert "<b>月卡" not in product
    shop.sql("UPDATE restock SET party_id = %s", [shop.a_party("other")])
    assert merchant.get(progress).status_code == 404


def test_cards_are_nowhere_after_a_refusal(merchant: Browser, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither drawn again, nor kept, nor in a log: for a bad field, a code that is taken, and a file too large."""
    shop.a_listing("A1")
    before = shop.fingerprint()
    for given in (new_goods(price="NaN"), new_goods(code="A1"), new_goods(submission="x"), new_goods(unit_cost="-1")):
        answer = merchant.post("/goods/new", given)
        assert answer.status_code in (409, 422)
        assert "STAR-000" not in text(answer)
        assert "The cards were not kept" in text(answer)
    assert merchant.post("/goods/new", new_goods(cards="STAR-0009\n" * 900_000)).status_code == 413
    file: dict[str, Any] = {**new_goods(name_zh="a\0"), "cards": "", "file": (io.BytesIO(CARDS.encode()), "c.txt")}
    assert "STAR-000" not in text(merchant.post("/goods/new", file))
    assert shop.fingerprint() == before
    said = capsys.readouterr()
    assert "STAR-000" not in said.out + said.err


def test_what_is_wrong_stands_at_its_field_too(merchant: Browser) -> None:
    """Above the form with an error id, and at the field, which says of itself that it is wrong."""
    refused = text(merchant.post("/goods/new", new_goods(price="NaN")))

    assert refused.count("This is no price") == 2
    assert refused.count('aria-invalid="true"') == 1
    assert re.search(r'<input[^>]*aria-invalid="true"[^>]*name="price"', refused)


def test_a_merchant_neither_sees_nor_changes_goods_of_another(merchant: Browser, shop: Shop) -> None:
    """INV-T1 at the panel: foreign products, variants, listings and sheets are as ones that are not there; shared
    products are seen, and not changed."""
    product, sku, listing = another_merchants_goods(shop)
    shared = shop.sql("SELECT id, product_id FROM sku WHERE id = %s", [shop.a_sku("A1")])[0]
    sheet = shop.sql(
        "INSERT INTO goods_sheet (id, merchant_id, staff_id, file_name, rows, created_at)"
        " SELECT gen_random_uuid(), %s, id, 'theirs.csv', '[]', now() FROM staff RETURNING id",
        [shop.a_party("other")],
    )[0][0]
    for number in (product, shared[1]):
        for page in ("edit", "archive", "variants", "variants/grid?period=month"):
            assert merchant.get(f"/product/{number}/{page}").status_code == 404, page
    for number in (sku, shared[0]):
        for page in ("edit", "archive", "fields"):
            assert merchant.get(f"/variant/{number}/{page}").status_code == 404, page
    gone = (f"/product/{product}", f"/variant/{sku}/sell", f"/goods/{listing}/limits", f"/goods/{listing}/archive")
    for path in (*gone, f"/goods/sheet/{sheet}", f"/goods/sheet/{sheet}/undo"):
        assert merchant.get(path).status_code == 404, path
    before = shop.fingerprint()
    for path, given in (
        (f"/product/{product}/archive", {}),
        (f"/product/{shared[1]}/archive", {}),
        (f"/variant/{sku}/fields", cells("asked", {"name": "qq", "zh": "QQ", "format": "digits"})),
        (f"/goods/{listing}/archive", {}),
        (f"/goods/sheet/{sheet}", {"seen": ""}),
    ):
        assert merchant.post(path, given, shown="/goods/new").status_code == 404, path
    assert shop.fingerprint() == before
    assert merchant.get(f"/product/{shared[1]}").status_code == 200
    listed = text(merchant.get("/products/"))
    assert "Goods A1" in listed
    assert "别人的" not in listed


def test_variants_fields_words_and_limits_are_changed_in_the_panel(merchant: Browser, shop: Shop) -> None:
    merchant.post("/goods/new", new_goods(cards=""))
    product, sku, listing = shop.sql(
        "SELECT s.product_id, s.id, l.id FROM listing l JOIN sku s ON s.id = l.sku_id WHERE l.code = 'CAT1'"
    )[0]
    grid = f"/product/{product}/variants/grid?period=month&region=CN&region_more=日区，台区"
    assert text(merchant.get(grid)).count('value="CAT') == 3
    bad = cells("cells", {"take": 1, "code": "G1", "price": "1", "on": 1}, {"take": 1, "code": "G2", "price": "NaN"})
    assert "This is no price" in text(merchant.post(grid, bad))
    assert shop.count("sku") == 1
    good = cells("cells", {"take": 1, "code": "g1", "price": "1", "on": 1}, {}, {"take": 1, "code": "G3", "price": "2"})
    assert merchant.post(grid, good).location == f"/product/{product}"
    assert shop.sql("SELECT code, price_minor, on_sale FROM listing WHERE code LIKE 'G%' ORDER BY code") == [
        ("G1", 100, True),
        ("G3", 200, False),
    ]
    asked = cells("asked", {"zh": "QQ 号", "name": "qq", "format": "digits"}, {"zh": "密码", "name": "pw", "secret": 1})
    assert merchant.post(f"/variant/{sku}/fields", asked).status_code == 302
    assert shop.sql("SELECT name, format, is_secret FROM buyer_field ORDER BY position") == [
        ("qq", "digits", False),
        ("pw", "text", True),
    ]
    assert 'value="QQ 号"' in text(merchant.get(f"/variant/{sku}/fields"))
    words = {"name_zh": "新名", "category": "life", "aliases": "Neko", "position": "3", "redeem_zh": "一\r\n二"}
    assert merchant.post(f"/product/{product}/edit", words).status_code == 302
    assert merchant.post(f"/variant/{sku}/edit", {"name_zh": "新名", "life": "7"}).status_code == 302
    assert merchant.post(f"/goods/{listing}/limits", {"most": "5", "position": "9"}).status_code == 302
    assert shop.sql(
        "SELECT p.names, p.texts, p.category, p.aliases, p.position, s.minimum_life_days, l.maximum_quantity,"
        " l.position FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id"
        " WHERE l.id = %s",
        [listing],
    ) == [({"zh-CN": "新名"}, {"redeem": {"zh-CN": "一\n二"}}, "life", "neko", 3, 7, 5, 9)]
    for path in (f"/goods/{listing}/archive", f"/variant/{sku}/archive", f"/product/{product}/archive"):
        assert "Orders that were placed are delivered" in text(merchant.get(path))
        assert merchant.post(path, {"to": "off"}).status_code == 302
    assert shop.sql(
        "SELECT count(*) FROM listing l JOIN sku s ON s.id = l.sku_id WHERE l.archived_at IS NOT NULL"
        " AND s.archived_at IS NOT NULL"
    ) == [(1,)]


def test_offers_to_this_merchant_are_listed_by_a_rule_and_others_are_not_seen(merchant: Browser, shop: Shop) -> None:
    """INV-T3, INV-T4: the own hop with its price; not what the seller pays, not what others are offered."""
    brand, agent, other = shop.a_party("brand1", "supplier"), shop.a_party("agent", "supplier"), shop.a_party("other")
    shop.an_offer(brand, agent, price_micro=7_110_000, code="A1", credit=None)
    shop.an_offer(agent, shop.merchant, price_micro=7_420_000, code="A1", credit=None)
    shop.an_offer(brand, other, price_micro=6_660_000, code="C1", credit=None)
    shown = text(merchant.get("/goods/offers?percent=30&ending=90"))
    assert "agent" in shown
    assert "CN¥7.42" in shown
    assert not {word for word in ("brand1", "CN¥7.11", "CN¥6.66", "Goods C1") if word in shown}
    rule = {"percent": "30", "ending": "90"}
    pick = {"take": 1, "id": shop.a_sku("A1"), "seen": 990, "code": "a1"}
    before = shop.fingerprint()
    for bad in (pick | {"seen": 980}, pick | {"id": shop.a_sku("C1"), "seen": 890}, pick | {"id": "NaN"}):
        assert merchant.post("/goods/offers", rule | cells("picks", bad)).status_code in (404, 409, 422)
    assert shop.fingerprint() == before
    assert merchant.post("/goods/offers", rule | cells("picks", pick)).status_code == 302
    assert shop.sql("SELECT code, price_minor FROM listing") == [("A1", 990)]
    shop.an_offer(agent, shop.merchant, price_micro=8_000_000, code="A1", credit=None)
    assert "CN¥10.90" in text(merchant.get("/goods/follow"))
    ((listing,),) = shop.sql("SELECT id FROM listing")
    moved = cells("picks", {"take": 1, "id": listing, "seen": 1090})
    assert merchant.post("/goods/follow", moved).status_code == 302
    assert shop.sql("SELECT code, price_minor FROM listing") == [("A1", 1090)]


def test_no_form_about_goods_falls_over_what_is_typed(merchant: Browser, shop: Shop) -> None:
    """Fault 83: whatever stands in a field is taken, or refused with a sentence."""
    merchant.post("/goods/new", new_goods(cards=""))
    product, sku, listing = shop.sql("SELECT s.product_id, s.id, l.id FROM listing l JOIN sku s ON s.id = l.sku_id")[0]
    forms: tuple[tuple[str, str], ...] = (
        ("/goods/new", "price code category issuer name_zh unit_cost submission"),
        (f"/product/{product}/edit", "name_zh category position aliases"),
        (f"/variant/{sku}/edit", "name_zh life"),
        (f"/variant/{sku}/sell", "code price most"),
        (f"/variant/{sku}/fields", "asked-0-zh asked-0-name asked-0-format"),
        (f"/product/{product}/variants/grid?period=month", "cells-0-code cells-0-price cells-0-take issuer"),
        (f"/goods/{listing}/limits", "most position"),
        ("/goods/offers", "percent ending picks-0-id picks-0-seen picks-0-take"),
        ("/goods/follow", "picks-0-id picks-0-seen picks-0-take"),
    )
    page = merchant.get("/goods/new").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    for path, names in forms:
        for junk in JUNK:
            typed = dict.fromkeys(names.split(), junk.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
            answer = merchant.client.post(path, data={"csrf_token": token[1], **typed})
            assert answer.status_code in (302, 404, 409, 413, 422), (path, junk[:20], answer.status_code)
    for query in (
        "?percent=x",
        "?percent=1&ending=zz",
        f"?percent={10**30}&ending=90",
        "?ending=%00",
        "?percent=١&ending=90",
    ):
        assert merchant.get(f"/goods/offers{query}").status_code in (200, 422), query
    for query in (
        "",
        "?period=%00",
        f"?seats_more={','.join(map(str, range(300)))}",
        "?colour=red",
        "?period=" + "x" * 99,
    ):
        assert merchant.get(f"/product/{product}/variants/grid{query}").status_code == 422, query
