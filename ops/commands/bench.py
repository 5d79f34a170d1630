"""`bench`: the order path against its own statements replayed by a bare driver, and the cost of a bot's update."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.config import Config

if TYPE_CHECKING:
    from ops.bench.measure import Report
    from ops.bench.updates import UpdateCost

CARDS = 8000
SHOPPERS = 16


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(context: typer.Context) -> None:
    """Measure place, settle and deliver at 1, 4 and 16 clients in a store of its own; about a minute.

    The ratio is ours to the twin's: the statements of real orders, recorded and said again by bare psycopg.
    """
    from core import db
    from ops.bench.measure import Bench
    from ops.bench.order_path import DeskInProcess, OrderPath
    from ops.bench.updates import measure
    from ops.store import load_config
    from ops.trial import trial

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    config = load_config(context)
    say("A store for the bench is starting in a temporary folder …")
    with trial(config, cards=CARDS, names=("vault",)) as store:
        sessions = [buyer.session for buyer in store.buyers(SHOPPERS)]
        owner = store.config.database.url
        db.connect(owner, size=SHOPPERS + 4)
        path = OrderPath(
            store.config,
            store.clock,
            store.policy,
            store.keys,
            store.listing_id,
            store.opaque_id,
            DeskInProcess(store.config, store.clock),
        )
        report = Bench(path, sessions, url=owner).run(say)
    cost = measure()
    print("\n".join([*table(report), cost.row]))
    print(f"written to {write(report, cost, config)}")


def table(report: Report) -> list[str]:
    """The figures for people."""
    lines = ["clients   ours/s   twin/s   ratio   ratio of processor time   median ms   p99 ms"]
    lines += [
        f"{row.clients:7d}  {row.ours_rate:7.1f}  {row.twin_rate:7.1f}  {row.ratio:6.2f}  {row.processor_ratio:24.2f}"
        f"  {row.ours_median_ms:10.1f}  {row.ours_p99_ms:7.1f}"
        for row in report.rows
    ]
    lines.append("statements an order  " + "  ".join(f"{phase} {n}" for phase, n in report.statements.items()))
    lines.append("commits an order     " + "  ".join(f"{phase} {n}" for phase, n in report.commits.items()))
    return lines


def write(report: Report, cost: UpdateCost, config: Config) -> Path:
    """Write the report to `bench` in the data folder and return the file."""
    folder = config.data_dir / "bench"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    measured = report.as_json() | {"bot_update": asdict(cost)}
    file.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    return file
