"""Goods by a sheet in the panel: CSV or a workbook, down and up again, applied as it was seen, undone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core.catalog.sheets.cells import read_cells
from core.catalog.sheets.workbook import read_file
from core.ids import new_id
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import ERROR_ID, Browser, a_login
from tests.support.workbooks import workbook

LIVE = {"name_zh": "=1+1", "name_en": "'-x", "price": "9.90", "category": "games", "code": "cat1", "issuer": ""}
LIVE |= {"cards": "", "submission": str(new_id())}


@pytest.fixture
def merchant(panel: Callable[[], Browser], shop: Shop) -> Browser:
    """A merchant's keeper of goods, signed in."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.sign_in("mei@demo.test")
    return browser


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def upload(merchant: Browser, content: bytes, name: str = "goods.csv") -> TestResponse:
    file: Any = {"file": (io.BytesIO(content), name)}
    return merchant.post("/goods/sheet", file)


def test_a_sheet_is_downloaded_changed_looked_at_applied_and_undone(merchant: Browser, shop: Shop) -> None:
    shop.a_listing("A1", 990)
    merchant.post("/goods/new", LIVE)
    downloaded = merchant.get("/goods/sheet/goods.csv").data
    assert b"\r\nCAT1,'=1+1,''-x,Game cards,9.90,100,0,yes\r\n" in downloaded  # fault 80: no cell is a formula

    same = text(merchant.get(upload(merchant, downloaded).location))
    assert same.count(">as it is<") == 3  # the figure, and both rows: what was downloaded comes back as it was
    changed = "Code,Name in Chinese,Shelf,Price,On sale\nA1,,,8.80,no\nN1,新,Game cards,1,\nN2,,,1,\nA1,,,1,\n".encode(
        "utf-16"
    )
    look = upload(merchant, changed).location
    shown = text(merchant.get(look))
    assert "new goods need a Chinese name, a shelf and a price" in shown
    assert "this code stands in the sheet before" in shown
    assert merchant.post(look, {"seen": "another plan"}).status_code == 409
    assert shop.sql("SELECT price_minor FROM listing WHERE code = 'A1'") == [(990,)]
    found = re.search(r'name="seen"[^>]*value="([^"]+)"', shown)
    assert found is not None
    assert merchant.post(look, {"seen": found[1]}).status_code == 302
    state = (
        "SELECT code, price_minor, on_sale, archived_at IS NULL FROM listing WHERE code IN ('A1', 'N1') ORDER BY code"
    )
    assert shop.sql(state) == [("A1", 880, False, True), ("N1", 100, True, True)]
    assert "Nothing of it was ordered since then" in text(merchant.get(f"{look}/undo"))
    assert merchant.post(f"{look}/undo").status_code == 302
    assert shop.sql(state) == [("A1", 990, True, True), ("N1", 100, False, False)]


def test_a_file_that_is_no_sheet_of_goods_is_refused_in_words(merchant: Browser, shop: Shop) -> None:
    before = shop.fingerprint()
    for content, said in (
        (b"", "no row below its header"),
        (b"\0\1", "signs that are no text"),
        (b"a,b\n1,2\n", "names no column"),
        (b"PK\3\4" + b"x" * 99, "workbook is damaged"),
        (b"code\n" + b"A1\n" * 1100, "more than 1,000 rows"),
        (workbook([["code"], ["A1"]], [["x"]]), "More than one sheet"),
        (workbook([["code"], [("formula", "")]]), "The formula in A2 came to nothing yet"),
        (workbook([["code"], ["A1"]], extra={"xl/vbaProject.bin": b""}), "macros"),
    ):
        answer = upload(merchant, content)
        assert answer.status_code == 422
        assert said in text(answer)
        assert ERROR_ID.search(text(answer))
    assert shop.fingerprint() == before


def test_goods_come_as_a_workbook_too_and_go_back_as_they_were(
    merchant: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Fault 80, fault 14: the workbook says what the CSV says; where none can be written, a sentence says so."""
    shop.a_listing("A1", 990)
    merchant.post("/goods/new", LIVE)
    answer = merchant.get("/goods/sheet/goods.xlsx")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="goods.xlsx"'
    assert read_file(answer.data, file_name="goods.xlsx") == [
        [cell.replace("9.90", "9.9") for cell in row] for row in read_cells(merchant.get("/goods/sheet/goods.csv").data)
    ]

    assert text(merchant.get(upload(merchant, answer.data, "goods.xlsx").location)).count(">as it is<") == 3

    changed = workbook([["编号", "价格", "在售"], ["A1", ("formula", "8.8000000000000007"), ("boolean", "0")]])
    shown = text(merchant.get(upload(merchant, changed, "goods.xlsx").location))
    assert "8.80" in shown
    assert shown.count(">changed<") == 2

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    refused = merchant.get("/goods/sheet/goods.xlsx")
    assert refused.status_code == 507
    assert "may not write workbooks" in text(refused)
