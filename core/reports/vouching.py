"""Whether `verify` may rely on the checkpoints: their chain, the vault's word, and what they counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from core.db import atomic, execute
from core.fulfilment.totals import Differing, Total, compare
from core.ledger.checkpoints import chain, first_broken, latest
from core.vault.book_requests import Vouched
from core.vault.client import VaultAway, VaultRefused

COUNTED = """
SELECT c.number, found.key, found.value::bigint FROM checkpoint c CROSS JOIN jsonb_each_text(c.counts) AS found
WHERE found.value <> '0' AND c.number > coalesce((SELECT clean_upto FROM full_reading), 0) ORDER BY c.number LIMIT 5
"""
"""Violations that were seen when checkpoints were made, unless a full reading found nothing since."""


MOST_SECONDS = 6.0
"""For counting again what ended before the last checkpoint, so that `verify` answers within ten at any size."""


class Voucher(Protocol):
    """`core.vault.client.VaultClient`, as far as it is asked here."""

    def vouch_for_books(self) -> Vouched:
        """Have every checkpoint's seal checked. Raises `VaultAway`, `VaultRefused`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is wrong with the checkpoints, and what could not be looked at; sentences for the operator."""

    wrong: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recounted(Standing):
    """The same of the totals that the last checkpoint sealed; how many differ by invariant."""

    violations: dict[str, int] = field(default_factory=dict)


def recount(*, seconds: float = MOST_SECONDS) -> Recounted:
    """Count again, in one moment, what had ended before the last checkpoint, and compare; changes nothing.

    Sees that rows which nobody reads any more are gone, came in behind the checkpoint or say something else.
    """
    with atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        last = latest()
        if last is None:
            return Recounted()
        compared = compare(last, seconds=seconds)
    unseen = [f"{seconds:g} s were too short to count these again; `verify --full` reads them:"]
    return Recounted(
        wrong=[_differs(one, last.number) for one in compared.differing],
        unseen=[" ".join([*unseen, ", ".join(compared.uncounted)])] if compared.uncounted else [],
        violations=dict(Counter(one.invariant for one in compared.differing)),
    )


def _differs(one: Differing, number: int) -> str:
    said = "was changed, removed or added, or a clock was set back by more than an hour"
    before, now = (_told(one.what, total) for total in (one.sealed, one.found))
    return f"{one.invariant}: what ended before checkpoint {number} {said}: it sealed {before}; now {now}"


def _told(what: str, total: Total) -> str:
    sums = [f"{amount:,} {name}" for name, amount in total.items() if name not in ("rows", "mark")]
    return ", ".join([f"{total['rows']:,} {what}", *sums, f"mark {total['mark']:x}"])


def standing(vault: Voucher | None) -> Standing:
    """Check the chain here, and its seals by the vault; `vault` is None where there is no key to ask it with."""
    kept = chain()
    wrong = [
        f"checkpoint {number} counted {count} of {invariant}: what was wrong then may have ended since;"
        " `verify --full` says what is wrong now"
        for number, invariant, count in execute(COUNTED)
    ]
    broken = first_broken(kept)
    if broken is not None:
        return Standing([f"the chain of checkpoints is broken: {broken} does not follow the one before it", *wrong])
    try:
        if vault is None:
            raise VaultAway(what="vault")
        vouched = vault.vouch_for_books()
    except VaultAway:
        return Standing(wrong, [f"the vault is away: the seals of {len(kept)} checkpoints were not checked"])
    except VaultRefused as refused:
        return Standing(
            wrong, [f"the vault says no ({refused}): the seals of {len(kept)} checkpoints were not checked"]
        )
    if vouched.first_bad is not None:
        wrong.insert(0, f"the vault does not vouch for checkpoint {vouched.first_bad}: {vouched.reason}")
    return Standing(wrong)
