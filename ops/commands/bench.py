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

PARTS = ("orders", "functions", "updates", "arrival", "listeners", "memory", "stock")
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

    orders: the order path against its own statements, recorded and said again by bare psycopg. functions: what
    one call instead of a phase's statements would gain. stock: a sale beside
    millions of cards, and after a rush that nobody vacuumed. arrival: from paid to cards. listeners: a checkout beside
    a thousand idle web chats. memory: of the idle store. updates: a bot's update before its handler.
    """
    from ops.bench.figures import lines
    from ops.bench.figures import page as page_of
    from ops.store import load_config

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    chosen = parts or list(PARTS)
    for part in chosen:
        if part not in PARTS:
            raise ConfigError(f"there is no part {part!r} of the bench: it has {', '.join(PARTS)}")
    config = load_config(context)
    figures: list[Figure] = []
    for part in chosen:
        say(f"{part} …")
        figures += measured(part, config, say, cards=cards)
    print("\n".join(lines(figures)))
    print(f"written to {write(figures, config)}")
    if page is not None:
        page.write_text(into(page.read_text("utf-8"), page_of(figures)), "utf-8")


def measured(part: str, config: Config, say: Say, *, cards: int) -> list[Figure]:
    """The figures of one part."""
    from ops.bench import arrival, functions, listeners, memory, orders, stock, updates

    works: dict[str, Callable[[], list[Figure]]] = {
        "orders": lambda: orders.measured(config, say),
        "functions": lambda: functions.measured(config, say),
        "updates": updates.measured,
        "arrival": lambda: arrival.measured(config, say),
        "listeners": lambda: listeners.measured(config, say),
        "memory": lambda: memory.measured(say),
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


def into(text: str, table: str) -> str:
    """The page with its first table of figures replaced. Raises ConfigError when it has none."""
    head = "| part | figure |"
    before, found, rest = text.partition(head)
    if not found:
        raise ConfigError(f"the page has no table that begins with {head!r}")
    rows = rest.splitlines(keepends=True)
    after = next((number for number, row in enumerate(rows) if number and not row.startswith("|")), len(rows))
    return before + table + "".join(rows[after:])
