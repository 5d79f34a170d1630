"""The invariants as questions to a live database: each statement returns one number, the violations."""

from __future__ import annotations

from dataclasses import dataclass

from core.db import atomic, execute
from core.fulfilment.checks import GOODS, MONEY, all_parts
from core.ledger.parts import whole
from core.payments.checking import count_since
from core.payments.moving import last_checkpoint


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and how often it is violated."""

    invariant: str
    violations: int


def all_checks() -> dict[str, str]:
    """Every question over whole tables by invariant, in the order of their page: money, stock, vault, orders, parties.

    This is what each invariant means; it reads everything. `verify` asks the same of what can have changed.
    """
    money = dict(sorted(whole(MONEY).items(), key=_number))
    return money | whole(GOODS)


def _number(item: tuple[str, str]) -> int:
    return int(item[0].removeprefix("INV-M"))


def verify() -> list[Finding]:
    """Ask everything about one moment of the connected database that the checkpoints do not answer; changes nothing.

    Reads what came after the last checkpoint and what can still move: seconds, whatever the size of the store.
    """
    with atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        execute("SET LOCAL statement_timeout = 0")
        found = count_since(all_parts(), last_checkpoint())
    return [Finding(invariant, found[invariant]) for invariant in all_checks()]
