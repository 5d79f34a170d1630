"""INV-P5, fault 20: calendar periods of memberships, by examples and by properties over anchors, spans and zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.members.periods import MOST_YEARS, Period, Span, Unit, end_of, is_too_far, standing

SHANGHAI, NEW_YORK, BERLIN = "Asia/Shanghai", "America/New_York", "Europe/Berlin"
ZONES = (SHANGHAI, NEW_YORK, BERLIN, "UTC", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu")
"""Without summer time, with an hour of it, with half an hour, with changes at midnight, with odd minutes."""

anchors = st.datetimes(datetime(1999, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
zones = st.sampled_from(ZONES)
spans = st.builds(Span, months=st.integers(0, 240), days=st.integers(0, 800))
pieces = st.builds(Span.of, st.integers(1, 40), st.sampled_from(Unit))
SECOND = timedelta(seconds=1)


def at(zone: str, *wall: int) -> datetime:
    """A moment by the clock on the wall of a zone, as the tables keep it."""
    return datetime(*wall, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]


def shown(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def ends(zone: str, begun: datetime, count: int, unit: Unit) -> str:
    return shown(end_of(since=begun, zone=zone, span=Span.of(count, unit)), zone)


def bought(moment: datetime, span: Span, back: datetime | None = None, zone: str = SHANGHAI) -> Period:
    """Paid and handed over in one moment."""
    return Period(moment, moment, span, zone, back)


def is_skipped(wall: datetime) -> bool:
    """Whether no clock of that zone ever shows this."""
    return wall.astimezone(UTC).astimezone(wall.tzinfo).replace(fold=0) != wall.replace(fold=0)


def by_the_last_end(since: datetime, zone: str, months: int) -> datetime:
    """The control: each month counted from the end of the one before, as a shop would do that keeps no anchor."""
    for _ in range(months):
        since = end_of(since=since, zone=zone, span=Span(months=1))
    return since


@pytest.mark.parametrize(
    ("begun", "count", "unit", "over"),
    [
        ((2027, 1, 31, 12, 0), 1, Unit.MONTH, "2027-02-28 12:00"),
        ((2028, 1, 31, 12, 0), 1, Unit.MONTH, "2028-02-29 12:00"),
        ((2027, 1, 31, 12, 0), 2, Unit.MONTH, "2027-03-31 12:00"),
        ((2027, 1, 31, 12, 0), 3, Unit.MONTH, "2027-04-30 12:00"),
        ((2027, 11, 30, 23, 59), 3, Unit.MONTH, "2028-02-29 23:59"),
        ((2028, 2, 29, 0, 0), 1, Unit.YEAR, "2029-02-28 00:00"),
        ((2028, 2, 29, 0, 0), 4, Unit.YEAR, "2032-02-29 00:00"),
        ((2096, 2, 29, 8, 0), 4, Unit.YEAR, "2100-02-28 08:00"),  # 2100 is no leap year
        ((2026, 12, 31, 8, 0), 2, Unit.MONTH, "2027-02-28 08:00"),
        ((2027, 2, 27, 8, 0), 7, Unit.DAY, "2027-03-06 08:00"),
        ((2028, 2, 27, 8, 0), 7, Unit.DAY, "2028-03-05 08:00"),
    ],
)
def test_fault_20_periods_end_on_the_day_of_the_anchor_or_the_last_of_a_shorter_month(
    begun: tuple[int, ...], count: int, unit: Unit, over: str
) -> None:
    assert ends(SHANGHAI, at(SHANGHAI, *begun), count, unit) == over


@pytest.mark.parametrize(
    ("zone", "begun", "over", "lasts"),
    [
        (BERLIN, (2027, 3, 1, 9, 0), "2027-04-01 09:00", timedelta(days=31, hours=-1)),  # summer time began
        (BERLIN, (2027, 10, 1, 9, 0), "2027-11-01 09:00", timedelta(days=31, hours=1)),  # and ended
        (NEW_YORK, (2027, 2, 14, 2, 30), "2027-03-14 03:30", timedelta(days=28)),  # 02:30 is skipped
        (NEW_YORK, (2027, 10, 7, 1, 30), "2027-11-07 01:30", timedelta(days=31, hours=1)),  # 01:30 comes twice
        ("Australia/Lord_Howe", (2027, 3, 4, 9, 0), "2027-04-04 09:00", timedelta(days=31, minutes=30)),
        (SHANGHAI, (2027, 3, 1, 9, 0), "2027-04-01 09:00", timedelta(days=31)),
    ],
)
def test_inv_p5_a_month_ends_at_the_same_hour_of_the_wall_whatever_summer_time_does(
    zone: str, begun: tuple[int, ...], over: str, lasts: timedelta
) -> None:
    since = at(zone, *begun)
    until = end_of(since=since, zone=zone, span=Span(months=1))

    assert shown(until, zone) == over
    assert until - since == lasts
    assert until.tzinfo is UTC


def test_inv_p5_a_renewal_extends_from_the_end_until_it_is_over_and_begins_anew_from_then_on() -> None:
    """To the second: one before the end adds to it, the end itself is the first moment of a new membership."""
    since = at(SHANGHAI, 2027, 1, 31, 12, 0)
    month = Span(months=1)
    end = end_of(since=since, zone=SHANGHAI, span=month)

    early = standing([bought(since, month), bought(since, month)])
    last = standing([bought(since, month), bought(end - SECOND, month)])
    over = standing([bought(since, month), bought(end, month)])

    assert early
    assert last
    assert over
    assert [shown(one.until, SHANGHAI) for one in (early, last, over)] == [
        *("2027-03-31 12:00", "2027-03-31 12:00"),
        "2027-03-28 12:00",
    ]
    assert [(one.since, one.anchor_day) for one in (early, last, over)] == [(since, 31), (since, 31), (end, 28)]
    assert standing([]) is None


def test_a_renewal_paid_in_time_and_handed_over_late_is_one_and_a_new_one_begins_when_it_is_handed_over() -> None:
    since, month = at(SHANGHAI, 2027, 1, 31, 12, 0), Span(months=1)
    end = end_of(since=since, zone=SHANGHAI, span=month)
    late = end + timedelta(hours=5)

    renewed = standing([bought(since, month), Period(end - SECOND, late, month, SHANGHAI)])
    anew = standing([bought(since, month), Period(end, late, month, SHANGHAI)])

    assert renewed
    assert anew
    assert (renewed.since, shown(renewed.until, SHANGHAI)) == (since, "2027-03-31 12:00")
    assert (anew.since, shown(anew.until, SHANGHAI)) == (late, "2027-03-28 17:00")


def test_what_is_taken_back_makes_it_end_as_much_earlier_from_the_same_anchor() -> None:
    since, month = at(SHANGHAI, 2027, 1, 31, 12, 0), Span(months=1)
    renewed, back = since + timedelta(days=3), since + timedelta(days=9)

    left = standing([bought(since, month, back), bought(renewed, month)])
    none = standing([bought(since, month, back), bought(renewed, month, back)])
    after = standing([bought(since, month, back), bought(back + SECOND, month)])

    assert left
    assert none
    assert after
    assert (left.since, shown(left.until, SHANGHAI)) == (since, "2027-02-28 12:00")
    assert none.until == since  # over
    assert (after.since, after.span) == (back + SECOND, month)


def test_what_is_taken_back_of_a_membership_that_is_over_takes_nothing_from_the_one_after_it() -> None:
    since, month = at(SHANGHAI, 2027, 1, 31, 12, 0), Span(months=1)
    later = since + timedelta(days=60)

    now = standing([bought(since, month, later + SECOND), bought(later, month)])

    assert now is not None
    assert (now.since, now.span) == (later, month)


@given(anchors, zones, spans, pieces)
def test_inv_p5_more_never_ends_earlier_and_a_period_is_never_empty(
    since: datetime, zone: str, span: Span, more: Span
) -> None:
    assert end_of(since=since, zone=zone, span=span + more) > end_of(since=since, zone=zone, span=span) >= since


@given(anchors, zones, spans)
def test_fault_20_the_anchor_is_kept_months_never_drift_and_the_hour_stays(
    since: datetime, zone: str, span: Span
) -> None:
    """INV-P5: only a month without that day ends on another, its last; and the next one is on the day again."""
    begun = since.astimezone(ZoneInfo(zone))
    end = end_of(since=since, zone=zone, span=Span(months=span.months)).astimezone(ZoneInfo(zone))

    assert (end.year * 12 + end.month) - (begun.year * 12 + begun.month) == span.months
    assert end.day == begun.day or (end.day < begun.day and (end + timedelta(days=1)).day == 1)
    assert end.time() == begun.time() or (
        is_skipped(end.replace(hour=begun.hour, minute=begun.minute)) and end.time() > begun.time()
    )


@given(anchors, zones, st.lists(pieces, min_size=1, max_size=6))
def test_inv_p5_renewals_in_steps_end_when_one_step_of_their_sum_does_in_whatever_order(
    since: datetime, zone: str, steps: list[Span]
) -> None:
    whole = sum(steps, Span())

    for order in (steps, steps[::-1]):
        run = standing([bought(since, one, zone=zone) for one in order])
        assert run is not None
        assert (run.since, run.span, run.until) == (since, whole, end_of(since=since, zone=zone, span=whole))


@given(anchors, zones, st.lists(st.tuples(pieces, st.integers(0, 1500)), min_size=1, max_size=6))
def test_inv_p5_each_purchase_gives_its_whole_period_and_taking_everything_back_leaves_nothing(
    since: datetime, zone: str, purchases: list[tuple[Span, int]]
) -> None:
    """Before the end the end moves by it; after the end it runs from the purchase. Nothing is lost or given."""
    moment, periods = since, []
    for span, days in purchases:
        before = standing(periods)
        moment += timedelta(days=days)
        periods.append(bought(moment, span, zone=zone))
        run = standing(periods)
        assert run is not None
        if before is not None and moment < before.until:
            assert (run.since, run.span) == (before.since, before.span + span)
        else:
            assert (run.since, run.span) == (moment, span)
        assert run.until > moment

    back = moment + SECOND
    gone = standing([bought(one.paid_at, one.span, back, zone) for one in periods])
    assert gone is not None
    assert (gone.span, gone.until) == (Span(), gone.since)


def test_control_months_counted_from_the_last_end_drift() -> None:
    """What the anchor is for: without it whoever began on a 31st ends on a 28th for ever."""
    since = at(SHANGHAI, 2027, 1, 31, 12, 0)

    assert shown(by_the_last_end(since, SHANGHAI, 2), SHANGHAI) == "2027-03-28 12:00"
    assert ends(SHANGHAI, since, 2, Unit.MONTH) == "2027-03-31 12:00"


@given(anchors, zones)
def test_nothing_is_sold_that_ends_too_far_ahead(now: datetime, zone: str) -> None:
    assume(now.astimezone(ZoneInfo(zone)).day < 28)
    years = Span.of(MOST_YEARS, Unit.YEAR)

    assert not is_too_far(until=end_of(since=now, zone="UTC", span=years), now=now)
    assert is_too_far(until=end_of(since=now, zone=zone, span=years + Span(days=2)), now=now)
