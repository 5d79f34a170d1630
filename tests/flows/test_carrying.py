"""Messages into platforms' chats: in order, by one sender, at least once, with the same content, and never lost."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.db import in_transaction
from core.fulfilment.service import Carrier, carry, deliver, request_reread, reread
from core.messages import outgoing
from core.messages.service import MessageKind, tell
from core.orders.rules import OrderStatus
from core.orders.service import order_view
from core.ports import PlainCard, SendAnswer, SendOutcome
from core.reports.trace import trace_order
from core.secret import Secret
from core.vault.client import Opened, OpenedCard, VaultAway
from ops.commands.trace import of_order
from tests.builders import Shop, Talker, later
from tests.flows.test_fulfilment import a_paid_line
from tests.support.carriers import ScriptedCourier, ScriptedWay
from tests.support.chats import an_account, somebody

LATER = SendAnswer(SendOutcome.LATER, retry_after=35.0, problem="flood")
BLOCKED = SendAnswer(SendOutcome.BLOCKED, problem="blocked")
UNKNOWN = SendAnswer(SendOutcome.UNKNOWN, problem="timeout")
REFUSED = SendAnswer(SendOutcome.REFUSED, problem="bad_request")


class PlainVault:
    """Opens what a delivery's line has, as the vault would, for the address that the order names."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.away = False
        self.asked: list[tuple[UUID | None, bool]] = []

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        if self.away:
            raise VaultAway(what="vault")
        self.asked.append((reader, plain))
        rows = self.shop.sql(
            "UPDATE card SET opened_at = coalesce(card.opened_at, now()) FROM delivery d"
            " WHERE d.id = %s AND card.line_id = d.line_id RETURNING card.id, card.mask",
            [delivery],
        )
        ((address,),) = self.shop.sql(
            "SELECT o.chat_address FROM delivery d JOIN shop_order o ON o.id = d.order_id WHERE d.id = %s", [delivery]
        )
        cards = tuple(OpenedCard(f"crd_{card}", mask) for card, mask in sorted(rows))
        shown = tuple(PlainCard(one.token, one.mask, {"secret": Secret(f"S-{one.token}")}) for one in cards)
        return Opened(cards, {}, False, shown if plain else (), address)


@pytest.fixture
def vault(shop: Shop) -> PlainVault:
    shop.a_batch(cards=20)
    return PlainVault(shop)


@pytest.fixture
def buyer(shop: Shop) -> Talker:
    return somebody(shop, an_account(shop))


@pytest.fixture
def courier() -> ScriptedCourier:
    return ScriptedCourier()


def states(shop: Shop) -> list[str]:
    return [state for (state,) in shop.sql("SELECT state FROM outgoing ORDER BY message_id")]


def attempts(order_id: UUID) -> list[tuple[str, str]]:
    return [(one.way, one.outcome.value) for one in outgoing.attempts_of(order_id=order_id)]


def secrets_of(courier: ScriptedCourier) -> list[list[bytes]]:
    return [[card.fields["secret"].reveal() for card in parcel.cards] for parcel in courier.parcels if parcel.cards]


def test_the_cards_of_a_paid_order_go_into_the_chat_after_what_was_said_before(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    order_id, delivery = a_paid_line(shop, buyer)

    assert deliver(delivery_id=delivery, vault=vault, carrier=Carrier(courier), now=later(2)) is True

    assert courier.kinds == ["paid", "cards"]
    assert [parcel.chat_address for parcel in courier.parcels] == [f"telegram:{account_number(shop)}:5001"] * 2
    assert [len(cards) for cards in secrets_of(courier)] == [2]
    assert states(shop) == ["sent", "sent"]
    assert attempts(order_id) == [("telegram", "sent"), ("telegram", "sent")]
    assert order_view(actor=buyer.actor, order_id=order_id).status is OrderStatus.DELIVERED
    assert carry(conversation_id=buyer.conversation_id, vault=vault, carrier=Carrier(courier), now=later(3)) == 0


def account_number(shop: Shop) -> int:
    return int(shop.sql("SELECT id FROM chat_account")[0][0])


def test_a_flood_limit_delays_the_cards_and_loses_nothing(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    """Fault 42: the queue waits as long as the platform says; then the same cards go out, once."""
    order_id, delivery = a_paid_line(shop, buyer)
    carrier = Carrier(courier)
    assert carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(2)) == 1
    courier.script = [LATER]

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2)) is False
    waits = shop.sql("SELECT state, lease_until, last_problem FROM delivery")
    too_early = deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))
    delivered = deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(3))

    assert waits == [("unknown", later(2).replace(second=35), "flood")]
    assert (too_early, delivered) == (False, True)
    assert courier.kinds == ["paid", "cards"]
    assert attempts(order_id) == [("telegram", "sent"), ("telegram", "later"), ("telegram", "sent")]


def test_no_certain_answer_sends_the_same_cards_again(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    """Fault 2: the chat may have them twice, but they are the same, and no other card is taken for them."""
    _, delivery = a_paid_line(shop, buyer)
    carrier = Carrier(courier)
    carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(2))
    courier.script = [UNKNOWN]

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2)) is False
    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(3)) is True

    first, second = secrets_of(courier)
    assert sorted(first) == sorted(second)
    assert shop.sql("SELECT state, count(*)::int FROM card GROUP BY state ORDER BY state") == [
        ("delivered", 2),
        ("free", 18),
    ]


def test_a_shopper_who_blocked_the_bot_keeps_the_order_and_is_told_another_way(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    """Fault 43: no endless retry; the cards stay this order's, and come once the shopper speaks again."""
    order_id, delivery = a_paid_line(shop, buyer)
    email, sms = ScriptedWay("email", answer=None), ScriptedWay("sms")
    carrier = Carrier(courier, (email, sms))
    courier.script = [BLOCKED, BLOCKED]

    assert deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2)) is True
    blocked = states(shop)
    quiet = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(60))
    resumed = in_transaction(lambda: outgoing.resume(conversation_id=buyer.conversation_id, now=later(90)))
    sent = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(90))

    assert (blocked, quiet, resumed, sent) == (["waiting", "waiting"], 0, 1, 1)
    assert [parcel.kind for parcel in sms.parcels] == ["cards"]
    assert all(parcel.cards == () for parcel in sms.parcels)
    assert courier.kinds == ["cards"]
    assert len(secrets_of(courier)[0]) == 2
    assert vault.asked == [(None, True), (buyer.conversation_id, True)]
    assert attempts(order_id) == [
        ("telegram", "blocked"),
        ("telegram", "blocked"),
        ("sms", "sent"),
        ("telegram", "sent"),
    ]


def test_every_attempt_is_seen_on_the_order(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    order_id, delivery = a_paid_line(shop, buyer)
    courier.script = [SendAnswer(SendOutcome.SENT), UNKNOWN]
    deliver(delivery_id=delivery, vault=vault, carrier=Carrier(courier), now=later(2))

    lines = list(of_order(trace_order(order_id=order_id), ZoneInfo("Asia/Shanghai")))

    assert [line for line in lines if "told" in line] == [
        "├─ told        2026-03-02 12:02:00  paid by telegram: sent",
        "├─ told        2026-03-02 12:02:00  cards by telegram: unknown (timeout)",
    ]


def test_messages_keep_their_order_while_one_waits(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    carrier = Carrier(courier)
    courier.script = [LATER]
    for kind in (MessageKind.WALLET_TOPPED_UP, MessageKind.PAID):
        told(buyer, kind)

    first = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(2))
    again = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(2))
    rest = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(3))

    assert (first, again, rest) == (0, 0, 2)
    assert courier.kinds == ["wallet_topped_up", "paid"]


def told(buyer: Talker, kind: MessageKind) -> int:
    body = {"amount_minor": 100, "currency": "CNY"}
    return in_transaction(lambda: tell(conversation_id=buyer.conversation_id, kind=kind, body=body, now=later(1)))


def test_a_refused_message_ends_there_and_the_next_goes_on(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    courier.script = [REFUSED]
    told(buyer, MessageKind.WALLET_TOPPED_UP)
    told(buyer, MessageKind.PAID)

    sent = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=Carrier(courier), now=later(2))

    assert (sent, states(shop)) == (1, ["refused", "sent"])


def test_whoever_finds_the_pen_taken_leaves_the_chat_to_the_other(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    told(buyer, MessageKind.PAID)
    carrier = Carrier(courier)

    with outgoing.pen(conversation_id=buyer.conversation_id) as mine:
        others = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(2))
        held = outgoing.send_due(now=later(2))
    due = outgoing.send_due(now=later(2))

    assert mine is not None
    assert (others, held, due) == (0, 0, 0)  # the first wish still waits in the queue
    assert courier.kinds == []
    assert carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(2)) == 1


def test_a_pen_left_behind_by_a_dead_sender_is_found_again(shop: Shop, buyer: Talker) -> None:
    shop.sql("UPDATE message_counter SET pen_until = clock_timestamp() + interval '1 minute'")
    with outgoing.pen(conversation_id=buyer.conversation_id) as before:
        pass
    shop.sql("UPDATE message_counter SET pen_until = clock_timestamp()")
    with outgoing.pen(conversation_id=buyer.conversation_id) as after:
        pass

    assert before is None
    assert after is not None


def test_cards_asked_for_again_are_carried_into_the_chat_that_bought_them(
    shop: Shop, vault: PlainVault, buyer: Talker, courier: ScriptedCourier
) -> None:
    _, delivery = a_paid_line(shop, buyer)
    carrier = Carrier(courier)
    deliver(delivery_id=delivery, vault=vault, carrier=carrier, now=later(2))
    request_reread(actor=buyer.actor, conversation_id=buyer.conversation_id, submission_id="again", now=later(3))
    ((reading,),) = shop.sql("SELECT id FROM reading")

    assert reread(reading_id=reading, vault=vault, now=later(3)) is True
    vault.away = True
    waits = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(3))
    vault.away = False
    comes = carry(conversation_id=buyer.conversation_id, vault=vault, carrier=carrier, now=later(4))

    assert (waits, comes) == (0, 1)
    first, second = secrets_of(courier)
    assert first == second


def test_a_web_chat_is_carried_nowhere(shop: Shop, talker: Talker) -> None:
    told(talker, MessageKind.PAID)

    assert shop.sql("SELECT count(*)::int FROM outgoing") == [(0,)]
    assert shop.sql("SELECT count(*)::int FROM keystall_task WHERE convert_from(data, 'UTF8') LIKE '%send%'") == [(0,)]


def test_a_pause_is_kept_by_everybody_until_its_longest_end(shop: Shop) -> None:
    outgoing.pause(scope="telegram:1", until=later(5))
    outgoing.pause(scope="telegram:1", until=later(3))

    assert outgoing.paused_until(scopes=["telegram:1", "telegram:1:5001"], now=later(1)) == later(5)
    assert outgoing.paused_until(scopes=["telegram:2"], now=later(1)) is None
    assert outgoing.paused_until(scopes=["telegram:1"], now=later(5)) is None
