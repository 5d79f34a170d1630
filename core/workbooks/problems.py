"""What can be wrong with a file as a whole."""

from __future__ import annotations

from enum import StrEnum


class FileProblem(StrEnum):
    """Why a file is refused before any row is used; each has its mend in the importer's words."""

    EMPTY = "empty"  # no row at all
    ENCODING = "encoding"  # neither UTF-8, UTF-16 nor GB18030, or not surely
    BINARY = "binary"  # no text and no workbook: a picture, a PDF, an archive
    OLD_WORKBOOK = "old_workbook"  # .xls of Excel 97-2003
    ENCRYPTED = "encrypted"  # a workbook with a password
    WEB_PAGE = "web_page"  # HTML under another name
    NOT_A_WORKBOOK = "not_a_workbook"  # named .xlsx, but not one
    DAMAGED = "damaged"  # a workbook that does not read to its end
    BOMB = "bomb"  # inflates to far more than an honest workbook
    HEADER_MISSING = "header_missing"  # several columns and none of them known by name
    SECRET_COLUMN_MISSING = "secret_column_missing"  # noqa: S105 - a header, but no column for the secret
    COLUMN_TWICE = "column_twice"  # two columns that may be the same thing
    NO_SUCH_COLUMN = "no_such_column"  # the column that was asked for is not there
    TOO_LARGE = "too_large"  # beyond the limits of memory or time
    TOO_MANY_ROWS = "too_many_rows"  # more than an import may have, or may come by a chat at once
    OVER_QUOTA = "over_quota"  # more rows than a supplier who is not vetted may bring on this day
    ENDLESS_LINE = "endless_line"  # a line longer than any row: a file without line endings, or no table at all
    TOO_MUCH_TEXT = "too_much_text"  # a workbook whose table of texts does not fit into the memory of an import


class FileRefused(Exception):
    """The whole file is refused; `params` name columns and limits, never a value."""

    def __init__(self, problem: FileProblem, **params: str | int) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.params = params
