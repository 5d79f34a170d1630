"""`verify`: every data invariant on the live database, a line each with the count of violations."""

from __future__ import annotations

import sys
import time
from dataclasses import astuple
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from core.config import Config
    from core.reports.full import Stage
    from core.vault.client import VaultClient

TOLD_EVERY = 1.0  # seconds between two lines of progress


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    context: typer.Context,
    full: bool = typer.Option(False, "--full", help="Read everything again; goes on where a killed one ended."),
    again: bool = typer.Option(False, "--again", help="With --full: from the start, whatever was read before."),
) -> None:
    """Check the data invariants and print each with its count of violations; exit status 1 if any is above 0.

    Reads what came after the last checkpoint of the books and what can still change, counts again what it sealed, and
    has the vault check the seals; --full reads all closed periods, orders and cards again. Reads moments of the
    database; a running store sells on meanwhile. What is wrong beside the counts, and progress, is said on standard
    error.
    """
    from core import db
    from core.reports import checks, vouching
    from ops.store import load_config, opened

    if again and not full:
        raise typer.BadParameter("--again goes with --full")
    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.worker, size=2)
        try:
            standing, recounted = vouching.standing(_vault(store.config)), vouching.recount()
            counts, wrong = _read_all(again) if full else (dict(map(astuple, checks.verify())), [])
        finally:
            db.disconnect()
    wrong = [*standing.wrong, *recounted.wrong, *wrong]
    for sentence in (*standing.unseen, *recounted.unseen, *wrong):
        print(sentence, file=sys.stderr)
    counts = {invariant: count + recounted.violations.get(invariant, 0) for invariant, count in counts.items()}
    for invariant, count in counts.items():
        print(f"{invariant} {count}")
    if any(counts.values()) or wrong:
        raise typer.Exit(1)


def _vault(config: Config) -> VaultClient | None:
    """The way to the vault; None without the key that it is asked with."""
    from core.config import ConfigError
    from ops.processes.vault_wiring import operators_vault

    try:
        return operators_vault(config)
    except ConfigError:
        return None


def _read_all(again: bool) -> tuple[dict[str, int], list[str]]:
    """Read everything; the counts, and what is wrong beside them."""
    from core.reports.full import find_reading, read_everything

    before = find_reading()
    if before is not None and before.ended_at is None and not again:
        at = f"{before.stage.value} {before.position}".strip()
        print(f"goes on at {at}, where the reading of {before.began_at:%Y-%m-%d %H:%M} UTC ended", file=sys.stderr)
    reading = read_everything(again=again, now=datetime.now(UTC), told=Progress().tell)
    wrong = []
    if reading.first_bad is not None:
        wrong.append(
            f"period {reading.first_bad} is not as checkpoint {reading.first_bad} sealed it: transfers, lines, marks or"
            " figures were changed after it was closed"
        )
    return dict(reading.counts), wrong


class Progress:
    """Says on standard error how far a reading is, once a second and at each stage."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._at = 0.0

    def tell(self, stage: Stage, done: int, of: int) -> None:
        """Say it, unless it was said just now."""
        if stage is self._stage and done != of and time.monotonic() < self._at + TOLD_EVERY:
            return
        self._stage, self._at = stage, time.monotonic()
        print(f"{stage.value} {done:,}" + (f" of {of:,}" if of else ""), file=sys.stderr, flush=True)
