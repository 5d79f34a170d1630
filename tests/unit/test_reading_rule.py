"""Which chat may read what, as a rule on plain values: bought before a binding, after it, over a third account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.ids import new_id
from core.vault.bindings import SealedBinding, Side
from core.vault.reading import STAYS_WHERE_BOUGHT, bound_since, may_read, minted_at

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHOPPER = UUID(int=1)
A, B, C, D = (Side(UUID(int=100 + n), f"web:{n}") for n in range(4))


def bound(one: Side, other: Side, at: datetime = NOON, ended_at: datetime | None = None) -> SealedBinding:
    """A binding whose seal was found right."""
    return SealedBinding(new_id(), 1, SHOPPER, None, one, other, at, ended_at)


def reads(buyer: Side, reader: Side, bindings: Iterable[SealedBinding], *, placed: datetime, now: datetime) -> bool:
    return may_read(buyer=buyer, reader=reader, placed_at=placed, bindings=bindings, now=now)


def test_the_chat_that_ordered_reads_its_cards_at_any_time() -> None:
    assert reads(A, A, [], placed=NOON, now=NOON)
    assert reads(A, A, [bound(A, B)], placed=NOON - HOUR, now=NOON)


def test_a_chat_that_is_not_bound_reads_nothing() -> None:
    assert not reads(A, B, [], placed=NOON, now=NOON + timedelta(days=400))
    assert not reads(A, B, [bound(A, C)], placed=NOON + HOUR, now=NOON + timedelta(days=400))


def test_what_was_ordered_after_the_binding_is_read_in_both_chats_at_once() -> None:
    for buyer, reader in ((A, B), (B, A)):
        assert reads(buyer, reader, [bound(A, B)], placed=NOON, now=NOON)


def test_what_was_ordered_before_the_binding_is_read_in_the_other_chat_after_thirty_days_to_the_second() -> None:
    before, due = NOON - timedelta(seconds=1), NOON + timedelta(days=30)

    assert not reads(A, B, [bound(A, B)], placed=before, now=due - timedelta(seconds=1))
    assert reads(A, B, [bound(A, B)], placed=before, now=due)


def test_ordered_before_and_delivered_after_the_binding_counts_as_before() -> None:
    """The stricter reading: what was on its way is not walked away with either."""
    assert not reads(A, B, [bound(A, B)], placed=NOON - HOUR, now=NOON + timedelta(days=29))


def test_a_binding_that_ended_lets_nobody_read() -> None:
    over = bound(A, B, ended_at=NOON + HOUR)

    assert not reads(A, B, [over], placed=NOON + timedelta(minutes=1), now=NOON + timedelta(days=400))


def test_bound_again_the_thirty_days_begin_again() -> None:
    again = [bound(A, B, ended_at=NOON + HOUR), bound(A, B, at=NOON + 2 * HOUR)]

    assert not reads(A, B, again, placed=NOON + timedelta(minutes=1), now=NOON + timedelta(days=30))
    assert reads(A, B, again, placed=NOON + 2 * HOUR, now=NOON + 2 * HOUR)


def test_over_a_third_account_two_are_joined_since_the_later_of_both_bindings() -> None:
    chain = [bound(A, B, at=NOON), bound(B, C, at=NOON + HOUR)]

    assert bound_since(A, C, chain) == bound_since(C, A, chain[::-1]) == NOON + HOUR
    assert not reads(A, C, chain, placed=NOON + timedelta(minutes=59), now=NOON + timedelta(days=30))
    assert reads(A, C, chain, placed=NOON + HOUR, now=NOON + HOUR)


def test_the_same_identity_in_another_chat_is_another_reader() -> None:
    moved = replace(B, chat_address="telegram:1:attacker")

    assert not reads(A, moved, [bound(A, B)], placed=NOON + HOUR, now=NOON + timedelta(days=400))
    assert not reads(A, replace(A, chat_address="telegram:1:attacker"), [bound(A, B)], placed=NOON, now=NOON)


def test_an_order_says_itself_when_it_was_placed() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    at = minted_at(new_id())

    assert before <= at <= datetime.now(UTC) + timedelta(milliseconds=2)


PAIRS = list(combinations((A, B, C, D), 2))


@given(st.lists(st.tuples(st.sampled_from(PAIRS), st.integers(0, 50), st.booleans()), max_size=7))
def test_two_are_joined_since_the_earliest_moment_at_which_a_way_of_live_bindings_led_from_one_to_the_other(
    drawn: list[tuple[tuple[Side, Side], int, bool]],
) -> None:
    """The model walks every way; the rule must find the same, whichever end it begins at."""
    bindings = [
        bound(one, other, NOON + hours * HOUR, NOON + 99 * HOUR if is_over else None)
        for (one, other), hours, is_over in drawn
    ]
    live = {(side, far): [] for side, far in permutations((A, B, C, D), 2)}
    for binding in bindings:
        if binding.ended_at is None:
            for side, far in (binding.sides, binding.sides[::-1]):
                live[side, far].append(binding.bound_at)

    def ways(here: Side, to: Side, seen: tuple[Side, ...]) -> Iterable[datetime]:
        for far in {A, B, C, D} - {*seen, here}:
            for at in live[here, far]:
                if far == to:
                    yield at
                yield from (max(at, rest) for rest in ways(far, to, (*seen, here)))

    for one, other in permutations((A, B, C, D), 2):
        assert bound_since(one, other, bindings) == min(ways(one, other, ()), default=None)


def test_thirty_days_are_thirty_days() -> None:
    assert timedelta(days=30) == STAYS_WHERE_BOUGHT
