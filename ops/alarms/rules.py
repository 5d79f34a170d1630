"""The alarms as rules that Prometheus reads: `python -m ops.alarms.rules` writes docs/alerts.yml."""

from __future__ import annotations

import json
from pathlib import Path

from ops.alarms.every import ALARMS

FILE = Path(__file__).resolve().parents[2] / "docs" / "alerts.yml"
HEAD = """\
# Rules for Prometheus. Written by `make docs` from ops/alarms/every.py: change them there.
# Each alarm has its section in docs/runbook.md.
groups:
  - name: keystall
    rules:
"""


def rules() -> str:
    """The whole file."""
    parts = [HEAD]
    for alarm in ALARMS:
        parts.append(f"      - alert: {alarm.name}\n        expr: {json.dumps(alarm.rule)}\n")
        if alarm.minutes:
            parts.append(f"        for: {alarm.minutes}m\n")
        parts.append(f"        labels:\n          severity: {alarm.severity}\n")
        parts.append(f"        annotations:\n          summary: {json.dumps('Keystall: ' + alarm.says)}\n")
        parts.append(f'          runbook: "docs/runbook.md#{alarm.name.lower()}"\n')
    return "".join(parts)


if __name__ == "__main__":
    FILE.write_text(rules(), "utf-8")
