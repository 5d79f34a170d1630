"""Whether `verify` may rely on the checkpoints: their chain, the vault's word, and what they counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from core.db import execute
from core.ledger.checkpoints import chain, first_broken
from core.vault.book_requests import Vouched
from core.vault.client import VaultAway, VaultRefused

COUNTED = """
SELECT c.number, found.key, found.value::bigint FROM checkpoint c CROSS JOIN jsonb_each_text(c.counts) AS found
WHERE found.value <> '0' AND c.number > coalesce((SELECT clean_upto FROM full_reading), 0) ORDER BY c.number LIMIT 5
"""
"""Violations that were seen when checkpoints were made, unless a full reading found nothing since."""


class Voucher(Protocol):
    """`core.vault.client.VaultClient`, as far as it is asked here."""

    def vouch_for_books(self) -> Vouched:
        """Have every checkpoint's seal checked. Raises `VaultAway`, `VaultRefused`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is wrong with the checkpoints, and what could not be looked at; sentences for the operator."""

    wrong: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


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
