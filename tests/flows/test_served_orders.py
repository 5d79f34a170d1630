"""What a shop's people do with an order: give its money back, hurry it, send it again, cancel it, decide its case."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.errors import NotAllowed, NotFound, Refusal
from core.fulfilment.giving_back import LineStays, give_back_lines, prospect
from core.fulfilment.reading import NothingDelivered
from core.fulfilment.sending_again import A_DAY, SentOften, send_again
from core.members.blocking import BlockReason, block_shopper, unblock_shopper
from core.orders.ending import cancel_unpaid
from core.orders.hurrying import NothingWaits, deliver_now
from core.orders.rules import OrderIs
from core.orders.service import PlacedOrder, begin_sending, finish_sending
from core.parties.rules import Role
from core.payments.cases import NotToDecide, decide_exchange, decide_refund
from core.payments.rules import AlreadyDecided
from core.payments.service import carry_out_refund, pay_from_wallet, wallet_balance
from core.ports import Gateway, Outcome
from core.risk.rules import ShopperBlocked
from core.work import Work
from tests.builders import Shop, Talker
from tests.support.dialog import queued
from tests.support.till import ScriptedGateway, Till


def somebody(merchant: int | None, *roles: Role) -> Actor:
    """A person of a party, with these roles there."""
    return Actor(ActorKind.STAFF, id=uuid4(), party_id=merchant, roles=frozenset(role.value for role in roles))


@pytest.fixture
def order(shop: Shop, talker: Talker) -> PlacedOrder:
    """A placed order of one line with two of three own cards, over 20.00 CNY."""
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=3)
    return shop.place(talker, listing, 2)


@pytest.fixture
def support(shop: Shop) -> Actor:
    return somebody(shop.merchant, Role.SUPPORT)


def lines_of(till: Till, order: PlacedOrder) -> list[UUID]:
    return [row[0] for row in till.shop.sql("SELECT id FROM order_line WHERE order_id = %s", [order.order_id])]


def delivered(till: Till, order: PlacedOrder) -> None:
    """Its cards are opened and in the chat, as the vault and the worker leave them."""
    ((delivery,),) = till.shop.sql("SELECT id FROM delivery WHERE order_id = %s", [order.order_id])
    sending = begin_sending(delivery_id=delivery, now=till.now)
    assert sending is not None
    till.shop.sql("UPDATE card SET opened_at = %s WHERE line_id = %s", [till.now, sending.line_id])
    assert finish_sending(sending=sending, now=till.now)


def sent_back(till: Till) -> list[tuple[int, bool]]:
    """Carries out what was asked of the gateway; every refund with its amount, and whether it went to the wallet."""
    for (refund,) in till.shop.sql("SELECT id FROM refund WHERE state = 'requested'"):
        carry_out_refund(
            refund_id=refund, gateways={"sandbox": cast("Gateway", ScriptedGateway([Outcome.YES]))}, now=till.now
        )
    return till.shop.sql("SELECT amount_minor, to_wallet FROM refund WHERE state = 'succeeded' ORDER BY 1")


def refused(shop: Shop, kind: type[Refusal], act: Callable[[], Any]) -> Refusal:
    """The refusal of an act that changed nothing."""
    before = shop.fingerprint()
    with pytest.raises(kind) as found:
        act()
    assert shop.fingerprint() == before
    return found.value


def test_a_paid_order_goes_back_as_it_came_its_cards_on_the_shelf(
    till: Till, order: PlacedOrder, support: Actor
) -> None:
    """INV-M6: by support of its own shop, once; whoever is somebody else's, or sees to goods only, changes nothing."""
    till.pay(order)
    shop, line = till.shop, lines_of(till, order)
    give = partial(give_back_lines, order_id=order.order_id, line_ids=line, now=till.now)
    others = somebody(shop.a_party("other"), Role.OWNER)
    refused(shop, NotFound, partial(give, actor=others))
    refused(shop, NotAllowed, partial(give, actor=somebody(shop.merchant, Role.CATALOG)))
    refused(shop, NotAllowed, partial(give, actor=somebody(shop.platform, Role.AUDITOR, Role.PLATFORM_OPERATOR)))

    seen = prospect(actor=support, order_id=order.order_id)
    assert (seen.to_source.minor, seen.to_wallet.minor, seen.lines[0][1]) == (2000, 0, None)
    assert give(actor=support).minor == 2000

    assert sent_back(till) == [(2000, False)]
    assert shop.card_states() == {"free": 3}
    assert till.order_state(order) == "closed"
    assert shop.sql("SELECT refunded_minor FROM shop_order") == [(2000,)]
    assert shop.sql("SELECT actor_kind, detail->>'delivered' FROM audit_entry WHERE action = 'line.given_back'") == [
        ("staff", "false")
    ]
    assert refused(shop, Refusal, partial(give, actor=support)).params == {"why": "given_back"}
    assert till.violations() == {}


def test_delivered_cards_stay_with_the_shopper_and_those_of_a_supplier_are_not_the_shops_to_give_back(
    till: Till, order: PlacedOrder, support: Actor
) -> None:
    till.pay(order)
    give = partial(give_back_lines, order_id=order.order_id, line_ids=lines_of(till, order), now=till.now)
    delivered(till, order)
    supplier = till.shop.a_party("brand1", kind="supplier")
    till.shop.sql("ALTER TABLE card DROP CONSTRAINT card_batch_no_owner_id_sku_id_fkey")
    till.shop.sql("ALTER TABLE card DISABLE TRIGGER USER")
    till.shop.sql("UPDATE card SET owner_id = %s WHERE state = 'delivered'", [supplier])
    assert refused(till.shop, Refusal, partial(give, actor=support)).params == {"why": "others_cards"}
    till.shop.sql("UPDATE card SET owner_id = %s", [till.shop.merchant])

    assert give(actor=support).minor == 2000

    assert sent_back(till) == [(2000, False)]
    assert till.shop.card_states() == {"free": 1, "delivered": 2}
    assert till.order_state(order) == "closed"
    assert till.violations() == {}


def test_what_the_wallet_paid_is_in_the_wallet_again_and_a_line_in_hand_stays(
    till: Till, talker: Talker, order: PlacedOrder, support: Actor
) -> None:
    """Fault 62: a line that a worker has taken, or of which a card was opened, is not given back meanwhile."""
    till.fill_wallet(talker, 2000)
    pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="1", now=till.now)
    give = partial(
        give_back_lines, actor=support, order_id=order.order_id, line_ids=lines_of(till, order), now=till.now
    )
    for bent, back in (
        ("UPDATE delivery SET state = 'sending'", "UPDATE delivery SET state = 'ready'"),
        ("UPDATE card SET opened_at = now() WHERE state = 'claimed'", "UPDATE card SET opened_at = NULL"),
        ("UPDATE order_line SET gate = 'supply'", "UPDATE order_line SET gate = 'none'"),
    ):
        till.shop.sql("ALTER TABLE card DISABLE TRIGGER USER")
        till.shop.sql(bent)
        assert refused(till.shop, LineStays, give).params["why"] in ("in_hand", "supplier")
        till.shop.sql(back)

    assert give().minor == 2000

    assert wallet_balance(actor=talker.actor, currency="CNY").minor == 2000
    assert sent_back(till) == [(2000, True)]
    assert till.violations() == {}


def test_a_delivery_is_hurried_and_delivered_cards_are_sent_again_a_few_times_a_day(
    till: Till, order: PlacedOrder, support: Actor
) -> None:
    till.pay(order)
    hurry = partial(deliver_now, order_id=order.order_id, now=till.now)
    again = partial(send_again, actor=support, order_id=order.order_id, now=till.now)
    till.shop.sql("UPDATE delivery SET state = 'unknown', lease_until = now() + interval '15 minutes'")
    till.shop.sql("DELETE FROM keystall_task")
    refused(till.shop, NotFound, partial(hurry, actor=somebody(till.shop.a_party("other"), Role.OWNER)))
    refused(till.shop, NothingDelivered, again)

    assert hurry(actor=support) == 1
    assert till.shop.sql("SELECT lease_until FROM delivery") == [(till.now,)]
    assert queued(Work.DELIVER) == 1
    till.shop.sql("UPDATE delivery SET state = 'ready'")
    delivered(till, order)
    refused(till.shop, NothingWaits, partial(hurry, actor=support))

    assert [again() for _ in range(A_DAY)] == [1] * A_DAY
    refused(till.shop, SentOften, again)
    assert queued(Work.REREAD) == A_DAY


def test_an_unpaid_order_is_cancelled_by_its_shop_which_says_so(till: Till, order: PlacedOrder, support: Actor) -> None:
    till.start(order)
    cancel = partial(cancel_unpaid, order_id=order.order_id, now=till.now)
    refused(till.shop, NotFound, partial(cancel, actor=somebody(till.shop.a_party("other"), Role.SUPPORT)))
    refused(till.shop, NotAllowed, partial(cancel, actor=somebody(till.shop.merchant, Role.FINANCE)))

    assert [cancel(actor=support), cancel(actor=support)] == [True, False]

    assert (till.order_state(order), till.told()) == ("cancelled", ["order_cancelled"])
    assert till.shop.card_states() == {"free": 3}
    till.shop.sql("UPDATE shop_order SET state = 'expired'")
    refused(till.shop, OrderIs, partial(cancel, actor=support))


@pytest.mark.parametrize("to_wallet", [False, True])
def test_a_case_is_decided_once_by_support_or_finance(
    till: Till, talker: Talker, order: PlacedOrder, to_wallet: bool
) -> None:
    """Money of another amount than was asked waits for a person; what nobody can place waits for the platform."""
    payment = till.start(order)
    till.receive(till.notice(payment, 1999))
    till.receive(till.notice(uuid4(), 700))
    rows = till.shop.sql("SELECT id, reason FROM payment_event ORDER BY amount_minor")
    (unknown, _), (event, reason) = rows
    finance = somebody(till.shop.merchant, Role.FINANCE)
    act = partial(decide_exchange if to_wallet else decide_refund, now=till.now)
    assert reason == "other_amount"
    refused(till.shop, NotToDecide, partial(act, actor=finance, event_id=unknown))
    refused(till.shop, NotAllowed, partial(act, actor=somebody(till.shop.merchant, Role.CATALOG), event_id=event))
    refused(till.shop, NotFound, partial(act, actor=somebody(till.shop.a_party("other"), Role.OWNER), event_id=event))

    assert act(actor=finance, event_id=event).minor == 1999

    refused(till.shop, AlreadyDecided, partial(act, actor=finance, event_id=event))
    assert sent_back(till) == [(1999, to_wallet)]
    assert wallet_balance(actor=talker.actor, currency="CNY").minor == (1999 if to_wallet else 0)
    assert till.violations() == {}


def test_a_shopper_who_is_blocked_orders_nothing_and_gets_what_was_paid(
    till: Till, talker: Talker, support: Actor
) -> None:
    shop = till.shop
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=3)
    block = partial(block_shopper, shopper_id=talker.shopper_id, reason=BlockReason.FRAUD, now=till.now)
    refused(shop, NotFound, partial(block, actor=somebody(shop.a_party("other"), Role.OWNER)))
    refused(shop, NotAllowed, partial(block, actor=somebody(shop.merchant, Role.FINANCE)))
    paid = shop.place(talker, listing, 1)

    assert [block(actor=support), block(actor=support)] == [True, False]

    refused(shop, ShopperBlocked, lambda: shop.place(talker, listing, 1))
    till.pay(paid)
    assert till.order_state(paid) == "paid"
    assert unblock_shopper(actor=OPERATOR, shopper_id=talker.shopper_id, now=till.now)
    assert shop.place(talker, listing, 1).total.minor == 1000
    assert shop.sql("SELECT action, detail FROM audit_entry WHERE object_kind = 'shopper' ORDER BY id") == [
        ("shopper.blocked", {"reason": "fraud"}),
        ("shopper.unblocked", {}),
    ]
