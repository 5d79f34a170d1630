"""What `doctor` finds about the machine, its packages, and what stands still: each with its mend."""

import resource
from collections.abc import Callable
from typing import Any

import pytest

from core.config import Config
from ops.doctor import machine as examining_machine
from ops.doctor.machine import folder_findings, machine_findings, package_findings
from ops.doctor.standing import standing_findings
from tests.doors.command_line.test_doctor_engines import defects

Sql = Callable[..., list[tuple[Any, ...]]]


def test_a_machine_without_room_memory_or_descriptors_is_said(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults 13, 14, 16, before they happen."""
    monkeypatch.setattr("ops.doctor.machine.LEAST_FREE", 1 << 60)
    monkeypatch.setattr("ops.doctor.machine.LEAST_TEMPORARY", 1 << 60)
    monkeypatch.setattr("ops.doctor.machine.memory", lambda: 400 << 20)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (64, 64))

    said = defects(folder_findings(config)) + defects(machine_findings(config))

    assert [text.split(" ", 2)[:2] for text in said] == [
        ["only", said[0].split()[1]], ["only", said[1].split()[1]], ["a", "process"], ["the", "machine"],
    ]  # fmt: skip
    assert said[0].endswith("(data): make room")
    assert said[1].endswith("make room, or set TMPDIR")
    assert said[2] == "a process may open 64 files at most: raise the limit (ulimit -Hn, LimitNOFILE) to 65536"
    assert said[3].startswith("the machine has 400 MB of memory, the store wants 1 GB")


def test_packages_of_other_versions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = dict(examining_machine.pins())
    assert defects(package_findings()) == []
    assert len(wanted) > 20

    monkeypatch.setattr("ops.doctor.machine.pins", lambda: [("peewee", "1.0"), ("no-such-package", "2")])

    assert defects(package_findings()) == [
        f"peewee is {wanted['peewee']}, not 1.0, no-such-package is missing: pip install -r requirements.txt"
    ]


def test_what_stands_still_is_a_defect_or_worth_a_look_with_its_section_of_the_runbook(
    config: Config, sql: Sql
) -> None:
    assert [(one.is_defect, one.text) for one in standing_findings(config)] == [(False, "nothing stands still")]
    sql(
        "INSERT INTO alert (id, kind, subject, first_at, last_at) VALUES"
        " (gen_random_uuid(), 'forged_work', 'queue', now() - interval '20 minutes', now())"
    )

    found = [(one.is_defect, one.is_notice, one.text) for one in standing_findings(config)]

    assert found == [
        (
            True, False,
            "somebody wrote into the queue with a stolen login (kind forged_work): 1; docs/runbook.md has what to do,"
            " under KeystallForgedWork",
        ),
        (
            False, True,
            "alerts were told to nobody: 20 min; docs/runbook.md has what to do, under KeystallAlertsUntold",
        ),
    ]  # fmt: skip
