"""Why a file or a row of it was not imported, and how to mend it; never a value, never a column's name."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts import mark

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
"""By `core.custody.imports.decoder.problems.RowProblem`, which no door may import."""

FILE_REASONS: Mapping[str, str] = {
    "empty": mark("There is nothing in it."),
    "encoding": mark("Its encoding is not certain: save it as UTF-8 and send it again."),
    "binary": mark("It is neither text nor a workbook: send CSV, TSV, TXT or XLSX."),
    "old_workbook": mark("It is a workbook of Excel 97-2003: save it as .xlsx or CSV and send it again."),
    "encrypted": mark("The workbook has a password: save it without one and send it again."),
    "web_page": mark("It is a web page under another name: open it, save it as .xlsx or CSV and send that."),
    "not_a_workbook": mark("It is called .xlsx but is none: save it again as .xlsx or CSV."),
    "damaged": mark("The workbook is damaged: open it, save it again and send that."),
    "bomb": mark("The workbook would inflate to far more than its size: save it as CSV and send that."),
    "header_missing": mark("It has several columns and no header that names them: add a first row with their names."),
    "secret_column_missing": mark("No column is known to hold the card secrets: name its header “secret” or “卡密”."),
    "column_twice": mark("Two of its columns may be the same thing: rename or remove one."),
    "too_large": mark("It takes more memory or time than an import may: split it."),
    "too_many_rows": mark("It has more than 20,000 rows: split it and send the parts."),
    "over_quota": mark("You are not vetted yet and may bring only so many cards a day: go on tomorrow."),
    "endless_line": mark("One of its lines has no end: put one card on each line and send it again."),
    "too_much_text": mark("The workbook holds too much text: split it, or save it as CSV and send that."),
    "not_allowed": mark("You may not bring stock for these goods any more: ask whoever runs the store."),
    "too_often": mark("As many files as one party may bring in a day have come: go on tomorrow."),
    "cancelled": mark("It was taken back: none of its cards is there."),
    "lost": mark("The sealed file could not be used any more: please send it again."),
}
"""By `FileProblem` of the same module and by `core.conversations.restocking.RestockProblem`."""
