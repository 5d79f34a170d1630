"""What brings a claim up to date, over all sums and over any sequence of sales, refunds, settlements and payouts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.settlement.rules import Moves, Standing, masked, moves

MINOR = st.integers(0, 10**15)
STANDINGS = st.builds(
    Standing,
    pending=st.integers(-(10**15), 10**15),
    young=MINOR,
    available=MINOR,
    owed=MINOR.map(lambda minor: -minor),
    room=MINOR,
)


def after(now: Standing, due: Moves) -> Standing:
    """The claim once the moves are booked."""
    made = due.matured - due.taken_back - due.repaid_available
    return replace(
        now,
        pending=now.pending + due.taken_back + due.becomes_owed - due.repaid_pending - due.matured,
        available=now.available + made,
        owed=now.owed - due.becomes_owed + due.repaid_available + due.repaid_pending,
        room=now.room - made,
    )


@given(now=STANDINGS)
def test_inv_m4_a_claim_that_is_up_to_date_owes_only_what_it_has_no_money_for(now: Standing) -> None:
    """INV-M4, INV-M9, INV-M10: whole minor units, none made or lost, nothing below its floor, never beyond the room."""
    due = moves(now)
    then = after(now, due)

    assert all(type(one) is int and one >= 0 for one in (due.taken_back, due.becomes_owed, due.matured))
    assert due.repaid_available >= 0
    assert due.repaid_pending >= 0
    assert then.pending + then.available + then.owed == now.pending + now.available + now.owed
    assert then.pending >= 0
    assert then.available >= 0
    assert then.owed <= 0
    assert then.room >= 0
    assert not (then.owed < 0 and (then.available > 0 or then.pending > 0))
    assert due.matured <= max(now.pending - now.young, 0)
    assert not moves(then).any


STEPS = st.one_of(
    st.tuples(st.just("sell"), st.integers(1, 1000)),
    st.tuples(st.just("refund"), st.integers(1, 1000)),
    st.tuples(st.just("settle"), st.integers(1, 1000)),
    st.tuples(st.just("pay"), st.integers(1, 1000)),
    st.tuples(st.just("back"), st.just(0)),
    st.tuples(st.just("age"), st.just(0)),
)


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=30))
def test_inv_m10_whatever_happens_no_more_is_paid_than_was_settled_and_nothing_is_below_nothing(
    steps: list[tuple[str, int]],
) -> None:
    """INV-M4, INV-M10: the rule alone, against a ledger of three sums."""
    now, settled, sold, paid, last = Standing(0, 0, 0, 0, 0), 0, 0, 0, 0
    for name, minor in steps:
        match name:
            case "sell":
                now, sold = replace(now, pending=now.pending + minor, young=now.young + minor), sold + minor
            case "refund":
                now, sold = replace(now, pending=now.pending - minor), sold - minor
            case "settle":
                now, settled = replace(now, room=now.room + minor), settled + minor
            case "age":
                now = replace(now, young=0)
            case "pay" if now.owed == 0 and minor <= now.available:
                now, paid, last = replace(now, available=now.available - minor), paid + minor, minor
            case "back":
                now, paid, last = replace(now, available=now.available + last), paid - last, 0
        now = after(now, moves(now))

        assert now.pending + now.available + now.owed == sold - paid
        assert min(now.pending, now.available, now.room, -now.owed) >= 0
        assert now.room + now.available + paid == settled
        assert paid <= settled


@given(number=st.text("0123456789ABC", min_size=1, max_size=34))
def test_a_mask_shows_at_most_four_and_at_most_a_third(number: str) -> None:
    shown = masked(number).removeprefix("****")

    assert number.endswith(shown)
    assert len(shown) <= min(4, len(number) / 3)
