"""`bench`: what the store is fast at and what not, each figure beside its goal, as ratios measured side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.config import Config, ConfigError

if TYPE_CHECKING:
    from ops.bench.figures import Figure

PARTS = ("orders", "profile", "functions", "updates", "arrival", "listeners", "memory", "imports", "stock")
Say = Callable[[str], None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    context: typer.Context,
    parts: list[str] | None = typer.Argument(None, metavar="[PART]...", help="Parts; all without any."),
    cards: int = typer.Option(10_000_000, "--cards", min=100_000, help="Cards of the large stock."),
    page: Path | None = typer.Option(None, "--page", help="Write the table into this page as well (Markdown)."),
) -> None:
    """Measure in stores of its own, in temporary folders; some minutes for all parts.

    orders: the order path against its own statements, recorded and said again by bare psycopg. profile: where an
    order's time goes on both sides, by phase. functions: what one call instead of a phase's statements would gain.
    stock: a sale beside millions of cards, and after a rush that nobody vacuumed. arrival: from paid to cards.
    listeners: a checkout beside a thousand idle web chats. memory: of the idle store. imports: of files of a
    million cards, in memory and beside a bare COPY. updates: a bot's update before its handler.
    """
    from ops.bench.figures import lines
    from ops.store import load_config

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    chosen = parts or list(PARTS)
    for part in chosen:
        if part not in PARTS:
            raise ConfigError(f"there is no part {part!r} of the bench: it has {', '.join(PARTS)}")
    before = page.read_text("utf-8") if page is not None and page.is_file() else ""
    if page is not None:
        into(before, [])  # what cannot be written is said before anything is measured
    config = load_config(context)
    figures: list[Figure] = []
    for part in chosen:
        say(f"{part} …")
        figures += measured(part, config, say, cards=cards)
    print("\n".join(lines(figures)))
    print(f"written to {write(figures, config)}")
    if page is not None:
        page.write_text(into(before, figures), "utf-8")


def measured(part: str, config: Config, say: Say, *, cards: int) -> list[Figure]:
    """The figures of one part."""
    from ops.bench import arrival, functions, listeners, memory, orders, profile, stock, updates
    from ops.bench.imports import measure as imports

    works: dict[str, Callable[[], list[Figure]]] = {
        "orders": lambda: orders.measured(config, say),
        "profile": lambda: profile.measured(config, say),
        "functions": lambda: functions.measured(config, say),
        "updates": updates.measured,
        "arrival": lambda: arrival.measured(config, say),
        "listeners": lambda: listeners.measured(config, say),
        "memory": lambda: memory.measured(say),
        "imports": lambda: imports.measured(config, say),
        "stock": lambda: stock.measured(config, say, large=cards),
    }
    return works[part]()


def write(figures: Sequence[Figure], config: Config) -> Path:
    """Write the figures to `bench` in the data folder and return the file."""
    folder = config.data_dir / "bench"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    found = [asdict(figure) | {"reached": figure.is_reached} for figure in figures]
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return file


def into(text: str, figures: Sequence[Figure]) -> str:
    """The page with the rows of these figures' parts replaced in its tables. Raises ConfigError when it has none."""
    from ops.bench.figures import HEAD, PROFILE, PROFILE_HEAD, profile_rows, row

    profile = [figure for figure in figures if figure.part == PROFILE]
    others = [figure for figure in figures if figure.part != PROFILE]
    new = {figure.part for figure in others}
    text = _replaced(
        text, HEAD, lambda rows: [*(line for line in rows if line.split("|")[1].strip() not in new), *map(row, others)]
    )
    return _replaced(text, PROFILE_HEAD, lambda _: profile_rows(profile)) if profile else text


def _replaced(text: str, head: str, rows: Callable[[list[str]], list[str]]) -> str:
    """The page with other rows in the table that begins so."""
    before, found, rest = text.partition(head)
    if not found:
        raise ConfigError("--page wants a Markdown page with the tables of the bench, docs/performance.md for one")
    lines = rest.splitlines(keepends=True)
    after = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return before + head + "".join([*rows(lines[:after]), *lines[after:]])
