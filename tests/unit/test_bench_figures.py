"""Figures of the bench as people read them, and the page that they are written into."""

import pytest

from core.config import ConfigError
from ops.bench.figures import HEAD, PROFILE, PROFILE_HEAD, Figure, lines, row
from ops.bench.functions import Asked, asked
from ops.bench.measure import Side
from ops.bench.profile import Stopwatch
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


def test_the_profile_is_a_table_of_its_own_with_a_row_for_each_phase() -> None:
    phase = [
        Figure(PROFILE, "place: the twin", 1.5, "ms"),
        Figure(PROFILE, "place: ours", 2.0, "ms"),
        Figure(PROFILE, "of it cryptography: ours", 0.38, "ms"),
    ]
    text = f"{HEAD}{row(SLOW)}\nbetween\n\n{PROFILE_HEAD}| old | | | | |\n\nafter\n"

    assert into(text, phase) == (
        f"{HEAD}{row(SLOW)}\nbetween\n\n{PROFILE_HEAD}"
        "| place | 2.00 ms | 1.50 ms |  |  |\n| of it cryptography | 0.38 ms |  |  |  |\n\nafter\n"
    )
    assert into(text, [SLOW]) == text


def test_a_page_without_a_table_for_the_profile_is_refused() -> None:
    with pytest.raises(ConfigError, match="tables of the bench"):
        into(f"{HEAD}{row(SLOW)}", [Figure(PROFILE, "place: ours", 2.0, "ms")])


def test_a_phase_inside_another_counts_for_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([(0.0, 0.0), (1.0, 0.5), (3.0, 1.0), (7.0, 4.0), (8.0, 4.25)])
    monkeypatch.setattr("ops.bench.profile._now", lambda: next(times))
    watch = Stopwatch(_since=(0.0, 0.0))
    next(times)

    with watch.during("deliver"), watch.during("vault"):
        pass

    assert watch.spent == {"": (1.0, 0.5), "deliver": (3.0, 0.75), "vault": (4.0, 3.0)}


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


def test_the_gateways_signatures_are_taken_off_a_round_once_for_each_client_that_waited_for_them() -> None:
    side = Side(walls=[9.0, 2.0], processors=[9.0, 1.0])

    side.without([(0.4, 0.2), (0.8, 0.4)], clients=4)

    assert side.walls == [9.0, pytest.approx(2.0 - 1.2 / 4 / 2)]
    assert side.processors == [9.0, pytest.approx(1.0 - 0.6 / 2)]
