"""A sheet of goods as a workbook says what it would say as CSV, or is refused with its reason."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xlsxwriter import Workbook

from admin.exports.workbook import write_workbook
from core.catalog.sheets.cells import LARGEST, SheetUnreadable, read_cells, safe, written
from core.catalog.sheets.workbook import read_file
from tests.support.workbooks import MAIN, Cell, workbook

HEAD: list[Cell] = ["code", "price"]
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode="yyyy&quot;x&quot;"/>'
    '<numFmt numFmtId="171" formatCode="[Red]0.00&quot;days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/>'
    '</cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs>'
    "</styleSheet>"
).encode()


def read(raw: bytes, name: str = "goods.xlsx") -> list[list[str]]:
    return read_file(raw, file_name=name)


def problem(raw: bytes, name: str = "goods.xlsx") -> str:
    with pytest.raises(SheetUnreadable) as refused:
        read(raw, name)
    return str(refused.value.params["problem"])


def styled(cells: str, styles: bytes = STYLES, *, from_1904: bool = False) -> bytes:
    """A workbook whose second row is written as XML, with these styles."""
    raw = io.BytesIO()
    whole = workbook([HEAD, ["A1", ""]], extra={"xl/styles.xml": styles}, from_1904=from_1904)
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(raw, "w") as archive:
        for entry in source.infolist():
            body = source.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                body = body.replace(b"</row></sheetData>", f"{cells}</row></sheetData>".encode())
            archive.writestr(entry.filename, body)
    return raw.getvalue()


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")), min_size=1, max_size=5))
@example(["=1+1", "'=1", "''-", "'plain", "_x0041_", "<r><t>x</t></r>", "a\rb\nc\td", "😀 0x1", "007"])
def test_fault_80_each_text_comes_back_from_a_workbook_as_from_a_csv(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Fault 80: byte for byte but for outer blanks, whichever of both was downloaded, and none is a formula."""
    file = tmp_path_factory.mktemp("book") / "goods.xlsx"
    write_workbook(file, ["code"] * len(texts), [[["x", *(safe(text) for text in texts)]]])
    with zipfile.ZipFile(file) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")

    expected = [text.strip() for text in ["x", *texts]]
    while not expected[-1]:
        expected.pop()

    assert read(file.read_bytes())[1] == expected
    assert read(written([["code"], ["x", *texts]]), "goods.csv")[1] == expected


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c r="B2"><v>9.9000000000000004</v></c>', "9.9"),
        ('<c r="B2"><v>1E-2</v></c>', "0.01"),
        ('<c r="B2"><v>1.2E+3</v></c>', "1200"),
        ('<c r="B2"><v>100</v></c>', "100"),
        ('<c r="B2"><v>-5</v></c>', "-5"),
        ('<c r="B2" t="b"><v>1</v></c>', "TRUE"),
        ('<c r="B2" t="e"><v>#N/A</v></c>', "#N/A"),
        ('<c r="B2"><f>A1*1.1</f><v>10.890000000000001</v></c>', "10.89"),
        ('<c r="B2" t="str"><f>A1</f><v>a_x0026_b</v></c>', "a&b"),
        ('<c r="B2" t="b"><f>A1</f><v>0</v></c>', "FALSE"),
        ('<c r="B2" s="1"><v>46082</v></c>', "2026-03-01"),
        ('<c r="B2" s="1"><f>TODAY()</f><v>46082.5</v></c>', "2026-03-01"),
        ('<c r="B2" s="2"><v>46082</v></c>', "2026-03-01"),
        ('<c r="B2" s="3"><v>46082</v></c>', "46082"),
        ('<c r="B2" s="0"><v>46082</v></c>', "46082"),
        ('<c r="B2" t="d"><v>2026-03-01</v></c>', "2026-03-01"),
        ('<c r="B2"><v>NaN</v></c>', "NaN"),
        ('<c r="B2"><v>1E999</v></c>', "1E999"),
        ('<c r="B2"><v>1E300</v></c>', "1E300"),
        ('<c r="B2" s="1"><v>1E300</v></c>', "1E300"),
    ],
)
def test_a_cell_says_what_a_spreadsheet_would_save_as_csv(cell: str, said: str) -> None:
    """A date is a date and never the number under it: a price of 46,082 from 1 March would be taken."""
    assert read(styled(cell)) == [["code", "price"], ["A1", said]]


def test_days_count_from_the_workbooks_own_first_one() -> None:
    assert read(styled('<c r="B2" s="1"><v>44620</v></c>', from_1904=True))[1] == ["A1", "2026-03-01"]


def test_a_formula_without_a_result_is_refused_with_its_cell() -> None:
    with pytest.raises(SheetUnreadable) as refused:
        read(styled('<c r="B2"><f>A1*2</f><v></v></c>'))

    assert refused.value.params == {"what": "sheet", "problem": "formula", "where": "B2"}
    assert read(styled('<c r="B2" t="str"><f>IF(1,"","")</f><v></v></c>'))[1] == ["A1"]
    assert problem(styled('<c r="B2" t="s"><f>A1</f><v>0</v></c>')) == "formula"


def test_a_workbook_by_another_programs_hand_reads_as_its_csv(tmp_path: Path) -> None:
    """Shared texts, styles and several empty sheets, as spreadsheets write them."""
    file = tmp_path / "a.xlsx"
    with Workbook(str(file)) as book:
        sheet = book.add_worksheet()
        book.add_worksheet()
        sheet.write_row(0, 0, ["编号", "中文名称", "价格"])
        sheet.write_row(3, 0, ["A1", "名称 ", 9.9])
        sheet.write_formula(4, 2, "=C4*2", None, 19.8)
        sheet.write_string(4, 0, "A2")

    assert read(file.read_bytes()) == read_cells("编号,中文名称,价格\nA1,名称,9.9\nA2,,19.8\n".encode())


SOFT = b"".join(random.Random(n).randbytes(300) * 40 for n in range(750))
BIG = [HEAD, *([f"A{n}", "1"] for n in range(1100))]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (workbook([HEAD, ["A1"]], extra={"xl/vbaProject.bin": b"x"}), "macros"),
        (workbook([HEAD, ["A1"]], extra={"xl/macrosheets/sheet1.xml": b"x"}), "macros"),
        (workbook([HEAD, ["A1"]], [["other"]]), "several_sheets"),
        (workbook([HEAD, ["A1"]], [], [[("formula", "")]]), "several_sheets"),
        (workbook(BIG), "too_many_rows"),
        (styled('<c r="AO2"><v>1</v></c>'), "too_many_columns"),
        (styled('<c r="XFD2"><v>1</v></c>'), "too_many_columns"),
        (workbook([HEAD, ["A1"]], extra={"xl/media/a.png": b" " * 50_000_000}, level=9), "bomb"),
        (workbook([HEAD, ["A1"]], extra={"xl/media/a.png": SOFT}), "bomb"),
        (workbook([HEAD, ["A1", "x" * 7_000_000]], extra={"a": bytes(1_000_000)}, level=0), "too_large"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_workbook"),
        (styled("</row>" + "<row/>" * 200_000 + "<row>"), "too_large"),
        (b"PK\3\4" + b"x" * 99, "damaged"),
        (b"code,price\nA1,1\n", "not_a_workbook"),
        (workbook([HEAD]), "empty"),
        (workbook([]), "empty"),
        (workbook([HEAD, ["A_x0000_"]]), "encoding"),
        (workbook([HEAD, ["A_xD800_"]]), "encoding"),
        (styled("", b"<!DOCTYPE x [<!ENTITY a 'b'>]><styleSheet/>"), "damaged"),
        (bytes(LARGEST + 1), "too_large"),
    ],
)
def test_fault_78_a_workbook_that_is_no_sheet_of_goods_is_refused_with_its_reason(raw: bytes, why: str) -> None:
    """Fault 78: what inflates beyond a few megabytes is not read at all."""
    assert problem(raw) == why


def test_a_number_of_a_row_that_is_none_is_no_trouble() -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([HEAD, ["A1", "1"]]))) as source, zipfile.ZipFile(raw, "w") as archive:
        for entry in source.infolist():
            archive.writestr(entry.filename, source.read(entry).replace(b'row r="2"', 'row r="²"'.encode()))

    assert read(raw.getvalue())[1] == ["A1", "1"]


def test_a_csv_of_too_many_columns_is_refused_and_empty_ones_do_not_count() -> None:
    assert problem(b"code" + b",x" * 40 + b"\nA1\n", "goods.csv") == "too_many_columns"
    assert read(b"code" + b"," * 60 + b"\nA1\n", "goods.csv") == [["code"], ["A1"]]


def test_fault_78_a_zip_of_a_version_that_nobody_reads_is_refused() -> None:
    raw = bytearray(workbook([HEAD, ["A1", "1"]]))
    at = raw.index(b"PK\1\2")
    raw[at + 6 : at + 8] = (191).to_bytes(2, "little")

    assert problem(bytes(raw)) == "damaged"


@pytest.mark.parametrize("seed", range(8))
def test_fault_78_bytes_that_changed_on_the_way_are_never_more_than_a_refusal(seed: int) -> None:
    chance = random.Random(seed)
    whole = workbook([HEAD, *([f"A{n}", ("number", "1.5")] for n in range(40))], strings=["x"])
    for _ in range(60):
        raw = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(raw, "w") as archive:
            for entry in source.infolist():
                body = bytearray(source.read(entry))
                for _ in range(chance.randint(0, 3)):
                    body[chance.randrange(len(body))] = chance.choice(b'09<>"=/ \xff\x00aZ-e.')
                archive.writestr(entry.filename, bytes(body))
        flipped = bytearray(raw.getvalue())
        if chance.random() < 0.5:
            flipped[chance.randrange(len(flipped))] = chance.randrange(256)
        with contextlib.suppress(SheetUnreadable):
            assert read(bytes(flipped))[0]
