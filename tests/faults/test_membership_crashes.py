"""kill -9 at every step of handing a membership over: the period is given once, and told once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from core import db
from core.fulfilment.service import deliver
from core.members.periods import Unit
from tests.builders import NOON, Shop
from tests.support.carriers import NOBODY
from tests.support.crash import run_until
from tests.support.memberships import SilentVault, a_club, membership_of, wrong

MOST_STEPS = 40
LATER = NOON + timedelta(seconds=61)


def test_inv_o7_killed_at_any_step_of_the_hand_over_the_period_is_given_once(shop: Shop, urls: dict[str, str]) -> None:
    """Faults 1 and 2, INV-O6: as the worker's role; whoever comes after the lease gives what the dead one did not."""
    club = a_club(shop)
    monthly = club.goods("F1", 1, Unit.MONTH)
    hand_over = partial(deliver, vault=SilentVault(), carrier=NOBODY)
    ends = []
    for step in range(1, MOST_STEPS):
        talker = shop.a_shopper()
        _, (delivery,) = club.paid(talker, monthly, NOON)
        got_through = run_until(partial(hand_over, delivery_id=delivery, now=NOON), url=urls["worker"], at=step)
        db.connect(urls["shop"], size=2)
        hand_over(delivery_id=delivery, now=LATER)

        ends.append(membership_of(talker).until)
        told = "SELECT count(*) FROM message WHERE conversation_id = %s AND kind = 'membership'"
        assert shop.sql(told, [talker.conversation_id]) == [(1,)]
        assert hand_over(delivery_id=delivery, now=LATER + timedelta(seconds=61)) is False
        if got_through:
            break

    assert ends == [LATER.replace(month=4)] * (len(ends) - 1) + [NOON.replace(month=4)]
    assert 9 < len(ends) < MOST_STEPS - 1, "it was killed before each of its words and once not at all"
    assert shop.count("membership_period") == len(ends)
    assert wrong(shop.sql) == {}
