"""Why a file is no sheet of goods, and why a row of one is left out, in words of the panel."""

from __future__ import annotations

from collections.abc import Mapping

from admin.imports.reasons import FILE_REASONS
from bot.texts import mark
from core.catalog.sheets.rows import Wrong

_ALIKE = ("binary", "old_workbook", "encrypted", "web_page", "not_a_workbook", "damaged", "bomb", "too_much_text")

SHEET_REASONS: Mapping[str, str] = {
    **{problem: FILE_REASONS[problem] for problem in _ALIKE},
    "encoding": mark("It holds signs that are no text: save it as .xlsx, or as CSV in UTF-8, and bring that."),
    "too_large": mark(
        "It is larger than 1 MB, or full of empty rows and cells: leave only the goods in it, or split it."
    ),
    "too_many_rows": mark("It has more than 1,000 rows: split it and bring one part after the other."),
    "too_many_columns": mark("It has something beyond its 40th column: leave only the columns of the goods."),
    "empty": mark("There is no row below its header."),
    "header": mark("Its first row names no column “Code”: download the sheet, and keep its first row."),
    "macros": mark("The workbook has macros, which are never taken: save it as .xlsx or CSV and bring that."),
    "several_sheets": mark("More than one sheet of the workbook has something in it: leave only the goods."),
    "formula": mark("The formula in {where} came to nothing yet: open the workbook, save it, and bring that."),
}
"""By the `problem` of a `SheetUnreadable`."""

ROW_REASONS: Mapping[Wrong, str] = {
    Wrong.CODE: mark("no code, or one that is not a letter with letters and digits"),
    Wrong.TWICE: mark("this code stands in the sheet before"),
    Wrong.NAME: mark("the name is too long, or has signs that cannot be shown"),
    Wrong.CATEGORY: mark("there is no such shelf"),
    Wrong.PRICE: mark("this is no price"),
    Wrong.MOST: mark("one order may have from 1 to 1000"),
    Wrong.POSITION: mark("a place is a whole number"),
    Wrong.ON_SALE: mark("on sale is yes or no"),
    Wrong.NEW_NEEDS: mark("new goods need a Chinese name, a shelf and a price"),
    Wrong.ARCHIVED: mark("it is put away"),
    Wrong.CURRENCY: mark("it is sold in another currency"),
    Wrong.SHARED: mark("shared goods keep their name"),
    Wrong.SHELF: mark("the shelf is changed at the product"),
}
