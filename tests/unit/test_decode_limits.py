"""Files that are too much, by size or by design: refused by name before a row is used, and never kept in memory."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.custody.imports.decoder import encodings, records, source, tables
from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.records import Splitter, lines
from core.custody.imports.decoder.tables import Row, decode
from core.workbooks import sheet
from core.workbooks.problems import FileProblem, FileRefused
from core.workbooks.records import Record
from tests.support.workbooks import MAIN, Cell
from tests.support.workbooks import workbook as written


def rows(raw: bytes, extension: str = "xlsx") -> list[Row]:
    return list(decode(io.BytesIO(raw), extension=extension, column=None).rows)


def refusal(raw: bytes, extension: str = "xlsx") -> FileProblem:
    with pytest.raises(FileRefused) as refused:
        rows(raw, extension)
    return refused.value.problem


def with_sheet(sheet: str) -> bytes:
    """A workbook whose first sheet is this XML."""
    raw = io.BytesIO(written([["AAAA"]]))
    made = io.BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=0) as new:
        for entry in old.infolist():
            content = sheet.encode() if "sheet1" in entry.filename else old.read(entry)
            new.writestr(entry.filename, content)
    return made.getvalue()


def test_fault_78_entries_that_share_their_bytes_are_a_bomb() -> None:
    raw = bytearray(written([["AAAA"]], extra={"a.xml": b"x" * 50_000, "b.xml": b"x" * 50_000}))
    first, second = (raw.rindex(b"PK\x01\x02", 0, raw.rindex(name)) for name in (b"a.xml", b"b.xml"))
    raw[second + 42 : second + 46] = raw[first + 42 : first + 46]  # where its bytes begin

    assert refusal(bytes(raw)) is FileProblem.BOMB


def test_fault_78_a_list_of_entries_without_end_is_not_read() -> None:
    raw = bytearray(written([["AAAA"]]))
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 8 : end + 12] = struct.pack("<HH", 60_000, 60_000)

    assert refusal(bytes(raw)) is FileProblem.BOMB


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [
        (f'<worksheet xmlns="{MAIN}" a="{"x" * 2_500_000}"><sheetData/></worksheet>', FileProblem.BOMB),
        (f'<worksheet xmlns="{MAIN}">{"".join(f"<e{n}/>" for n in range(1500))}</worksheet>', FileProblem.DAMAGED),
        ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>', FileProblem.DAMAGED),
    ],
    ids=["an attribute without end", "names without end", "billion laughs"],
)
def test_fault_78_a_sheet_that_would_fill_the_memory_is_refused(sheet: str, problem: FileProblem) -> None:
    assert refusal(with_sheet(sheet)) is problem


def test_fault_78_texts_that_do_not_fit_into_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "_MOST_TEXT", 4000)

    assert len(rows(written([[("shared", "0")]], strings=["A" * 3000]))) == 1
    assert refusal(written([[("shared", "0")]], strings=["A" * 3000, "B" * 3000])) is FileProblem.TOO_MUCH_TEXT


@pytest.mark.parametrize("cell", ["A" * 3_000_000, ("shared", "0")], ids=["in the sheet", "shared"])
def test_a_cell_without_end_is_cut_while_it_is_read_and_its_row_refused(cell: Cell) -> None:
    bad, good = rows(written([["卡密"], [cell], ["BBBB"]], strings=["A" * 3_000_000], level=0))

    assert (bad.place, bad.problem) == ("A2", RowProblem.TOO_LONG)
    assert good.fields["secret"] == "BBBB"


@pytest.mark.parametrize("escape", ["_x0000_", "_xD800_"])
def test_a_cell_with_a_character_that_no_text_may_have_is_refused(escape: str) -> None:
    bad, good = rows(written([["卡密"], [f"AA{escape}AA"], ["BBBB"]]))

    assert (bad.place, bad.problem) == ("A2", RowProblem.BAD_CHARACTER)
    assert good.fields["secret"] == "BBBB"


def test_a_line_without_end_is_no_table() -> None:
    with pytest.raises(FileRefused) as refused:
        rows(b"code\nAAAA\n" + b"x" * 600_000 + b"\nBBBB\n", "csv")

    assert refused.value.problem is FileProblem.ENDLESS_LINE
    assert refused.value.params == {"line": 3, "most": 262_144}


@pytest.mark.parametrize("raw", [b"\x1f\x8b\x08\x00rest", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"])
def test_an_archive_by_another_name_is_refused(raw: bytes) -> None:
    assert refusal(raw, "csv") is FileProblem.BINARY
    assert refusal(raw, "txt") is FileProblem.BINARY


def test_a_zip_called_csv_is_read_as_the_workbook_it_is_or_refused() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("cards.csv", "AAAA")

    assert [row.fields["secret"] for row in rows(written([["AAAA"]]), "csv")] == ["AAAA"]
    assert refusal(other.getvalue(), "csv") is FileProblem.NOT_A_WORKBOOK


@pytest.mark.parametrize("extension", ["txt", "xlsx"])
def test_more_rows_than_an_import_may_have_are_refused_before_the_first(
    extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    four: list[list[Cell]] = [["AAAA"], ["BBBB"], ["CCCC"], ["DDDD"]]
    raw = written(four) if extension == "xlsx" else b"A\nB\nC\nD\n"

    assert refusal(raw, extension) is FileProblem.TOO_MANY_ROWS


def test_fault_74_mojibake_far_into_a_file_is_asked_about_as_well() -> None:
    raw = b"code,remark\n" + b"AAAA,x\n" * 30_000 + "BBBB,clé à café\n".encode("latin-1")

    assert refusal(raw, "csv") is FileProblem.ENCODING


def as_pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def shown(found: Any) -> list[tuple[Any, ...]]:
    return [(one.number, one.cells, one.is_ambiguous) for one in found if isinstance(one, Record)]


SMALL = st.text(alphabet='ab",;\n\r', max_size=120)


@given(SMALL, st.integers(1, 30), st.sampled_from([None, 1, 2, 3]))
def test_fault_74_where_a_piece_of_text_ends_changes_nothing(text: str, size: int, width: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "AHEAD", 130)
        whole = shown(Splitter(",").records([text], width=width))
        assert shown(Splitter(",").records(as_pieces(text, size), width=width)) == whole
        assert shown(lines(as_pieces(text, size))) == shown(lines([text]))


@given(st.lists(st.text(alphabet='ab",;\r', max_size=6), max_size=60), st.integers(1, 30))
def test_fault_74_a_window_that_moves_reads_what_a_whole_text_reads(found: list[str], size: int) -> None:
    text = "\n".join(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "AHEAD", 40)
        patch.setattr(records, "_LONGEST_RECORD", 20)
        patch.setattr(records, "_LONGEST_CELL", 15)
        read = shown(Splitter(",").records(as_pieces(text, size), width=2))
        assert read == shown(Splitter(",").records([text], width=2))
        assert shown(lines(as_pieces(text, size))) == shown(lines([text]))


def test_a_file_is_never_in_memory_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"code,remark\n" + b"AAAA-%06d,x\n" * 1 % 7 + b"".join(b"AAAA-%06d,x\n" % n for n in range(100_000))
    asked: list[tuple[int, int]] = []

    def fetch(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return raw[offset : offset + length]

    table = decode(source.opened(len(raw), fetch), extension="csv", column=None)
    first = next(table.rows)
    before = len(asked)
    assert first.fields["secret"] == "AAAA-000007"
    assert sum(1 for _ in table.rows) == 100_000
    assert len(asked) > before  # the rest came while it was read
    assert max(length for _, length in asked) <= encodings.PIECE
