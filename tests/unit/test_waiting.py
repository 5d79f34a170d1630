"""The figure of lines in review, where it cannot be read."""

import peewee
import pytest

from channels.web.figures import Figures
from ops.waiting import lines_in_review


def test_figures_are_told_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise peewee.OperationalError("the server went away")

    monkeypatch.setattr("core.db.connection", away)
    figures = Figures()
    figures.gauge("keystall_lines_in_review", "Paid lines that wait for a person.", lines_in_review)
    figures.gauge("keystall_waits", "Open long polls and streams.", lambda: 3)

    assert figures.text().splitlines()[-4:] == [
        "keystall_lines_in_review nan",
        "# HELP keystall_waits Open long polls and streams.",
        "# TYPE keystall_waits gauge",
        "keystall_waits 3",
    ]
