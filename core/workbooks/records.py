"""One row of a file, and what its cells are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class CellKind(StrEnum):
    """What a workbook's cell is, where it is not text."""

    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    ERROR = "error"
    FORMULA = "formula"


@dataclass(slots=True, repr=False)
class Record:
    """One row: `number` is the line where it begins (or the sheet's row); `kinds` holds the cells that are not text."""

    number: int
    cells: list[str]
    kinds: dict[int, CellKind] = field(default_factory=dict)
    end: int = 0  # offset in the text after its line ending
    span: int = 1  # lines it takes
    is_ambiguous: bool = False  # its quotes can be read as one cell over several lines, or as rows of their own

    def is_blank(self) -> bool:
        """Whether no cell holds anything but blanks."""
        return not self.kinds and not any(cell and not cell.isspace() for cell in self.cells)
