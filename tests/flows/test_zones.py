"""Times are kept in UTC and shown in the store's zone, whatever zone the machine is in and whatever its clocks do."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from bot.texts import Phrasebook, Texts
from core.stock.service import usable_on
from tests.builders import Shop, Talker

MACHINES = ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
LAST_HOUR = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)  # half past midnight of 1 April in Shanghai


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine that is set to this zone."""
    with monkeypatch.context() as there:
        there.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def texts(zone: str) -> Texts:
    return Phrasebook(zone=zone, default="zh-CN").texts("zh-CN")


def test_fault_19_at_the_turn_of_a_month_the_stores_day_counts_and_not_the_machines(machine: str) -> None:
    assert texts("Asia/Shanghai").moment(LAST_HOUR) == "2026年4月1日 00:30"
    assert usable_on(now=LAST_HOUR, zone="Asia/Shanghai", minimum_life_days=0) == date(2026, 4, 1)
    assert usable_on(now=LAST_HOUR, zone="America/New_York", minimum_life_days=0) == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 3, 8, 6, 59, tzinfo=UTC), "2026年3月8日 01:59"),
        (datetime(2026, 3, 8, 7, 0, tzinfo=UTC), "2026年3月8日 03:00"),  # 02:00 to 02:59 do not exist
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2026年11月1日 01:30"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "2026年11月1日 01:30"),  # the same hour again
    ],
)
def test_fault_19_where_clocks_are_put_forward_or_back_the_zones_own_time_is_shown(
    machine: str, at: datetime, shown: str
) -> None:
    assert texts("America/New_York").moment(at) == shown


def test_fault_19_an_order_is_open_for_its_minutes_over_the_turn_of_a_month_on_any_machine(
    machine: str, shop: Shop, talker: Talker
) -> None:
    shop.a_batch(cards=3)

    placed = shop.place(talker, shop.a_listing("A1"), 1, now=LAST_HOUR)

    at, deadline = shop.sql("SELECT placed_at, deadline FROM shop_order WHERE id = %s", [placed.order_id])[0]
    assert at == LAST_HOUR
    assert deadline - at == shop.policy.hold_for
    assert texts("Asia/Shanghai").short_time(deadline, now=LAST_HOUR) == "00:45"
