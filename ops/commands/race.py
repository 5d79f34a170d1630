"""`race`: sells M cards to N buyers at once in a store of its own, and prints what came of it."""

from __future__ import annotations

import secrets
import sys

import typer

from core.config import ConfigError
from ops.races.figures import Outcome

MOST_BUYERS = 2000
MOST_CARDS = 100_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("race")(race)


def race(
    context: typer.Context,
    buyers: int = typer.Option(..., "--buyers", metavar="N", help="How many buyers, each of one card."),
    cards: int = typer.Option(..., "--cards", metavar="M", help="How many cards there are."),
    strangers: bool = typer.Option(
        False, "--strangers", help="Buyers without a paid order; shows their share of holds."
    ),
    faults: bool = typer.Option(
        False, "--faults", help="Kill processes, stop the database, take Redis away, double every notice meanwhile."
    ),
    seed: int | None = typer.Option(None, "--seed", metavar="N", help="With --faults: decides when what is done."),
) -> None:
    """Prove that nothing is sold twice and nothing is lost: real engines and processes in a temporary folder.

    Buyers ask again for at most 60 s while cards are only held by others (180 s with --faults, where every third of
    them comes over HTTP, and the last of them come once all faults are done). Exit status 1 when a card was sold twice
    or lost, when another number was sold than could be, or when a fault that was planned was not done.
    """
    from ops import logs
    from ops.races.faults import Faults, plan
    from ops.races.race import run_race
    from ops.races.trial import trial
    from ops.store import load_config

    _check(buyers, cards, faults=faults, seed=seed)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    say("A store for the race is starting in a temporary folder …")
    with trial(load_config(context), cards=cards) as store, logs.kept("race", store.config.data_dir / "log"):
        seed = secrets.randbelow(10_000) if faults and seed is None else seed
        doing = Faults(store, plan(seed or 0, cards=min(buyers, cards)), say) if faults else None
        outcome = run_race(store, buyers=buyers, strangers=strangers, say=say, faults=doing)
    _print(outcome)
    if strangers:
        share = 100 * outcome.strangers_held / cards
        print(f"strangers held at most {outcome.strangers_held} of {cards} cards ({share:.1f} %)")
    if doing is not None:
        print(f"faults  seed {seed}  " + "  ".join(f"{what} {count}" for what, count in sorted(doing.done.items())))
        if doing.undone:
            print("not done  " + ", ".join(doing.undone))
    if not outcome.is_right or (doing is not None and doing.undone):
        raise typer.Exit(1)


def _check(buyers: int, cards: int, *, faults: bool, seed: int | None) -> None:
    if not 1 <= buyers <= MOST_BUYERS:
        raise ConfigError(f"--buyers is a number from 1 to {MOST_BUYERS}")
    if not 1 <= cards <= MOST_CARDS:
        raise ConfigError(f"--cards is a number from 1 to {MOST_CARDS}")
    if seed is not None and not faults:
        raise ConfigError("--seed decides when faults are done: add --faults")


def _print(outcome: Outcome) -> None:
    from ops.races.figures import quantile

    print(f"sold {outcome.sold}")
    print(f"sold twice {outcome.sold_twice}")
    print(f"lost {outcome.lost}")
    print(f"refused {outcome.refused}")
    print(f"violations {outcome.violations}")
    for name, values in (("place", outcome.place), ("paid to cards", outcome.paid_to_cards)):
        print(f"{name}  median {quantile(values, 0.5) * 1000:.0f} ms  p99 {quantile(values, 0.99) * 1000:.0f} ms")
