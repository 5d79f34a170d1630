"""Trade accounts between the parties: their limits go up and down, and money is paid in advance (fault 103)."""

from __future__ import annotations

from core.actor import OPERATOR
from core.money import Money
from core.supply.trade import approve_topup, set_credit_limit
from ops.owner import owners_hand
from tests.simulator.day import Day
from tests.simulator.processes import Process
from tests.simulator.town import CREDIT, ROGUE

PAIRS = tuple(pair for pair in CREDIT if ROGUE not in pair)


def change_a_limit(day: Day) -> None:
    """A creditor gives less credit or more; below what is owed and held it cannot go."""
    (creditor, debtor), limit = day.choice.choice(PAIRS), day.choice.choice([0, 900, 3_000, 100_000])
    day.note(f"{creditor} gives {debtor} a credit of {limit}")
    parties, now = day.town.parties, day.clock.now()
    day.act(
        Process.WEB,
        lambda: set_credit_limit(
            actor=OPERATOR,
            creditor_id=parties[creditor],
            debtor_id=parties[debtor],
            currency="CNY",
            limit_minor=limit,
            as_owner=owners_hand(day.config),
            now=now,
        ),
    )


def pay_in_advance(day: Day) -> None:
    """A debtor's money came to its creditor, who says so; the same money is booked once."""
    (creditor, debtor), minor = day.choice.choice(PAIRS), day.choice.choice([1, 900, 2_500])
    reference = f"transfer {day.choice.randrange(4)}"
    day.note(f"{debtor} pays {creditor} {minor} in advance, {reference}")
    parties, now = day.town.parties, day.clock.now()
    day.act(
        Process.WEB,
        lambda: approve_topup(
            actor=OPERATOR,
            creditor_id=parties[creditor],
            debtor_id=parties[debtor],
            amount=Money(minor, "CNY"),
            reference=reference,
            now=now,
        ),
    )
