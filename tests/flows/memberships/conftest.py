"""A shop that sells a plan by the month, and a known shopper in front of it."""

from __future__ import annotations

import pytest

from core.members.periods import Unit
from tests.builders import Shop, Talker
from tests.support.memberships import Club, a_club


@pytest.fixture
def club(shop: Shop) -> Club:
    return a_club(shop)


@pytest.fixture
def monthly(club: Club) -> int:
    return club.goods("F1", 1, Unit.MONTH)


@pytest.fixture
def talker(shop: Shop) -> Talker:
    return shop.a_shopper()
