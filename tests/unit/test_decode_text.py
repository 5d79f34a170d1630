"""Text files as suppliers really send them: encodings, separators, quotes, headers, dates."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.custody.imports.decoder.columns import known_columns
from core.custody.imports.decoder.dates import end_date
from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.tables import Row, decode
from core.workbooks.problems import FileProblem, FileRefused

TABLE = "卡号,卡密,有效期,备注\r\n001,AAAA-1111,2027-12-31,渠道\r\n002,BBBB-2222,2027-12-31,\r\n"
CARDS = [
    {"number": "001", "secret": "AAAA-1111", "expires": "2027-12-31"},
    {"number": "002", "secret": "BBBB-2222", "expires": "2027-12-31"},
]


def rows(raw: bytes | str, extension: str = "csv", column: str | None = None) -> list[Row]:
    encoded = raw.encode() if isinstance(raw, str) else raw
    return list(decode(io.BytesIO(encoded), extension=extension, column=column).rows)


def cards(raw: bytes | str, extension: str = "csv", column: str | None = None) -> list[dict[str, str]]:
    found = rows(raw, extension, column)
    assert [row.problem for row in found] == [None] * len(found)
    return [row.fields for row in found]


def refusal(raw: bytes | str, extension: str = "csv", column: str | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        rows(raw, extension, column)
    return refused.value


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("gb18030", b""),
        ("gbk", b""),
    ],
)
def test_fault_74_an_encoding_is_recognised_and_leaves_no_mark_behind(encoding: str, mark: bytes) -> None:
    assert cards(mark + TABLE.encode(encoding)) == CARDS


@pytest.mark.parametrize(
    "raw", ["clé,café\r\nAAAA-é1,x\r\n".encode("latin-1"), "卡密,備註\r\nABCD-擁有,謝謝\r\n".encode("big5")]
)
def test_fault_74_what_only_might_be_chinese_is_asked_about_not_guessed(raw: bytes) -> None:
    assert refusal(raw).problem is FileProblem.ENCODING


def test_a_file_with_a_zero_byte_is_no_text() -> None:
    assert refusal(b"code\nAAAA\x00BBBB\n", "txt").problem is FileProblem.BINARY


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "----"])
def test_fault_75_any_usual_separator_is_found_by_the_header(separator: str) -> None:
    assert cards(TABLE.replace(",", separator), "txt") == CARDS


def test_mixed_line_endings_end_a_row_each() -> None:
    assert [card["secret"] for card in cards("卡密\rA1\nB2\r\nC3\n\nD4", "csv")] == ["A1", "B2", "C3", "D4"]


def test_quoted_cells_may_hold_separators_quotes_and_lines() -> None:
    text = 'code,remark\n"A,1","first\nsecond\nthird"\n"B""2",\nC3,last\n'

    found = rows(text)

    assert [row.fields["secret"] for row in found] == ["A,1", 'B"2', "C3"]
    assert [row.place for row in found] == ["row 2", "row 5", "row 6"]


@pytest.mark.parametrize("secret", ['"A1', 'A1"', 'A"1', '"A"1', '""A1', '"'])
def test_a_lone_quote_is_part_of_the_secret_and_swallows_no_rows(secret: str) -> None:
    assert [card["secret"] for card in cards(f"code,remark\n{secret},x\nB2,y\nC3,z\n")] == [secret, "B2", "C3"]


def test_two_lone_quotes_that_may_be_one_cell_are_refused_rather_than_swallow_the_rows_between_them() -> None:
    bad, good = rows('code,remark\n"A1,x\nB2,y\nC3",z\nD4,w\n')

    assert (bad.place, bad.problem, bad.fields) == ("row 2", RowProblem.QUOTES, {})
    assert (good.place, good.fields["secret"]) == ("row 5", "D4")


def test_a_title_above_the_header_is_not_a_row() -> None:
    assert cards("腾讯视频 供货单,,,\r\n\r\n" + TABLE) == CARDS


def test_a_header_that_is_repeated_in_the_middle_is_not_a_row() -> None:
    assert (
        cards(TABLE + TABLE.replace("00", "10").replace("AAAA", "CCCC").replace("BBBB", "DDDD"))[2]["secret"]
        == "CCCC-1111"
    )
    assert len(cards(TABLE + TABLE)) == 4


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("卡号,密码", "密码"),
        ("激活码,PIN", "激活码"),
        ("Card Number,Card_Secret", "Card_Secret"),
        ("code,pin", "code"),
        ("卡号,PIN", "PIN"),
        ("code,激活码", "激活码"),
        ("卡 密（必填）,说明", "卡 密（必填）"),
        ("备注,兑换码", "兑换码"),
    ],
)
def test_the_secret_column_is_known_by_its_names(header: str, secret: str) -> None:
    (row,) = cards(f"{header}\nLEFT,RIGHT\n")

    assert row["secret"] == ("LEFT" if header.split(",", 1)[0] == secret else "RIGHT")


@pytest.mark.parametrize(
    ("text", "problem", "columns"),
    [
        ("卡号,备注\n1,2\n", FileProblem.SECRET_COLUMN_MISSING, "卡号, 备注"),
        ("卡密,密码,x\n1,2,3\n", FileProblem.COLUMN_TWICE, "卡密, 密码"),
        ("code,code\n1,2\n", FileProblem.COLUMN_TWICE, "code, code"),
        ("卡密,有效期,到期日\n1,2,3\n", FileProblem.COLUMN_TWICE, "有效期, 到期日"),
        ("A1,B1\nA2,B2\n", FileProblem.HEADER_MISSING, 2),
    ],
)
def test_fault_75_an_unclear_header_is_asked_about_by_its_names(
    text: str, problem: FileProblem, columns: object
) -> None:
    refused = refusal(text)

    assert (refused.problem, refused.params["columns"]) == (problem, columns)


def test_a_column_may_be_chosen_by_name_or_by_number() -> None:
    assert [card["secret"] for card in cards("卡密,密码\nA1,B1\n", column="密码")] == ["B1"]
    assert [card["secret"] for card in cards("foo,bar\nA1,B1\n", column="BAR")] == ["B1"]
    assert [card["secret"] for card in cards("A1,B1\nA2,B2\n", column="2")] == ["B1", "B2"]
    assert [card["secret"] for card in cards("A1----B1\nA2----B2\n", "txt", column="2")] == ["B1", "B2"]
    assert refusal("卡密,备注\nA1,\n", column="序列").problem is FileProblem.NO_SUCH_COLUMN


def test_a_text_file_without_header_is_one_secret_a_line_byte_for_byte() -> None:
    text = '  A1  \nuser,name;x\t"q"\nuser----password----%0A0\n\n\xa0B2\u3000\n\'=1+1'

    assert [card["secret"] for card in cards(text, "txt")] == [
        "  A1  ",
        'user,name;x\t"q"',
        "user----password----%0A0",
        "\xa0B2\u3000",
        "'=1+1",
    ]


def test_only_line_endings_end_a_line() -> None:
    assert [card["secret"] for card in cards("A\x0b1\x1c\u2028B\x85\nC2\n", "txt")] == ["A\x0b1\x1c\u2028B\x85", "C2"]


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"), min_size=1), min_size=1)
)
def test_fault_76_every_line_comes_back_as_it_stood(secrets: list[str]) -> None:
    wanted = [secret for secret in secrets if secret.strip()]
    text = "\ufeff" + "\n".join(secrets)
    if not wanted or wanted[0].strip() != wanted[0]:
        return
    if any(known_columns([line, *re.split(r"[,;|\t]", line), *re.split(r"\W+", line)]) for line in secrets):
        return  # a line that reads as a header

    try:
        found = [row.fields["secret"] for row in rows(text, "txt") if row.problem is None]
    except FileRefused:  # a first line such as <html or a column's name
        return

    assert found in (wanted, wanted[1:])


@given(
    st.lists(
        st.tuples(st.text(st.sampled_from('ab",\n\r;|\t ')), st.text(st.sampled_from("xy 1"))), min_size=1, max_size=30
    )
)
def test_what_a_csv_writer_quotes_is_read_as_it_was(table: list[tuple[str, str]]) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    kept = [(left, right) for left, right in table if left.strip()]
    text = "code,remark\r\n" + "".join(f"{cell(left)},{cell(right)}\r\n" for left, right in kept)

    if kept:
        found = rows(text)
        certain = [row.fields["secret"] for row in found if row.problem is not RowProblem.QUOTES]
        assert len(found) == len(kept)
        assert certain == [left for (left, _), row in zip(kept, found, strict=True) if row.problem is None]


@pytest.mark.parametrize(
    ("line", "problem", "place"),
    [
        (",2027-01-01", RowProblem.NO_SECRET, "row 2, 卡密"),
        ("  ,2027-01-01", RowProblem.NO_SECRET, "row 2, 卡密"),
        ("A1,2027-13-01", RowProblem.BAD_DATE, "row 2, 有效期"),
        ("A1,03/04/2027", RowProblem.BAD_DATE, "row 2, 有效期"),
        ("A1,soon", RowProblem.BAD_DATE, "row 2, 有效期"),
        ("A1,2027-01-01,B1", RowProblem.EXTRA_CELLS, "row 2"),
        ("A" * 9000 + ",2027-01-01", RowProblem.TOO_LONG, "row 2, 卡密"),
    ],
)
def test_one_bad_row_is_refused_with_its_place_and_the_others_stay(line: str, problem: RowProblem, place: str) -> None:
    bad, good = rows(f"卡密,有效期\n{line}\nB2,2027-01-01\n")

    assert (bad.problem, bad.place, good.problem) == (problem, place, None)


@pytest.mark.parametrize(
    "text",
    [
        "2027-06-30",
        "2027/6/30",
        "2027.6.30",
        "20270630",
        "2027年6月30日",
        "２０２７/０６/３０",
        "2027-06-30 23:59:59",
        "30/6/2027",
        "6/30/2027",
        " 2027-6-30 ",
    ],
)
def test_an_end_date_is_read_in_the_shapes_that_files_have(text: str) -> None:
    assert end_date(text) == date(2027, 6, 30)


@pytest.mark.parametrize("text", ["", "永久", "长期有效", "never"])
def test_a_card_may_have_no_end(text: str) -> None:
    assert end_date(text) is None


@pytest.mark.parametrize("text", ["27-06-30", "2027-02-29", "4/5/2027", "x", "2027", "2027-06", "99999999"])
def test_what_is_no_certain_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|either|month|day"):
        end_date(text)


@pytest.mark.parametrize("raw", ["", " \n\n\t\n", "\ufeff"])
def test_an_empty_file_is_said_to_be_empty(raw: str) -> None:
    assert refusal(raw).problem is FileProblem.EMPTY


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), FileProblem.OLD_WORKBOOK),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), FileProblem.ENCRYPTED),
        (b"<html><table><tr><td>A1</td></tr></table></html>", FileProblem.WEB_PAGE),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", FileProblem.WEB_PAGE),
        (b"%PDF-1.7 ...", FileProblem.BINARY),
        (b"code\nA1\n", FileProblem.NOT_A_WORKBOOK),
    ],
)
def test_fault_79_another_kind_of_file_named_xlsx_is_said_to_be_what_it_is(raw: bytes, problem: FileProblem) -> None:
    assert refusal(raw, "xlsx").problem is problem
