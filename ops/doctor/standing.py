"""What `doctor` finds standing still in a running store: the alarms that its tables alone tell."""

from __future__ import annotations

from collections.abc import Iterator

from core import db
from core.config import Config
from ops.alarms.alarm import Severity
from ops.alarms.firing import firing
from ops.doctor.finding import Finding
from ops.figures.questions import answers


def standing_findings(config: Config) -> Iterator[Finding]:
    """Each alarm that fires now: a defect where it must wake somebody, else worth a look."""
    db.connect(config.database.roles.shop, size=2)
    try:
        stuck = firing(list(answers()))
    finally:
        db.disconnect()
    for one in stuck:
        where = f" ({one.where})" if one.where else ""
        text = f"{one.alarm.says}{where}: {one.value}; docs/runbook.md has what to do, under {one.alarm.name}"
        is_now = one.alarm.severity is Severity.NOW
        yield Finding("alarm", text, is_defect=is_now, is_notice=not is_now)
    if not stuck:
        yield Finding("alarm", "nothing stands still")
