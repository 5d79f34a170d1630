"""Payouts asked for and approved at the same time take no more than there is, with the controls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from core.db import atomic
from core.ledger import sql as ledger_sql
from core.settlement import banks, claims, payouts
from core.settlement.service import approve_payout
from tests.builders import Shop
from tests.races.racing import Beside, at_once, failures
from tests.support.payouts import MONTH, Treasury
from tests.support.trade import violated

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
TWO_DAYS = (date(2026, 4, 1), date(2026, 4, 2))


@pytest.fixture
def treasury(shop: Shop, owners_hand: None) -> Treasury:
    """100.00 is available."""
    treasury = Treasury(shop)
    treasury.ready(10_000)
    claims.release_due(now=MONTH)
    return treasury


def meet(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, parties: int = 2) -> None:
    """Let all callers of a function be past it before any goes on."""
    meeting, one = threading.Barrier(parties, timeout=20), getattr(module, name)

    def together(*given: Any, **named: Any) -> Any:
        got = one(*given, **named)
        meeting.wait()
        return got

    monkeypatch.setattr(module, name, together)


def asked_at_once(treasury: Treasury, times: int = 2) -> list[Any]:
    """The whole amount so often, each for another day."""
    days = [date(2026, 4, day) for day in range(1, times + 1)]
    return at_once([lambda day=day: treasury.asked(10_000, day=day) for day in days])


def without_count(treasury: Treasury) -> None:
    treasury.shop.sql(
        "CREATE OR REPLACE FUNCTION require_released(one payout) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'"
    )


def without_floor(treasury: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    treasury.shop.sql("ALTER TABLE account DROP CONSTRAINT account_floor")
    monkeypatch.setattr(ledger_sql, "TOUCH", ledger_sql.TOUCH.replace(" AND balance + change - aside >= floor", ""))


def two_requests(treasury: Treasury) -> list[UUID]:
    """Two for 50.00 each, of the 60.00 that a refund left."""
    payouts_made = [treasury.asked(5_000, day=day) for day in TWO_DAYS]
    treasury.earned(-4_000, at=MONTH)
    claims.release_due(now=MONTH)
    return payouts_made


def approved_at_once(treasury: Treasury, requests: list[UUID]) -> list[Any]:
    """Each by somebody else."""
    approvers = (treasury.approver, treasury.person("zhou"))
    return at_once(
        [
            lambda who=who, one=one: approve_payout(actor=who, payout_id=one, now=MONTH)
            for who, one in zip(approvers, requests, strict=True)
        ]
    )


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked at what there is before either takes it."""
    monkeypatch.setattr(claims, "LOCK", claims.ROOM)
    monkeypatch.setattr(banks, "ONE_AT_A_TIME", "SELECT %s::bigint")
    meet(monkeypatch, payouts, "_require_room")


def test_fault_63_requests_at_once_for_all_there_is_are_one(treasury: Treasury) -> None:
    """Fault 63: the others see what the first asked for."""
    results = asked_at_once(treasury, times=8)

    assert failures(results) == ["NotEnough"] * 7
    assert treasury.shop.sql("SELECT sum(amount)::int FROM payout") == [(10_000,)]
    assert violated() == {}


def test_fault_63_a_request_waits_for_one_that_is_being_written(treasury: Treasury) -> None:
    """Fault 63: the second looks only once the first is there."""
    with atomic():
        treasury.asked(10_000)
        second = Beside(lambda: treasury.asked(10_000, day=TWO_DAYS[1]))
        _until(lambda: second.has_ended() or treasury.shop.sql(WAITING, role="superuser")[0][0] > 0)

    assert failures([second.result()]) == ["NotEnough"]
    assert treasury.shop.count("payout") == 1


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_control_without_the_lock_on_the_debtors_money_both_requests_pass(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 63: each reads before the other has written."""
    monkeypatch.setattr(claims, "LOCK", claims.ROOM)
    meet(monkeypatch, payouts, "_require_room")

    results = asked_at_once(treasury)

    assert failures(results) == []
    assert treasury.shop.sql("SELECT sum(amount)::int FROM payout") == [(20_000,)]


def test_fault_63_two_approvals_at_once_never_take_more_than_is_available(treasury: Treasury) -> None:
    """Fault 63, INV-M4: one is approved, the other is told what is left."""
    results = approved_at_once(treasury, two_requests(treasury))

    assert failures(results) == ["NotEnough"]
    assert [one.params for one in results if isinstance(one, Exception)] == [{"available": 1_000, "currency": "CNY"}]
    assert treasury.stands() == {"available": 1_000, "in_transit": 5_000}
    assert violated() == {}


def test_fault_63_the_floor_alone_keeps_two_approvals_from_taking_too_much(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 63, INV-M4: both looked before either took, and the bounded account still refuses one."""
    requests = two_requests(treasury)
    without_count(treasury)
    without_locks(monkeypatch)

    results = approved_at_once(treasury, requests)

    assert failures(results) == ["NotEnough"]
    assert treasury.stands() == {"available": 1_000, "in_transit": 5_000}
    assert violated() == {}


def test_fault_63_the_count_of_what_left_alone_keeps_two_approvals_from_taking_too_much(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 63, INV-M10: the trigger locks what was released and counts, where neither look nor floor does."""
    requests = two_requests(treasury)
    without_floor(treasury, monkeypatch)
    without_locks(monkeypatch)

    results = approved_at_once(treasury, requests)

    assert failures(results) == ["BooksDiffer"]
    assert treasury.stands() == {"available": 1_000, "in_transit": 5_000}


def test_control_without_lock_floor_and_count_two_approvals_take_more_than_is_available(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 63."""
    requests = two_requests(treasury)
    without_floor(treasury, monkeypatch)
    without_count(treasury)
    without_locks(monkeypatch)

    results = approved_at_once(treasury, requests)

    assert failures(results) == []
    assert treasury.stands() == {"available": -4_000, "in_transit": 10_000}


def test_fault_63_one_payout_approved_twice_at_once_moves_its_money_once(treasury: Treasury) -> None:
    """Fault 63: two people at the same moment."""
    payout = treasury.asked(4_000)
    approvers = (treasury.approver, treasury.person("zhou"))

    results = at_once([lambda who=who: approve_payout(actor=who, payout_id=payout, now=MONTH) for who in approvers])

    assert failures(results) == ["PayoutMoved"]
    assert treasury.stands() == {"available": 6_000, "in_transit": 4_000}
    assert violated() == {}


def test_two_claims_on_one_debtor_at_once_share_what_its_gateway_has_settled(treasury: Treasury) -> None:
    """INV-M10: both were sold long ago, 70.00 were settled for 100.00."""
    shop = treasury.shop
    brand = shop.a_party("brand1", "supplier")
    pair = treasury.claim(shop.merchant, shop.platform), treasury.claim(brand, shop.platform)
    treasury.settled(7_000, debtor=shop.platform, gateway="wechatpay")
    for claim in pair:
        treasury.earned(5_000, claim)

    at_once([lambda: claims.release_due(now=MONTH)] * 4)

    assert sum(treasury.stands(claim)["available"] for claim in pair) == 7_000
    assert violated() == {}
