"""`race`: sells M cards to N buyers at once in a store of its own, and prints what came of it."""

from __future__ import annotations

import sys

import typer

from core.config import ConfigError

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
) -> None:
    """Prove that nothing is sold twice and nothing is lost: real engines and processes in a temporary folder.

    Buyers ask again for at most 60 s while cards are only held by others. Exit status 1 when a card was sold twice or
    lost, or when another number was sold than could be.
    """
    from ops.race import quantile, run_race
    from ops.store import load_config
    from ops.trial import trial

    if not 1 <= buyers <= MOST_BUYERS:
        raise ConfigError(f"--buyers is a number from 1 to {MOST_BUYERS}")
    if not 1 <= cards <= MOST_CARDS:
        raise ConfigError(f"--cards is a number from 1 to {MOST_CARDS}")

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    say("A store for the race is starting in a temporary folder …")
    with trial(load_config(context), cards=cards) as store:
        outcome = run_race(store, buyers=buyers, strangers=strangers, say=say)
    print(f"sold {outcome.sold}")
    print(f"sold twice {outcome.sold_twice}")
    print(f"lost {outcome.lost}")
    print(f"refused {outcome.refused}")
    print(f"violations {outcome.violations}")
    for name, values in (("place", outcome.place), ("paid to cards", outcome.paid_to_cards)):
        print(f"{name}  median {quantile(values, 0.5) * 1000:.0f} ms  p99 {quantile(values, 0.99) * 1000:.0f} ms")
    if strangers:
        share = 100 * outcome.strangers_held / cards
        print(f"strangers held at most {outcome.strangers_held} of {cards} cards ({share:.1f} %)")
    if not outcome.is_right:
        raise typer.Exit(1)
