"""The pen of a chat: one sender writes there at a time, for as long as its messages take and no longer."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from core.fulfilment.service import Carrier, carry
from core.messages import outgoing
from core.messages.service import MessageKind, tell
from core.ports import Parcel, SendAnswer
from tests.builders import Shop, Talker, later
from tests.flows.test_carrying import PlainVault
from tests.support.carriers import ScriptedCourier
from tests.support.chats import an_account, somebody


@pytest.fixture
def buyer(shop: Shop) -> Talker:
    """Somebody with two messages that wait to be carried."""
    buyer = somebody(shop, an_account(shop))
    for _ in range(2):
        tell(conversation_id=buyer.conversation_id, kind=MessageKind.PAID, body={"order": "ord_x"}, now=later(0))
    return buyer


def test_a_pen_is_renewed_for_each_message_however_old_the_now_of_its_sender_is(shop: Shop, buyer: Talker) -> None:
    ends: list[datetime] = []

    class Looks(ScriptedCourier):
        def hand_over(self, parcel: Parcel, /) -> SendAnswer:
            ends.extend(*shop.sql("SELECT pen_until FROM message_counter WHERE pen_until IS NOT NULL"))
            return super().hand_over(parcel)

    ((asked_at,),) = shop.sql("SELECT clock_timestamp()")
    carried = carry(
        conversation_id=buyer.conversation_id, vault=PlainVault(shop), carrier=Carrier(Looks()), now=later(2)
    )

    assert carried == 2
    assert asked_at + outgoing.PEN < ends[0] < ends[1] < asked_at + outgoing.PEN + timedelta(seconds=30)
    assert shop.sql("SELECT count(*) FROM message_counter WHERE pen_until IS NOT NULL") == [(0,)]


def test_whose_pen_was_taken_over_writes_no_more_and_takes_it_from_nobody(shop: Shop, buyer: Talker) -> None:
    taken: list[outgoing.Pen | None] = []
    others = ExitStack()

    class Sleeps(ScriptedCourier):
        """The pen ends while the first message is sent, and another sender takes it."""

        def hand_over(self, parcel: Parcel, /) -> SendAnswer:
            shop.sql("UPDATE message_counter SET pen_until = clock_timestamp()")
            taken.append(others.enter_context(outgoing.pen(conversation_id=buyer.conversation_id)))
            return super().hand_over(parcel)

    courier = Sleeps()
    with others:
        carried = carry(
            conversation_id=buyer.conversation_id, vault=PlainVault(shop), carrier=Carrier(courier), now=later(2)
        )
        (successor,) = taken

        assert (carried, len(courier.parcels)) == (1, 1)
        assert successor is not None
        assert successor.renew()
    assert shop.sql("SELECT count(*) FROM message_counter WHERE pen_until IS NOT NULL") == [(0,)]
