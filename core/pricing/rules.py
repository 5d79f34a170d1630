"""What a line costs and who gets what of it: pure functions, each result with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.money import minor_from_micro


class ShareRole(StrEnum):
    """Why someone gets a part of a line."""

    UPSTREAM = "upstream"  # a hop of the chain: its own margin
    MERCHANT = "merchant"  # what is left for the seller; negative when it sells below cost
    COST = "cost"  # the cost of owned cards goes back to the merchant's stock account
    PLATFORM_FEE = "platform_fee"  # basis points of the discounted price


@dataclass(frozen=True, slots=True)
class Quote:
    """A line's price in minor units, and the reasons that people are shown."""

    list_price_minor: int
    quantity: int
    discount_minor: int
    reasons: tuple[dict[str, str | int], ...]

    @property
    def total_minor(self) -> int:
        return self.list_price_minor * self.quantity - self.discount_minor


@dataclass(frozen=True, slots=True)
class CostGroup:
    """`count` cards bought along one chain: (offer id, seller id, unit price in 10⁻⁶ major units), pool first; for
    owned cards `hops` is empty and `unit_cost_micro` their cost."""

    count: int
    unit_cost_micro: int
    hops: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """`amount_minor` for `party_id`; may be negative for a party that sells below its own cost."""

    role: ShareRole
    party_id: int
    offer_id: int | None
    amount_minor: int
    reason: str


def quote(*, list_price_minor: int, quantity: int) -> Quote:
    """The price of a line: list price times quantity; campaigns and coupons add their reasons here."""
    reasons: tuple[dict[str, str | int], ...] = (
        {"code": "list_price", "minor": list_price_minor, "quantity": quantity},
    )
    return Quote(list_price_minor=list_price_minor, quantity=quantity, discount_minor=0, reasons=reasons)


def fee(*, total_minor: int, basis_points: int) -> int:
    """The platform's fee: basis points of the discounted price, rounded down (books.md, Split and refund)."""
    return total_minor * basis_points // 10_000


def chain_costs(*, currency: str, groups: Sequence[CostGroup]) -> list[list[tuple[int, int, int]]]:
    """What each hop's buyer pays for one line (offer id, seller id, minor units), per chain, the pool first.

    Unit costs are summed per hop over the whole line and rounded once.
    """
    sums: dict[tuple[int, ...], list[int]] = {}
    hops_of: dict[tuple[int, ...], tuple[tuple[int, int, int], ...]] = {}
    for group in groups:
        if not group.hops:
            continue
        chain = tuple(offer for offer, _, _ in group.hops)
        hops_of[chain] = group.hops
        paid = sums.setdefault(chain, [0] * len(chain))
        for position, (_, _, price_micro) in enumerate(group.hops):
            paid[position] += group.count * price_micro
    return [
        [
            (offer_id, seller_id, minor_from_micro(micro, currency))
            for (offer_id, seller_id, _), micro in zip(hops_of[chain], micros, strict=True)
        ]
        for chain, micros in sums.items()
    ]


def split(
    *,
    total_minor: int,
    currency: str,
    merchant_id: int,
    platform_id: int,
    fee_basis_points: int,
    groups: Sequence[CostGroup],
) -> list[Share]:
    """Everyone's share of one line; the shares add up to `total_minor` exactly (INV-M7).

    A hop gets what its buyer pays it less what it pays its own seller; the merchant gets the rest, which is negative in
    a sale below cost.
    """
    owned_micro = sum(group.count * group.unit_cost_micro for group in groups if not group.hops)
    shares: list[Share] = []
    for costs in chain_costs(currency=currency, groups=groups):
        below = 0
        for offer_id, seller_id, paid in costs:
            shares.append(Share(ShareRole.UPSTREAM, seller_id, offer_id, paid - below, "offer"))
            below = paid
    cost = minor_from_micro(owned_micro, currency)
    shares.append(Share(ShareRole.COST, merchant_id, None, cost, "unit_cost"))
    taken = fee(total_minor=total_minor, basis_points=fee_basis_points)
    shares.append(Share(ShareRole.PLATFORM_FEE, platform_id, None, taken, f"{fee_basis_points} basis points"))
    rest = total_minor - sum(share.amount_minor for share in shares)
    shares.append(Share(ShareRole.MERCHANT, merchant_id, None, rest, "rest"))
    return [share for share in shares if share.amount_minor != 0]
