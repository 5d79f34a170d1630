"""What can be wrong with one row of a file; with the file as a whole: `core.workbooks.problems`."""

from __future__ import annotations

from enum import StrEnum


class RowProblem(StrEnum):
    """Why one row is refused while the others are imported."""

    NO_SECRET = "no_secret"  # noqa: S105 - the secret's cell is empty
    NUMERIC_CELL = "numeric_cell"  # a number or date: leading zeros and digits past the 15th are lost
    DATE_CELL = "date_cell"  # a cell of the date type
    BOOLEAN_CELL = "boolean_cell"
    ERROR_CELL = "error_cell"  # #N/A, #REF!
    FORMULA_CELL = "formula_cell"  # its value depends on who calculates it
    BAD_DATE = "bad_date"  # the end date is none, or could be read in two ways
    EXPIRED = "expired"  # the end date has passed
    EXTRA_CELLS = "extra_cells"  # more cells than columns: perhaps a secret with an unquoted separator
    QUOTES = "quotes"  # lone quotes, or one cell over several lines: it can be read in two ways
    TOO_LONG = "too_long"  # longer than any card
    BAD_CHARACTER = "bad_character"  # NUL or half of a surrogate pair, as a workbook's escapes may say
