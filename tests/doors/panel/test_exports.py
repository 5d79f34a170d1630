"""Exports: safe in a spreadsheet, every byte back, each party its own rows, written down, and never kept whole."""

from __future__ import annotations

import csv
import errno
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from admin.exports import cells, making
from admin.exports.cells import BOM, csv_lines, safe, undone
from admin.exports.workbook import TooLong, write_workbook
from core import db
from core.clock import FixedClock
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.dialog import pay_and_deliver
from tests.support.panel import Browser, signed_in
from tests.support.trade import a_chain

Panel = Callable[[], Browser]
HERE = (datetime.now(UTC) + timedelta(hours=8)).date()
DAYS = {"since": (HERE - timedelta(days=1)).isoformat(), "until": (HERE + timedelta(days=1)).isoformat()}
LIVE = (
    *('=HYPERLINK("http://x")', "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "\n=1"),
    *("'quoted", "''", "＝1", "plain", ""),
)


@given(st.text(st.characters(blacklist_categories=["Cs"])))
@example("=1+1")
@example("'=1")
def test_fault_80_every_text_comes_back_from_a_file_and_none_is_a_formula(text: str) -> None:
    """Fault 80: prefixed where a spreadsheet would act on it; the first apostrophe off, and every byte is back."""
    (row,) = csv.reader(io.StringIO(csv_lines([[text, "x"]]).decode(), newline=""))

    assert undone(row[0]) == text
    assert row[0][:1] not in cells.LIVE - {"'"} or row[0] == ""
    assert safe(text) == (f"'{text}" if text[:1] in cells.LIVE and text else text)


def test_numbers_stand_as_numbers() -> None:
    assert csv_lines([[-5, Decimal("-5.00"), Decimal("1E+15"), None, "-5"]]) == b"-5,-5.00,1000000000000000,,'-5\r\n"


def strings_of(file: Path) -> tuple[list[list[str]], str]:
    """The cells of a workbook as a reader sees them, and its sheet as it is written."""
    with zipfile.ZipFile(file) as book:
        written = book.read("xl/worksheets/sheet1.xml").decode()
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    rows = [
        ["".join(cell.itertext()) for cell in row.iter(f"{space}c")]
        for row in ElementTree.fromstring(written).iter(f"{space}row")
    ]
    escaped = re.compile(r"_x([0-9A-F]{4})_")
    return [[escaped.sub(lambda one: chr(int(one[1], 16)), cell) for cell in row] for row in rows], written


def test_fault_80_a_workbook_holds_no_formula_no_link_and_every_sign(tmp_path: Path) -> None:
    """Fault 80: what looks like a formula, a link, mark-up or an escape is text; control characters come back."""
    told = [*LIVE, "http://x", "<r><t>1</t></r>", "a\0b\x0b", "_x0041_", "0x1", "007"]
    file = tmp_path / "one.xlsx"

    count = write_workbook(file, ["A", "B"], [[[text, Decimal("-5.5")] for text in told]])

    rows, written = strings_of(file)
    assert count == len(told)
    assert [row[0].replace("\r\n", "\n") for row in rows[1:] if row[0]] == [text for text in told if text]
    assert {row[-1] for row in rows[1:]} == {"-5.5"}
    assert "<f>" not in written
    assert "hyperlink" not in written
    with pytest.raises(TooLong):
        write_workbook(file, ["A"], ([["x"]] * 10_000 for _ in range(11)))


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """An order along a chain today, whose goods are named like a formula, and a batch from a file that is too."""
    a_chain(shop, cards=20)
    shop.a_batch(cards=3)
    shop.sql("UPDATE batch SET source_name = '=cmd|calc' WHERE owner_id = %s", [shop.merchant])
    names = '{"en": "@SUM(A1)", "zh-CN": "@SUM(A1)"}'
    shop.sql("UPDATE product SET names = %s", [names])
    now = datetime.now(UTC)
    pay_and_deliver(shop, FixedClock(now), shop.place(shop.a_shopper(), shop.a_listing("A1"), 2, now=now).order_id)
    return shop


def taken(browser: Browser, what: str, form: str = "csv", **days: str) -> Any:
    return browser.post("/exports/", {"what": what, "form": form, **DAYS, **days})


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="keystall-')
    assert answer.data.startswith(BOM)
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_a_merchant_takes_its_rows_out_and_the_audit_says_so(panel: Panel, sold: Shop) -> None:
    """Fault 81: who, what, which days, how many rows; no card, no secret, no contact, nobody further up the chain."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)

    orders, batches = rows_of(taken(owner, "orders")), rows_of(taken(owner, "batches"))

    assert len(orders) == 2
    assert orders[1][4] == "39.80"
    assert undone(orders[1][12]) == "@SUM(A1)"
    assert [undone(cell) for cell in batches[1]].count("=cmd|calc") == 1
    said = "\n".join(",".join(row) for row in [*orders, *batches, *rows_of(taken(owner, "statement"))])
    for foreign in ("A9A9", "brand1", "agent1"):
        assert foreign not in said, foreign
    entries = db.execute(
        "SELECT action, party_id, detail FROM audit_entry WHERE object_kind = 'export' ORDER BY id LIMIT 2"
    )
    assert entries == [
        ("export.begun", sold.merchant, {"what": "orders", "form": "csv", **DAYS}),
        ("export.ended", sold.merchant, {"rows": 1, "is_whole": True}),
    ]
    book = taken(owner, "audit", "xlsx")
    assert book.data.startswith(b"PK")
    assert making.slots._value == making.AT_ONCE  # type: ignore[attr-defined]


def test_nobody_takes_out_what_is_anothers(panel: Panel, sold: Shop) -> None:
    """INV-T1, INV-D2: another merchant gets headings; a role or a kind of party without it is refused, unwritten."""
    stranger = signed_in(panel, "owner@other.test", sold.a_party("other"), Role.OWNER)
    supplier = signed_in(panel, "owner@agent.test", sold.a_party("agent1"), Role.OWNER)
    support = signed_in(panel, "support@demo.test", sold.merchant, Role.SUPPORT)
    assert [len(rows_of(taken(stranger, what))) for what in ("orders", "sales", "batches")] == [1, 1, 1]
    before = db.execute("SELECT count(*) FROM audit_entry WHERE object_kind = 'export'")

    refused = [taken(supplier, "orders"), taken(stranger, "hops"), taken(stranger, "cards")]
    refused += [taken(stranger, "orders", since=since) for since in ("x", "2020-01-01", "%00", "")]

    assert {answer.status_code for answer in refused} == {422}
    assert all("Nothing was exported" in answer.get_data(as_text=True) for answer in refused)
    assert support.get("/exports/").status_code == 404
    assert db.execute("SELECT count(*) FROM audit_entry WHERE object_kind = 'export'") == before


def test_a_file_whose_reader_goes_away_ends_and_gives_everything_back(panel: Panel, sold: Shop, sql: Any) -> None:
    """The connection is closed, the slot is free, and the audit says that it was not whole."""
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)
    page = owner.get("/exports/").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    sent = {"csrf_token": token[1], "what": "audit", "form": "csv", **DAYS}
    open_ones = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()"

    for pieces in (0, 1, 2):
        answer = owner.client.post("/exports/", data=sent, buffered=False)
        taking = answer.iter_encoded()
        for _ in range(pieces):
            next(taking)
        answer.close()

    assert making.slots._value == making.AT_ONCE  # type: ignore[attr-defined]
    assert sql(open_ones)[0][0] == 0
    ended = db.execute("SELECT detail ->> 'is_whole' FROM audit_entry WHERE action = 'export.ended'")
    assert ended == [("false",)] * 3
    for _ in range(making.AT_ONCE):
        making.slots.acquire()
    try:
        assert taken(owner, "audit").status_code == 503
    finally:
        for _ in range(making.AT_ONCE):
            making.slots.release()


def test_fault_14_a_full_disk_is_said_and_leaves_nothing_behind(
    panel: Panel, sold: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(*_: Any) -> int:
        (next(tmp_path.iterdir()) / "part").write_bytes(b"x")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making, "write_workbook", full)

    answer = taken(owner, "orders", "xlsx")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    elsewhere = taken(owner, "orders", "xlsx")

    assert (answer.status_code, elsewhere.status_code) == (507, 507)
    assert "disk of the store is full" in answer.get_data(as_text=True)
    assert "may not write workbooks" in elsewhere.get_data(as_text=True)
    assert list(tmp_path.iterdir()) == []
    assert making.slots._value == making.AT_ONCE  # type: ignore[attr-defined]


def test_fault_81_a_file_of_many_rows_is_never_in_memory(panel: Panel, sold: Shop) -> None:
    """Fault 81: 20,000 entries of the audit through a cursor of the server; memory stays where one batch leaves it."""
    sold.sql(
        "INSERT INTO audit_entry (at, actor_kind, party_id, action, object_kind, object_id)"
        " SELECT now(), 'system', %s, 'order.paid', 'order', 'ord_' || repeat('x', 26) FROM generate_series(1, 20000)",
        [sold.merchant],
    )
    owner = signed_in(panel, "owner@demo.test", sold.merchant, Role.OWNER)
    page = owner.get("/exports/").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None

    def lines() -> Iterator[bytes]:
        sent = {"csrf_token": token[1], "what": "audit", "form": "csv", **DAYS}
        answer = owner.client.post("/exports/", data=sent, buffered=False)
        yield from answer.iter_encoded()
        answer.close()

    tracemalloc.start()
    try:
        rows = sum(piece.count(b"\r\n") for piece in lines())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert rows > 20_000
    assert most < 6 * 1024 * 1024
