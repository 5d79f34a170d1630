"""One line of a report of `doctor` or `upgrade --check`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was looked at, and what was found; `text` of a defect ends with its mend.

    A notice is no defect of the installation, but someone should know it, or look at it.
    """

    what: str
    text: str
    is_defect: bool = False
    is_notice: bool = False

    @property
    def line(self) -> str:
        """As it is printed."""
        mark = "DEFECT" if self.is_defect else "LOOK" if self.is_notice else "ok"
        return f"{mark:7} {self.what:10} {self.text}"
