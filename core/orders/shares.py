"""Who gets what of a line, as rows that are frozen with the cards held for it (INV-O8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.pricing.rules import CostGroup, Share, ShareRole, split
from core.stock.service import HeldGroup


def split_line(
    *,
    total_minor: int,
    currency: str,
    merchant_id: int,
    platform_id: int,
    fee_basis_points: int,
    groups: Sequence[HeldGroup],
) -> list[Share]:
    """Everyone's share of a line whose cards are held in `groups`."""
    return split(
        total_minor=total_minor,
        currency=currency,
        merchant_id=merchant_id,
        platform_id=platform_id,
        fee_basis_points=fee_basis_points,
        groups=[
            CostGroup(g.count, g.unit_cost_micro, tuple((h.offer_id, h.seller_id, h.price_micro) for h in g.hops))
            for g in groups
        ],
    )


ACCOUNT_OF_ROLE = {
    ShareRole.UPSTREAM: AccountKind.PENDING,
    ShareRole.MERCHANT: AccountKind.PENDING,
    ShareRole.COST: AccountKind.STOCK,
    ShareRole.PLATFORM_FEE: AccountKind.FEE,
}


def share_rows(
    *, shares: Sequence[Share], hold_id: UUID, line_id: UUID, merchant_id: int, currency: str, accounts: dict[str, int]
) -> list[dict[str, Any]]:
    """Rows of `line_share`; an account that does not exist yet is opened (claims are on the merchant, who collects)."""
    rows = []
    for position, share in enumerate(shares):
        kind, holder = ACCOUNT_OF_ROLE[share.role], f"party:{share.party_id}"
        account = accounts.get(f"{kind.value} {holder}")
        if account is None:
            account = open_account(kind=kind, holder=holder, counterparty=f"party:{merchant_id}", currency=currency)
            accounts[f"{kind.value} {holder}"] = account
        rows.append(
            {
                "hold_id": str(hold_id),
                "line_id": str(line_id),
                "position": position,
                "role": share.role.value,
                "party_id": share.party_id,
                "account_id": account,
                "offer_id": share.offer_id,
                "amount_minor": share.amount_minor,
                "reason": share.reason,
            }
        )
    return rows
