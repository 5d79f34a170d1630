"""Dividing money: exact, in whole minor units, the same for sale and refund."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.rules import BOUNDED, AccountKind, split

SHARES = st.lists(st.integers(0, 10**13), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("amount", "over", "parts"),
    [
        pytest.param(100, [1, 1, 1], None, id="more than there is"),
        pytest.param(-1, [5], None, id="less than nothing"),
    ],
)
def test_an_amount_outside_what_is_there_is_refused(amount: int, over: list[int], parts: None) -> None:
    with pytest.raises(ValueError, match="cannot divide"):
        split(amount, over)


@pytest.mark.parametrize(
    ("amount", "over", "parts"),
    [
        pytest.param(2, [1, 1, 1], [1, 1, 0], id="ties go to the first in the chain"),
        pytest.param(100, [100, 100, 100], [34, 33, 33], id="three ways"),
        pytest.param(5, [10, 30], [1, 4], id="the larger remainder gets the odd unit: 1.25 and 3.75"),
        pytest.param(0, [7, 0], [0, 0], id="nothing"),
        pytest.param(0, [0, 0], [0, 0], id="nothing of nothing"),
        pytest.param(1000, [990, 10], [990, 10], id="everything"),
        pytest.param(50, [120, -20], [60, -10], id="a sale below cost: the merchant's negative part too"),
        pytest.param(33, [120, -20], [40, -7], id="a sale below cost, rounded"),
    ],
)
def test_parts_are_exact(amount: int, over: list[int], parts: list[int]) -> None:
    assert split(amount, over) == parts


@given(SHARES, st.data())
def test_parts_add_up_and_none_is_above_what_is_left_with_its_party(over: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(over)))

    parts = split(amount, over)

    assert sum(parts) == amount
    assert all(0 <= part <= share for part, share in zip(parts, over, strict=True))


@given(SHARES, st.data())
def test_any_sequence_of_refunds_that_adds_up_gives_everyones_share_back_exactly(
    over: list[int], data: st.DataObject
) -> None:
    left = list(over)

    while sum(left):
        parts = split(data.draw(st.integers(max(1, sum(left) // 3), sum(left))), left)
        left = [share - part for share, part in zip(left, parts, strict=True)]

    assert left == [0] * len(over)


def test_only_what_people_may_spend_or_have_paid_out_is_bounded() -> None:
    spent = {AccountKind.WALLET, AccountKind.WALLET_HOLD, AccountKind.TRADE}

    assert spent | {AccountKind.AVAILABLE, AccountKind.IN_TRANSIT} == BOUNDED
