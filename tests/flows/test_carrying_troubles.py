"""Chats that take nothing: what is told by another way, what waits for a mend, and what is found after a crash."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from core.clock import FixedClock
from core.db import in_transaction
from core.fulfilment.bound_chat import BoundChat, bound_page
from core.fulfilment.otherwise import MOST_TRIES
from core.fulfilment.service import Carrier, carry, deliver, readings_due, request_reread, reread
from core.messages import outgoing
from core.messages.service import MessageKind, tell
from core.ports import Parcel, SendAnswer, SendOutcome
from tests.builders import NOON, Shop, Talker, later
from tests.flows.test_carrying import BLOCKED, LATER, REFUSED, UNKNOWN, PlainVault, attempts, states
from tests.flows.test_fulfilment import a_paid_line
from tests.support.carriers import ScriptedCourier, ScriptedWay
from tests.support.chats import an_account, somebody

SENT = SendAnswer(SendOutcome.SENT, "1")
NO_TOKEN = SendAnswer(SendOutcome.LATER, retry_after=300.0, problem="bot_token")


@pytest.fixture
def vault(shop: Shop) -> PlainVault:
    shop.a_batch(cards=20)
    return PlainVault(shop)


@pytest.fixture
def buyer(shop: Shop) -> Talker:
    return somebody(shop, an_account(shop))


def alerts(shop: Shop) -> list[str]:
    return [kind for (kind,) in shop.sql("SELECT kind FROM alert ORDER BY first_at")]


def a_bound_page(shop: Shop, buyer: Talker) -> UUID:
    """A web chat of the same shopper, last heard a year ago."""
    identity, chat = uuid4(), uuid4()
    shop.sql(
        "INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at)"
        " VALUES (%s, %s, %s, 'web', 'guest:x', %s)",
        [identity, buyer.shopper_id, buyer.merchant_id, NOON],
    )
    shop.sql(
        "INSERT INTO conversation (id, merchant_id, shopper_id, identity_id, chat_address, last_heard_at, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s::timestamptz - interval '1 year', %s)",
        [chat, buyer.merchant_id, buyer.shopper_id, identity, f"web:{identity}", NOON, NOON],
    )
    return chat


def test_a_page_that_may_be_closed_for_ever_does_not_stop_the_letter(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    order_id, delivery = a_paid_line(shop, buyer)
    page, mail = a_bound_page(shop, buyer), ScriptedWay("email")
    clock = FixedClock(later(2))
    carrier = Carrier(ScriptedCourier([BLOCKED, BLOCKED]), [BoundChat(clock), bound_page(clock), mail])

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))

    assert attempts(order_id) == [
        ("telegram", "blocked"), ("telegram", "blocked"), ("page", "sent"), ("email", "sent"),
    ]  # fmt: skip
    assert shop.sql("SELECT kind FROM message WHERE conversation_id = %s", [page]) == [("cards_ready",)]
    assert [parcel.cards for parcel in mail.parcels] == [()]


def test_a_bound_chat_that_is_closed_too_is_followed_by_the_letter(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    _, delivery = a_paid_line(shop, buyer)
    other = somebody(shop, an_account(shop, number="7000009"), "5009")
    shop.sql("UPDATE conversation SET last_heard_at = %s", [NOON])
    shop.sql(
        "WITH i AS (UPDATE identity SET shopper_id = %(kept)s WHERE shopper_id = %(other)s)"
        " UPDATE conversation SET shopper_id = %(kept)s WHERE shopper_id = %(other)s",
        {"kept": buyer.shopper_id, "other": other.shopper_id},
    )
    mail = ScriptedWay("email")
    carrier = Carrier(ScriptedCourier([SENT, BLOCKED, BLOCKED]), [BoundChat(FixedClock(later(2))), mail])

    deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))
    assert mail.parcels == []
    carry(conversation_id=other.conversation_id, vault=vault, carrier=carrier, now=later(2))

    assert [parcel.kind for parcel in mail.parcels] == ["cards_ready"]


def test_a_worker_killed_before_the_letter_leaves_it_to_the_sweep(shop: Shop, vault: PlainVault, buyer: Talker) -> None:
    """Fault 2 at the other ways: the wish for them stands in the transaction that found the chat closed."""

    class Killed(ScriptedWay):
        def tell(self, parcel: Parcel, /) -> SendAnswer | None:
            raise SystemExit

    _, delivery = a_paid_line(shop, buyer)
    courier, mail = ScriptedCourier([SENT, BLOCKED]), ScriptedWay("email")
    with pytest.raises(SystemExit):
        deliver(delivery_id=delivery, vault=vault, carrier=Carrier(courier, [Killed("email")]), now=later(2))
    shop.sql("DELETE FROM keystall_task")

    assert outgoing.send_due(now=later(5)) == 1
    carry(conversation_id=buyer.conversation_id, vault=vault, carrier=Carrier(courier, [mail]), now=later(5))

    assert [parcel.kind for parcel in mail.parcels] == ["cards"]
    assert outgoing.send_due(now=later(10_000)) == 0  # the queue row above is gone with the worker that took it


def test_a_letter_that_cannot_go_now_goes_later_and_once(shop: Shop, vault: PlainVault, buyer: Talker) -> None:
    order_id, delivery = a_paid_line(shop, buyer)
    mail = ScriptedWay("email", answer=LATER)
    carrier = Carrier(ScriptedCourier([SENT, BLOCKED]), [mail])
    deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))
    mail.answer = SENT

    for minutes in (3, 9, 60, 600):
        carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(minutes))

    assert [one for one in attempts(order_id) if one[0] == "email"] == [("email", "later"), ("email", "sent")]


def test_a_way_that_never_answers_is_not_asked_without_end(shop: Shop, vault: PlainVault, buyer: Talker) -> None:
    _, delivery = a_paid_line(shop, buyer)
    texts = ScriptedWay("sms", answer=UNKNOWN)
    carrier = Carrier(ScriptedCourier([SENT, BLOCKED]), [texts])
    deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))

    for minutes in range(10, 2000, 60):
        carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(minutes))

    assert len(texts.parcels) == 3


def test_blocked_again_after_the_person_spoke_tries_the_ways_that_are_left(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    _, delivery = a_paid_line(shop, buyer)
    mail, texts = ScriptedWay("email"), ScriptedWay("sms")
    carrier = Carrier(ScriptedCourier([SENT, BLOCKED, BLOCKED]), [mail, texts])
    deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))

    assert in_transaction(lambda: outgoing.resume(conversation_id=buyer.conversation_id, now=later(3))) == 1
    carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(3))

    assert (len(mail.parcels), len(texts.parcels)) == (1, 1)


def test_cards_that_the_platform_refuses_are_alerted_told_and_come_when_the_person_speaks(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    _, delivery = a_paid_line(shop, buyer)
    courier, mail = ScriptedCourier([SENT, REFUSED]), ScriptedWay("email")
    carrier = Carrier(courier, [mail])

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))
    told = alerts(shop), states(shop), [parcel.kind for parcel in mail.parcels]
    in_transaction(lambda: outgoing.resume(conversation_id=buyer.conversation_id, now=later(3)))
    carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(3))

    assert told == (["message_refused"], ["sent", "refused", "ready"], ["cards"])
    assert courier.kinds == ["paid", "cards", "delivery_delayed"]
    assert states(shop) == ["sent"] * 3


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("misconfigured 40164", "channel_misconfigured"),
        ("account_frozen 50007", "channel_blocked"),
        ("right_withdrawn 48004", "channel_blocked"),
    ],
)
def test_what_a_platform_says_of_an_account_is_alerted_at_once(
    shop: Shop, vault: PlainVault, buyer: Talker, problem: str, kind: str
) -> None:
    outcome = SendOutcome.NO_QUOTA if problem.startswith("right") else SendOutcome.LATER
    _, delivery = a_paid_line(shop, buyer)
    carrier = Carrier(ScriptedCourier([SENT, SendAnswer(outcome, problem=problem, retry_after=300.0)]))

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))

    assert alerts(shop) == [kind]


def test_an_account_that_waits_for_a_mend_keeps_no_order_from_its_cards(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    order_id, delivery = a_paid_line(shop, buyer)
    courier, mail = ScriptedCourier([SENT, NO_TOKEN]), ScriptedWay("email")
    carrier = Carrier(courier, [mail])

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))
    waits = states(shop), alerts(shop), len(mail.parcels)
    asked = request_reread(
        actor=buyer.actor, conversation_id=buyer.conversation_id, order_id=order_id, submission_id="1", now=later(3)
    )
    too_early = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(4))
    mended = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(8))

    assert waits == (["sent", "ready"], ["channel_misconfigured"], 1)
    assert (asked, too_early, mended, len(mail.parcels)) == (1, 0, 1, 1)
    assert courier.kinds == ["paid", "cards"]


def test_an_outage_that_lasts_leaves_the_cards_to_be_fetched(shop: Shop, vault: PlainVault, buyer: Talker) -> None:
    order_id, delivery = a_paid_line(shop, buyer)
    mail = ScriptedWay("email")
    courier = ScriptedCourier([SENT, *[UNKNOWN] * 50])
    carrier = Carrier(courier, [mail])

    done = [deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(20 * n)) for n in range(1, 9)]

    assert done == [False] * 6 + [True, False]
    assert (states(shop)[-1], len(mail.parcels), attempts(order_id)[-1]) == ("ready", 1, ("email", "sent"))
    courier.script = []
    assert carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(600)) >= 1


def test_a_message_that_cannot_be_drawn_keeps_nothing_else_from_its_chat(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    class Poisoned(ScriptedCourier):
        def hand_over(self, parcel: Parcel, /) -> SendAnswer:
            if parcel.kind == "wallet_topped_up":
                raise ValueError("a word of the message")
            return super().hand_over(parcel)

    courier = Poisoned()
    body = {"amount_minor": 100, "currency": "CNY"}
    for kind in (MessageKind.WALLET_TOPPED_UP, MessageKind.PAID):
        in_transaction(
            lambda kind=kind: tell(conversation_id=buyer.conversation_id, kind=kind, body=body, now=later(1))
        )

    for number in range(MOST_TRIES):
        carry(conversation_id=buyer.conversation_id, vault=vault, carrier=Carrier(courier), now=later(2 + 30 * number))

    assert (states(shop), courier.kinds, alerts(shop)) == (["refused", "sent"], ["paid"], ["message_refused"])
    assert "word of" not in str(shop.sql("SELECT problem FROM send_attempt"))


def test_cards_asked_for_while_the_vault_is_away_come_when_it_is_back(
    shop: Shop, vault: PlainVault, buyer: Talker
) -> None:
    """Fault 72 at 取卡: told once that it takes longer, then found by the sweep; a killed worker likewise."""
    _, delivery = a_paid_line(shop, buyer)
    deliver(delivery_id=delivery, vault=vault, carrier=Carrier(ScriptedCourier()), now=later(2))
    request_reread(actor=buyer.actor, conversation_id=buyer.conversation_id, submission_id="again", now=later(3))
    ((reading,),) = shop.sql("SELECT id FROM reading")
    shop.sql("DELETE FROM keystall_task")
    vault.away = True

    lost = readings_due(now=later(3)), readings_due(now=later(4))
    refused = [reread(reading_id=reading, vault=vault, now=later(4 + n)) for n in range(3)]
    vault.away = False
    shop.sql("DELETE FROM keystall_task")
    due = readings_due(now=later(20))
    comes = [reread(reading_id=reading, vault=vault, now=later(20)) for _ in range(2)]

    kinds = [kind for (kind,) in shop.sql("SELECT kind FROM message ORDER BY seq")]
    assert (lost, refused, due, comes) == ((0, 1), [False] * 3, 1, [True, False])
    assert kinds == ["paid", "cards", "delivery_delayed", "cards"]
    assert shop.sql("SELECT count(*)::int FROM reading") == [(0,)]
