"""Figures of the bench as people read them, and the page that they are written into."""

import pytest

from core.config import ConfigError
from ops.bench.figures import HEAD, Figure, lines, row
from ops.bench.functions import Asked, asked
from ops.commands.bench import into

FAST = Figure("orders", "ours to the twin's", 0.84, "", 0.8, at_most=False)
SLOW = Figure("arrival", "paid to cards", 1234.5, "ms", 1000.0)
FREE = Figure("memory", "shared once", 38.27, "MB")


@pytest.mark.parametrize(("figure", "is_reached"), [(FAST, True), (SLOW, False), (FREE, None)])
def test_a_goal_is_reached_missed_or_not_there(figure: Figure, is_reached: bool | None) -> None:
    assert figure.is_reached is is_reached


def test_the_table_says_measured_goal_and_outcome_in_columns() -> None:
    assert lines([FAST, SLOW, FREE]) == [
        "part     figure              measured  goal",
        "orders   ours to the twin's  0.84      ≥ 0.80      reached",
        "arrival  paid to cards       1,234 ms  ≤ 1,000 ms  missed",
        "memory   shared once         38.3 MB",
    ]


def test_the_page_keeps_all_but_the_rows_of_what_was_measured() -> None:
    text = f"before\n\n{HEAD}{row(SLOW)}{row(FREE)}\nafter\n"
    faster = Figure("arrival", "paid to cards", 99.0, "ms", 1000.0)

    assert into(text, [faster, FAST]) == f"before\n\n{HEAD}{row(FREE)}{row(faster)}{row(FAST)}\nafter\n"
    assert into(text, []) == text


def test_a_page_without_a_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="tables of the bench"):
        into("nothing here\n", [FAST])


@pytest.mark.parametrize(
    ("sql", "params", "result"),
    [
        ("SELECT 1", (), Asked("SELECT 1", [])),
        ("SELECT %s, %s", ("a", 2), Asked("SELECT $1, $2", ["a", 2])),
        ("SELECT %(b)s, %(a)s, %(b)s", {"a": 1, "b": 2}, Asked("SELECT $1, $2, $3", [2, 1, 2])),
        ("SELECT 'x%%' LIKE %s", ["x"], Asked("SELECT 'x%' LIKE $1", ["x"])),
    ],
)
def test_a_statement_of_the_driver_is_one_of_the_database(sql: str, params: object, result: Asked) -> None:
    assert asked(sql, params) == result
