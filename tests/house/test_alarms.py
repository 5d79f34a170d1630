"""The alarms: each has its section in the runbook, its rule in docs/alerts.yml, and asks for figures that exist."""

import re
from pathlib import Path

import pytest

from channels.figures import gauge
from ops.alarms.alarm import Alarm, Severity
from ops.alarms.every import ALARMS
from ops.alarms.firing import firing
from ops.alarms.rules import FILE, rules
from ops.figures.questions import QUESTIONS
from ops.operating import section
from tests.house.tree import ROOT

FIGURE = re.compile(r"keystall_[a-z0-9_]+")
MADE = re.compile(r'"(keystall_[a-z0-9_]+)"')


def figures_in_the_code() -> set[str]:
    """Every name that the code counts under or asks for, alarms not counted."""
    code = [*(ROOT / "ops").rglob("*.py"), *(ROOT / "channels").rglob("*.py")]
    return {name for path in code if "alarms" not in path.parts for name in MADE.findall(path.read_text("utf-8"))}


def test_the_rules_file_is_what_the_alarms_say() -> None:
    assert FILE == ROOT / "docs/alerts.yml"
    assert FILE.read_text("utf-8") == rules(), "make docs"


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_each_alarm_has_its_section_and_asks_for_figures_that_exist(alarm: Alarm) -> None:
    text = section(alarm.name)
    asked = {name.removesuffix("_bucket") for name in FIGURE.findall(alarm.rule)}

    assert len(text) >= 2, "what it means; what to do and when it is over"
    assert all(len(paragraph) > 20 for paragraph in text[1:])
    assert asked <= figures_in_the_code()
    assert alarm.figure in asked
    assert (alarm.above is None) + (alarm.below is None) + (not alarm.expression) == 2


def test_no_section_is_about_an_alarm_that_does_not_exist() -> None:
    headings = re.findall(r"^### (Keystall\w+)$", Path(ROOT / "docs/runbook.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(alarm.name for alarm in ALARMS)
    assert len(set(headings)) == len(headings)


def test_a_figure_that_the_text_names_has_a_meaning() -> None:
    names = [asked.name for question in QUESTIONS for asked in question.figures]

    assert len(set(names)) == len(names)
    assert all(asked.meaning[0].isupper() or asked.meaning[0].isdigit() for one in QUESTIONS for asked in one.figures)


def test_what_is_beyond_its_bound_fires_the_most_pressing_first() -> None:
    families = [
        gauge("keystall_part_up", "", {("database",): 1, ("vault",): 0, ("worker",): 1}, ("part",)),
        gauge("keystall_stock_out", "", 2),
        gauge("keystall_delivery_oldest_seconds", "", 300),
        gauge("keystall_sweep_failing", "", {("orders.expired",): 3, ("stock.marks",): 2}, ("sweep",)),
    ]

    found = [(one.alarm.name, one.where, one.value) for one in firing(families)]

    assert found == [
        ("KeystallVaultAway", "part vault", "0"),
        ("KeystallSweepFailing", "sweep orders.expired", "3"),
        ("KeystallStockOut", "", "2"),
    ]


def test_a_rule_reads_as_prometheus_wants_it() -> None:
    alarm = Alarm("KeystallX", Severity.NOW, "x", "keystall_part_up", below=1, labels={"part": "vault"})

    assert alarm.rule == 'keystall_part_up{part="vault"} < 1'
