"""Dividing money among parties: every unit is somewhere, refunds give back exactly what each party got (books.md)."""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.ledger.rules import split
from core.money import minor_from_micro
from core.pricing.rules import CostGroup, ShareRole, fee
from core.pricing.rules import split as shares_of_a_line

SEQUENCES = 3000


def a_line(rolled: random.Random) -> list[int]:
    """What two to six parties got of a line; one in three was sold below cost, which is the last party's loss."""
    parties = [rolled.randint(0, 5000) for _ in range(rolled.randint(1, 5))]
    last = rolled.randint(1, 5000)
    return [*parties, -rolled.randint(0, sum(parties) // 2) if rolled.random() < 1 / 3 else last]


def some_refunds(rolled: random.Random, total: int) -> list[int]:
    """Amounts that add up to all of it."""
    cuts = sorted(rolled.randint(0, total) for _ in range(rolled.randint(1, 6)))
    return [after - before for before, after in zip([0, *cuts], [*cuts, total], strict=True)]


def inexact(divided: list[int], refunds: list[int], *, proportional: bool) -> bool:
    """Whether a refund's parts do not add up to it, or the parties keep or lack anything at the end."""
    left, total = list(divided), sum(divided)
    for refund in refunds:
        if proportional:
            parts = [round(Fraction(refund * share, total)) if total else 0 for share in divided]
        else:
            parts = split(refund, left)
        if sum(parts) != refund:
            return True
        left = [share - part for share, part in zip(left, parts, strict=True)]
    return any(left)


def test_fault_64_of_3000_random_sequences_of_refunds_none_is_inexact() -> None:
    """INV-M6: together never more than a party got, and to the unit what it got."""
    rolled, wrong, by_proportion = random.Random(64), 0, 0
    for _ in range(SEQUENCES):
        divided = a_line(rolled)
        refunds = some_refunds(rolled, sum(divided))
        wrong += inexact(divided, refunds, proportional=False)
        by_proportion += inexact(divided, refunds, proportional=True)

    assert wrong == 0
    assert by_proportion > SEQUENCES / 2  # the control: each refund rounded by itself


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.data())
def test_fault_64_the_odd_units_go_to_the_largest_remainders_and_ties_to_the_first_in_the_chain(
    over: list[int], data: st.DataObject
) -> None:
    total = sum(over)
    amount = data.draw(st.integers(0, total))

    parts = split(amount, over)

    exact = [Fraction(amount * share, total) if total else Fraction(0) for share in over]
    rounded_up = [position for position, part in enumerate(parts) if part > exact[position]]
    remainders = sorted(range(len(over)), key=lambda position: (-(exact[position] % 1), position))
    assert sum(parts) == amount
    assert all(abs(part - one) < 1 for part, one in zip(parts, exact, strict=True))
    assert rounded_up == sorted(remainders[: len(rounded_up)])


@given(
    st.integers(0, 10**9),
    st.integers(0, 10_000),
    st.integers(1, 1000),
    st.tuples(*[st.integers(0, 10**9)] * 3),
)
def test_fault_64_a_line_split_three_ways_adds_up_whatever_is_rounded(
    total: int, basis_points: int, count: int, prices: tuple[int, int, int]
) -> None:
    """INV-M7: supplier, distributor, merchant and the platform's fee; unit prices are rounded once a line."""
    hops = tuple((number, 10 + number, price) for number, price in enumerate(sorted(prices), start=1))

    shares = shares_of_a_line(
        total_minor=total,
        currency="CNY",
        merchant_id=1,
        platform_id=2,
        fee_basis_points=basis_points,
        groups=[CostGroup(count, 0, hops)],
    )

    upstream = sum(share.amount_minor for share in shares if share.role is ShareRole.UPSTREAM)
    taken = sum(share.amount_minor for share in shares if share.role is ShareRole.PLATFORM_FEE)
    assert sum(share.amount_minor for share in shares) == total
    assert upstream == minor_from_micro(count * max(prices), "CNY")
    assert taken == fee(total_minor=total, basis_points=basis_points) == int(Fraction(total * basis_points, 10_000))
    assert all(share.amount_minor > 0 for share in shares if share.role is not ShareRole.MERCHANT)
