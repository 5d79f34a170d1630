"""What a binding does to the two wallets, said before anybody agrees: they become one, for good.

Money that the younger has moves with the second yes (`core.ledger.merging`); who is let go later leaves without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.db import execute
from core.ledger.merging import everything_of
from core.ledger.rules import party, shopper
from core.members.accounts import Account, account_in, accounts_of
from core.money import Money

SIDES = """
SELECT s.id, s.merchant_id, s.id = mine.shopper_id
FROM identity mine JOIN identity other ON other.id = %(other)s
JOIN shopper s ON s.id IN (mine.shopper_id, other.shopper_id)
WHERE mine.id = %(mine)s AND mine.shopper_id <> other.shopper_id
ORDER BY (SELECT row(i.created_at, i.id) FROM identity i WHERE i.shopper_id = s.id ORDER BY i.created_at, i.id LIMIT 1)
"""
"""Both shoppers, the one that spoke first before the other; nothing where they are one already."""


@dataclass(frozen=True, slots=True)
class OneWallet:
    """The wallet of two accounts once they are bound: with which account it is, and what moves into it."""

    stays_with: Account
    is_here: bool
    moves: tuple[Money, ...]

    def as_body(self) -> dict[str, Any]:
        """What a stored question keeps of it."""
        moves = [[one.minor, one.currency] for one in self.moves]
        return {"stays_with": self.stays_with.as_body(), "is_here": self.is_here, "moves": moves}


def wallet_in(body: Mapping[str, Any]) -> OneWallet:
    """What a stored question says of the wallet."""
    moves = tuple(Money(minor, currency) for minor, currency in body["moves"])
    return OneWallet(account_in(body["stays_with"]), body["is_here"], moves)


def wallet_of_both(*, mine: UUID, other: UUID) -> OneWallet | None:
    """What becomes of the wallets of two identities, as `mine` sees it now; None where they have one already."""
    sides = execute(SIDES, {"mine": mine, "other": other})
    if not sides:
        return None
    (kept, merchant, is_here), (merged, _, _) = sides
    moving = everything_of(holder=shopper(merged), counterparty=party(merchant))
    moves = tuple(Money(minor, currency) for currency, minor in moving)
    return OneWallet(accounts_of(shopper_id=kept)[0], is_here, moves)
