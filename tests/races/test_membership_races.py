"""Two paid memberships of one shopper are handed over at once: both count, whichever comes first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from core.fulfilment.service import deliver
from core.members import memberships
from core.members.periods import Unit
from tests.builders import NOON, Shop, in_own_connection
from tests.support.carriers import NOBODY
from tests.support.memberships import SilentVault, a_club, counted

MEET = 0.5  # seconds that one waits for the other to have read as well; what locks lets nobody come


def both_given(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """What the table says and what its periods come to, after two workers have read before either wrote."""
    club, talker = a_club(shop), shop.a_shopper()
    monthly = club.goods("F1", 1, Unit.MONTH)
    deliveries = [club.paid(talker, monthly, NOON)[1][0] for _ in range(2)]
    read, meeting = memberships._periods, threading.Barrier(2)

    def read_and_meet(shopper_ids: Sequence[UUID]) -> Any:
        found = read(shopper_ids)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(MEET)
        return found

    monkeypatch.setattr(memberships, "_periods", read_and_meet)

    def one(delivery: UUID) -> bool:
        done = in_own_connection(lambda: deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=NOON))
        return bool(done)

    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(one, deliveries)) == [True, True]
    return shop.sql("SELECT until FROM membership")[0][0], counted(talker).until


def test_inv_p5_two_periods_given_at_once_are_both_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stands, should = both_given(shop, monkeypatch)

    assert stands == should == NOON.replace(month=5)


def test_control_without_the_shoppers_lock_one_of_them_is_lost(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memberships, "SOLD", memberships.SOLD.replace("FOR NO KEY UPDATE OF s", ""))

    stands, should = both_given(shop, monkeypatch)

    assert (stands, should) == (NOON.replace(month=4), NOON.replace(month=5))
