"""`membership`: what an operator takes back, in one line, and each no."""

from __future__ import annotations

import pytest

from core.config import Config
from core.fulfilment.service import deliver
from core.ids import Prefix, public
from core.members.memberships import memberships_of
from core.members.periods import Unit
from tests.builders import Shop
from tests.support.carriers import NOBODY
from tests.support.command_line import Command
from tests.support.memberships import SilentVault, a_club
from tests.support.till import Till


def test_a_membership_is_refunded_or_ended_by_its_order(
    command: Command, config: Config, shop: Shop, till: Till
) -> None:
    talker, monthly = shop.a_shopper(), a_club(shop).goods("F1", 1, Unit.MONTH)
    names = []
    for _ in range(2):
        placed = shop.place(talker, monthly, now=till.now)
        till.receive(till.notice(till.start(placed), 1500))
        ((delivery,),) = shop.sql("SELECT id FROM delivery WHERE order_id = %s", [placed.order_id])
        deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=till.now)
        names.append(public(Prefix.ORDER, placed.order_id))
    first, second = names
    assert memberships_of(actor=talker.actor)[0].until == till.now.replace(month=5)
    shop.sql("UPDATE payment SET state = 'refunded', refunded_minor = 1500 WHERE order_id = %s", [placed.order_id])

    refunded = command(config, "membership", "refund", first)
    again = command(config, "membership", "refund", first)
    outside = command(config, "membership", "refund", second)
    ended = command(config, "membership", "end", second)

    assert refunded == (0, f"{first}: what it gave of memberships is taken back, 15.00 CNY goes back\n", "")
    assert again == (
        *(2, ""),
        f"keystall: {first} gave no membership, or it was taken back before: nothing was changed\n",
    )
    assert outside == (
        *(2, ""),
        f"keystall: the gateway gave money of {second} back by itself: `membership end {second}` takes the time back\n",
    )
    assert ended == (0, f"{second}: what it gave of memberships is taken back, no money moves\n", "")
    assert shop.sql("SELECT months, until - since FROM membership")[0][0] == 0


@pytest.mark.parametrize("word", ["refund", "end"])
def test_what_is_no_order_is_refused(command: Command, config: Config, shop: Shop, word: str) -> None:
    _ = shop.merchant
    missing = public(Prefix.ORDER, shop.a_shopper().shopper_id)

    assert command(config, "membership", word, "xx") == (
        *(2, ""),
        "keystall: xx is no order number: its buyer sees it as ord_…\n",
    )
    assert command(config, "membership", word, missing) == (2, "", f"keystall: there is no order {missing} here\n")
