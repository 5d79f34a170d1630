"""Payments as data: which steps there are, what is expected, when a gateway is asked again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from core.ledger.holds import HOLD_TRANSITIONS, HoldState
from core.money import Money
from core.payments.rules import (
    CHOICE,
    PAYMENT_TRANSITIONS,
    REFUND_TRANSITIONS,
    Awaited,
    PaymentState,
    RefundState,
    SuspenseReason,
    next_poll,
    unexpected,
)
from tests.builders import NOON

AWAITED = Awaited(7, Money(1000, "CNY"))


@pytest.mark.parametrize(
    ("account", "fits", "amount", "reason"),
    [
        pytest.param(7, True, Money(1000, "CNY"), None, id="as awaited"),
        pytest.param(8, True, Money(1000, "CNY"), SuspenseReason.OTHER_ACCOUNT, id="another gateway account"),
        pytest.param(7, False, Money(1000, "CNY"), SuspenseReason.OTHER_ACCOUNT, id="names another account"),
        pytest.param(7, True, Money(1000, "USDT"), SuspenseReason.OTHER_CURRENCY, id="the same number of USDT"),
        pytest.param(7, True, Money(999, "CNY"), SuspenseReason.OTHER_AMOUNT, id="0.01 less"),
        pytest.param(7, True, Money(1001, "CNY"), SuspenseReason.OTHER_AMOUNT, id="0.01 more"),
        pytest.param(8, True, Money(1, "USDT"), SuspenseReason.OTHER_ACCOUNT, id="everything wrong"),
    ],
)
def test_only_the_awaited_amount_at_the_awaited_account_is_expected(account, fits, amount, reason) -> None:
    assert unexpected(account_fits=fits, gateway_account_id=account, amount=amount, awaited=AWAITED) is reason


def test_a_notice_for_no_payment_of_ours_is_unexpected() -> None:
    reason = unexpected(account_fits=True, gateway_account_id=7, amount=AWAITED.amount, awaited=None)

    assert reason is SuspenseReason.UNKNOWN_PAYMENT


@pytest.mark.parametrize(
    ("transitions", "first"),
    [
        (PAYMENT_TRANSITIONS, PaymentState.CREATED),
        (REFUND_TRANSITIONS, RefundState.REQUESTED),
        (HOLD_TRANSITIONS, HoldState.OPEN),
    ],
)
def test_every_state_is_listed_and_reachable(transitions, first) -> None:
    reached, fresh = set(), {first}
    while fresh:
        reached |= fresh
        fresh = {after for state in fresh for after in transitions[state]} - reached

    assert reached == set(transitions) == set(type(first))


def test_a_gateway_is_asked_soon_then_ever_less_often_until_a_day_after_the_deadline() -> None:
    deadline = NOON + timedelta(minutes=15)
    asked = [NOON]

    while (again := next_poll(created_at=NOON, expires_at=deadline, now=asked[-1])) is not None:
        asked.append(again)

    gaps = [after - before for before, after in pairwise(asked)]
    assert gaps[0] == timedelta(seconds=20)
    assert gaps == sorted(gaps)
    assert gaps[-1] == timedelta(hours=1)
    assert deadline + CHOICE <= asked[-1] < deadline + CHOICE + timedelta(hours=1)
    assert len(asked) < 50
