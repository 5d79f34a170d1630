"""Workbooks: only text is a secret, other cells are refused with their address, and no zip inflates without end."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.tables import Row, decode
from core.workbooks.problems import FileProblem, FileRefused
from core.workbooks.sheet import address
from tests.support.workbooks import MAIN, Cell, workbook

HEADER: list[Cell] = ["序号", "卡号", "密码", "有效期"]


def rows(raw: bytes, column: str | None = None) -> list[Row]:
    return list(decode(io.BytesIO(raw), extension="xlsx", column=column).rows)


def refusal(raw: bytes) -> FileProblem:
    with pytest.raises(FileRefused) as refused:
        rows(raw)
    return refused.value.problem


def test_text_cells_are_read_whether_inline_shared_or_in_runs() -> None:
    raw = workbook(
        [HEADER, [("number", "1"), "001", "AAAA"], ["", "002", ("shared", "1")], ["", "003", ("rich", "CCCC")]],
        strings=["x", "BBBB"],
    )

    assert [(row.fields["number"], row.fields["secret"]) for row in rows(raw)] == [
        ("001", "AAAA"),
        ("002", "BBBB"),
        ("003", "CCCC"),
    ]


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (("number", "12345678901234567"), RowProblem.NUMERIC_CELL),
        (("date", "2027-01-01"), RowProblem.DATE_CELL),
        (("boolean", "1"), RowProblem.BOOLEAN_CELL),
        (("error", "#N/A"), RowProblem.ERROR_CELL),
        (("formula", "AB"), RowProblem.FORMULA_CELL),
        (("formula", ""), RowProblem.FORMULA_CELL),
        (("text formula", "AB"), RowProblem.FORMULA_CELL),
        ("", RowProblem.NO_SECRET),
    ],
)
def test_fault_77_a_secret_that_is_no_text_is_refused_with_its_address(cell: Cell, problem: RowProblem) -> None:
    bad, good = rows(workbook([HEADER, ["", "001", cell], ["", "002", "BBBB"]]))

    assert (bad.place, bad.problem) == ("C2", problem)
    assert (good.place, good.fields["secret"]) == ("row 3", "BBBB")


def test_a_number_cell_in_the_card_number_column_is_refused_too() -> None:
    (row,) = rows(workbook([HEADER, ["", ("number", "5339724626577478"), "AAAA"]]))

    assert (row.place, row.problem) == ("B2", RowProblem.NUMERIC_CELL)


def test_fault_77_hidden_rows_count_and_the_second_sheet_does_not() -> None:
    raw = workbook([HEADER, ["", "001", "AAAA"], ["", "002", "BBBB"]], [HEADER, ["", "9", "SECOND"]], hidden_rows=[3])

    assert [row.fields["secret"] for row in rows(raw)] == ["AAAA", "BBBB"]


def test_a_merged_secret_belongs_to_its_first_row_only() -> None:
    first, second = rows(workbook([HEADER, ["", "001", "AAAA"], ["", "002", ""]]))

    assert (first.problem, second.problem, second.place) == (None, RowProblem.NO_SECRET, "C3")


@pytest.mark.parametrize("from_1904", [False, True])
def test_end_dates_may_be_numbers_counted_from_either_epoch(from_1904: bool) -> None:
    serial = "46568" if not from_1904 else "45106"
    (row,) = rows(workbook([HEADER, ["", "1", "AAAA", ("number", serial)]], from_1904=from_1904))

    assert row.fields["expires"] == "2027-06-30"


def test_an_escaped_character_is_the_character() -> None:
    (row,) = rows(workbook([["code"], ["A_x0026_B_x005F_x0041_"]]))

    assert row.fields["secret"] == "A&B_x0041_"


def test_one_column_without_a_header_is_a_secret_a_row() -> None:
    assert [row.fields["secret"] for row in rows(workbook([["AAAA"], ["BBBB"]]))] == ["AAAA", "BBBB"]


def test_fault_78_a_bomb_is_refused_before_it_is_inflated() -> None:
    padding = b" " * 120_000_000
    raw = workbook([HEADER, ["", "1", "A"]], extra={"xl/sharedStrings.xml": padding}, level=9)

    assert len(raw) < 1_000_000
    assert refusal(raw) is FileProblem.BOMB


def test_fault_78_an_entry_that_lies_about_its_size_is_not_believed() -> None:
    raw = bytearray(workbook([HEADER, ["", "1", "A" * 5000]]))
    with zipfile.ZipFile(io.BytesIO(bytes(raw))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    for at in range(len(raw) - 4):
        if raw[at : at + 4] == size.to_bytes(4, "little"):
            raw[at : at + 4] = (100).to_bytes(4, "little")

    assert refusal(bytes(raw)) is FileProblem.DAMAGED


@pytest.mark.parametrize(
    "sheet",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><worksheet><sheetData/></worksheet>',
        "<worksheet><sheetData>" + "<a>" * 20000,
        "<worksheet><sheetData><row><c>",
        '<?xml version="1.0" encoding="UT--8"?><worksheet/>',
        '<?xml version="1.0" encoding="gb18030"?><worksheet/>',
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="s"><v>7</v></c></row></sheetData></worksheet>',
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="ZZZ1" t="n"><v>7</v></c></row></sheetData></worksheet>',
    ],
    ids=["entities", "depth", "cut off", "no encoding", "no XML's encoding", "no such string", "too many columns"],
)
def test_a_hostile_sheet_is_refused(sheet: str) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([HEADER]))) as source, zipfile.ZipFile(raw, "w") as archive:
        for entry in source.infolist():
            body = source.read(entry)
            archive.writestr(entry.filename, sheet if entry.filename.endswith("sheet1.xml") else body)

    assert refusal(raw.getvalue()) is FileProblem.DAMAGED


def test_a_workbook_that_breaks_at_its_end_gives_no_row_at_all() -> None:
    raw = io.BytesIO()
    whole = io.BytesIO(workbook([["code"], *([f"A{n}"] for n in range(5000))]))
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(raw, "w") as archive:
        for entry in source.infolist():
            body = source.read(entry)
            archive.writestr(entry.filename, body[:-60] if entry.filename.endswith("sheet1.xml") else body)

    with pytest.raises(FileRefused):
        decode(raw, extension="xlsx", column=None)


@pytest.mark.parametrize("raw", [b"PK\x03\x04 not a zip", b"PK\x05\x06" + bytes(18)])
def test_a_zip_that_is_none_or_empty_is_refused(raw: bytes) -> None:
    assert refusal(raw) in (FileProblem.DAMAGED, FileProblem.NOT_A_WORKBOOK)


def test_a_zip_of_something_else_is_no_workbook() -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")

    assert refusal(raw.getvalue()) is FileProblem.NOT_A_WORKBOOK


def test_addresses_read_as_people_write_them() -> None:
    assert [address(column, 7) for column in (0, 25, 26, 27, 701, 702)] == ["A7", "Z7", "AA7", "AB7", "ZZ7", "AAA7"]
