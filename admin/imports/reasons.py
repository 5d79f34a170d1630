"""Why a file or a row of it is no cards, in words of the panel, each with what to do."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts import Texts, mark

ROW_REASONS: Mapping[str, str] = {
    "no_secret": mark("there is no card secret in it"),
    "numeric_cell": mark("the cell is a number: make it text, or leading zeros and long numbers are lost"),
    "date_cell": mark("the cell is a date, not text"),
    "boolean_cell": mark("the cell is true or false, not text"),
    "error_cell": mark("the cell holds an error"),
    "formula_cell": mark("the cell is a formula: paste its value as text"),
    "bad_date": mark("the end date is unclear: write it as 2027-12-31"),
    "expired": mark("it has expired already"),
    "extra_cells": mark("it has more cells than the header"),
    "quotes": mark("its quotes can be read in two ways"),
    "too_long": mark("it is longer than any card"),
    "bad_character": mark("it holds a character that no text may have"),
}
"""By `core.custody.imports.decoder.problems.RowProblem`, which the panel may not import."""

FILE_REASONS: Mapping[str, str] = {
    "empty": mark("There is nothing in this file."),
    "encoding": mark("Its encoding is not certain: save it as UTF-8 and bring it again."),
    "binary": mark("It is neither text nor a workbook: bring CSV, TSV, TXT or XLSX."),
    "old_workbook": mark("It is a workbook of Excel 97-2003: save it as .xlsx or CSV and bring that."),
    "encrypted": mark("The workbook has a password: save it without one and bring that."),
    "web_page": mark("It is a web page under another name: open it, save it as .xlsx or CSV and bring that."),
    "not_a_workbook": mark("It is called .xlsx but is none: save it again as .xlsx or CSV."),
    "damaged": mark("The workbook is damaged: open it, save it again and bring that."),
    "bomb": mark("The workbook would inflate to far more than its size: save it as CSV and bring that."),
    "header_missing": mark("It has several columns and no header that names them: say which column holds the secrets."),
    "secret_column_missing": mark("No column is known to hold the secrets: say which one it is."),
    "column_twice": mark("Two of its columns may be the same thing: say which one holds the secrets."),
    "no_such_column": mark("There is no such column in this file: say which column holds the secrets."),
    "too_large": mark("It takes more memory or time than an import may: split it."),
    "too_many_rows": mark("It has more than 1,500,000 rows: split it and bring the parts."),
    "over_quota": mark("You are not vetted yet and may bring only so many rows a day: go on tomorrow."),
    "endless_line": mark("One of its lines has no end: put one card on each line and bring it again."),
    "too_much_text": mark("The workbook holds too much text: split it, or save it as CSV and bring that."),
    "not_allowed": mark("You may not bring cards for these goods any more: ask whoever runs the store."),
    "too_often": mark("As much as one party may bring in a day has come: go on tomorrow."),
    "cancelled": mark("It was taken back: none of its cards is there, and the same file may come again."),
    "lost": mark("The sealed file could not be used any more: please bring it again."),
}
"""By `core.workbooks.problems.FileProblem`, and `core.conversations.restocking.RestockProblem`."""

ROW = mark("row {number}")
NAMES_A_COLUMN = frozenset({"header_missing", "secret_column_missing", "column_twice", "no_such_column"})
"""Problems that go away when a person says which column it is."""

ENCODINGS: Mapping[str, str] = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "gb18030": "GB18030",
}
SEPARATORS: Mapping[str, str] = {
    ",": mark("comma"),
    "\t": mark("tab"),
    ";": mark("semicolon"),
    "|": mark("vertical bar"),
    "----": mark("four dashes"),
    "": mark("none: one secret a line"),
}
COLUMNS: Mapping[str, str] = {
    "secret": mark("secret"),
    "number": mark("number"),
    "pin": mark("PIN"),
    "expires": mark("end date"),
}


def row_reason(reason: str, words: Texts) -> str:
    """Why a row is refused."""
    return words.say(ROW_REASONS[reason]) if reason in ROW_REASONS else reason


def file_reason(problem: str, words: Texts) -> str:
    """Why a file as a whole is refused."""
    return words.say(FILE_REASONS.get(problem, FILE_REASONS["lost"]))


def place(said: str, words: Texts) -> str:
    """Where a row is: row 17, or a cell's address as it is."""
    word, _, rest = said.partition(" ")
    number, _, column = rest.partition(", ")
    if word != "row" or not number.isdecimal():
        return said
    row = words.say(ROW, number=number)
    return words.row(row, column) if column else row
