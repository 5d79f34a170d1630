"""Who gets what of a line, as rows that are frozen with the cards held for it (INV-O8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.pricing.rules import CostGroup, Share, ShareRole, split
from core.stock.service import HeldGroup

ACCOUNT_OF_ROLE = {
    ShareRole.UPSTREAM: AccountKind.PENDING,
    ShareRole.MERCHANT: AccountKind.PENDING,
    ShareRole.COST: AccountKind.STOCK,
    ShareRole.PLATFORM_FEE: AccountKind.FEE,
}


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, at which fee, and where its shares are booked: claims are on the merchant, who collects the money.

    `accounts` are ids by "kind holder"; those that are missing are opened when a share needs them. `fee_account_id` is
    the merchant's trade account with the platform, where it has one: fees are held on it like a hop's cost.
    """

    merchant_id: int
    platform_id: int
    fee_basis_points: int
    currency: str
    accounts: dict[str, int] = field(default_factory=dict)
    fee_account_id: int | None = None

    def account_of(self, share: Share) -> int:
        """The account on which a share is booked."""
        return self._account(ACCOUNT_OF_ROLE[share.role], share.party_id)

    def merchants_account(self) -> int:
        """Where the merchant's own part of its sales is booked."""
        return self._account(AccountKind.PENDING, self.merchant_id)

    def _account(self, kind: AccountKind, party_id: int) -> int:
        holder = f"party:{party_id}"
        name = f"{kind.value} {holder}"
        if name not in self.accounts:
            self.accounts[name] = open_account(
                kind=kind, holder=holder, counterparty=f"party:{self.merchant_id}", currency=self.currency
            )
        return self.accounts[name]


def cost_groups(groups: Sequence[HeldGroup]) -> list[CostGroup]:
    """Held cards as the pricing room sees them."""
    return [
        CostGroup(g.count, g.unit_cost_micro, tuple((h.offer_id, h.seller_id, h.price_micro) for h in g.hops))
        for g in groups
    ]


def frozen_shares(
    *, seller: Seller, groups: Sequence[HeldGroup], total_minor: int, hold_id: UUID, line_id: UUID
) -> list[dict[str, Any]]:
    """Rows of `line_share` for a line of `total_minor` whose cards are held in `groups`."""
    shares = split(
        total_minor=total_minor,
        currency=seller.currency,
        merchant_id=seller.merchant_id,
        platform_id=seller.platform_id,
        fee_basis_points=seller.fee_basis_points,
        groups=cost_groups(groups),
    )
    return [
        {
            "hold_id": str(hold_id),
            "line_id": str(line_id),
            "position": position,
            "role": share.role.value,
            "party_id": share.party_id,
            "account_id": seller.account_of(share),
            "offer_id": share.offer_id,
            "amount_minor": share.amount_minor,
            "reason": share.reason,
        }
        for position, share in enumerate(shares)
    ]
