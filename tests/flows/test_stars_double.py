"""Stars through aiogram against the Telegram double: bill, last check, charge, statement and refund."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from aiogram import methods as api
from aiogram import types

from core.actor import OPERATOR
from core.config import Config, Telegram
from core.connections.credentials import AccountKind, Holder, store_credential
from core.connections.service import GatewayAccount
from core.connections.stars import StarsElsewhere, connect_stars
from core.fulfilment.service import Carrier, deliver
from core.orders.service import PlacedOrder
from core.payments.service import (
    PrecheckRefusal,
    carry_out_refund,
    check_precheckout,
    make_intent,
    query_payment,
    receive_refunded_payment,
    receive_successful_payment,
    start_stars_payment,
)
from core.ports import Outcome
from core.secret import Secret
from core.vault.client import VaultCode, VaultRefused
from ops.stars import Stars, stars
from tests.builders import NOON, Talker
from tests.doubles.telegram import BotAccount, Payment, TelegramDouble, User
from tests.doubles.telegram.client import Client
from tests.support.carriers import ScriptedCourier
from tests.support.chats import an_account, somebody
from tests.support.sales import Counter, a_counter
from tests.support.stars import RATE
from tests.support.till import Till
from tests.support.vaults import desk_vault


@dataclass
class Shopfront:
    """A merchant's bot on the double, its Stars account, and the worker's half as `ops` wires it."""

    counter: Counter
    till: Till
    double: TelegramDouble
    bot: BotAccount
    chat_account_id: int
    account: GatewayAccount
    worker: Stars
    client: Client
    buyer: Talker
    person: User
    offset: int = 0

    def order(self) -> PlacedOrder:
        """Two cards over 30.00 CNY: 215 Stars."""
        return self.counter.shop.place(self.buyer, self.counter.listing, 2, now=self.till.now)

    def bill(self, order: PlacedOrder) -> UUID:
        """The button and the worker's part of it."""
        keys = self.counter.shop.keys
        payment = start_stars_payment(actor=self.buyer.actor, order_id=order.order_id, keys=keys, now=self.till.now)
        make_intent(payment_id=payment, gateways={"stars": self.worker.gateway}, now=self.till.now)
        return payment

    def updates(self) -> list[types.Update]:
        """What the bot hears next."""
        found = self.client.call(self.bot, api.GetUpdates(offset=self.offset, timeout=5))
        if found:
            self.offset = found[-1].update_id + 1
        return found

    def pay(self) -> tuple[Payment, list[bytes]]:
        """The person pays the newest bill while the bot answers; returns how it ended, and what the bot was told."""
        ended: list[Payment] = []
        thread = threading.Thread(target=lambda: ended.append(self.person.pay_invoice(self.bot)))
        thread.start()
        told: list[bytes] = []
        end = time.monotonic() + 20
        while (thread.is_alive() or not told) and time.monotonic() < end:
            for update in self.updates():
                if update.pre_checkout_query is not None:
                    self.answer(update.pre_checkout_query)
                elif update.message is not None and update.message.successful_payment is not None:
                    told.append(raw(update))
            if ended and not ended[0].ok:
                break
        thread.join()
        return ended[0], told

    def answer(self, query: types.PreCheckoutQuery) -> PrecheckRefusal | None:
        """The bot's fast path."""
        refusal = check_precheckout(
            chat_account_id=self.chat_account_id,
            payload=query.invoice_payload,
            currency=query.currency,
            total=query.total_amount,
            user=str(query.from_user.id),
            now=self.till.now,
        )
        words = None if refusal is None else refusal.value
        self.client.call(self.bot, api.AnswerPreCheckoutQuery(pre_checkout_query_id=query.id, ok=refusal is None,
                                                              error_message=words))  # fmt: skip
        return refusal

    def receive(self, told: bytes) -> object:
        """The bot books what it was told."""
        return receive_successful_payment(
            chat_account_id=self.chat_account_id, raw=told, policy=self.counter.shop.policy, now=self.till.now
        )


def raw(update: types.Update) -> bytes:
    return update.model_dump_json(exclude_unset=True, by_alias=True).encode()


@pytest.fixture(scope="module")
def double() -> Iterator[TelegramDouble]:
    with TelegramDouble() as served:
        yield served


@pytest.fixture
def front(config: Config, store_db: Any, sql: Callable[..., Any], double: TelegramDouble) -> Iterator[Shopfront]:
    sql("GRANT INSERT ON payment_confirmation TO keystall_shop")
    sql("GRANT SELECT, INSERT, UPDATE ON gateway_statement TO keystall_shop")
    counter = a_counter(desk_vault(config), sql)
    till = Till(counter.shop)
    bot = double.add_bot(username=f"stars{len(double.world.bots)}_bot")
    account = an_account(counter.shop, number=str(bot.id))
    store_credential(
        config.secret(config.secrets.bot_key), kind=AccountKind.CHAT, account_id=account.id, name="token",
        holder=Holder.BOT, value=Secret(bot.token), now=NOON,
    )  # fmt: skip
    taking = connect_stars(
        actor=OPERATOR, bot=account, rate=RATE, act_key=config.secret(config.secrets.act_key), api_base=double.url,
        now=NOON,
    )  # fmt: skip
    settings = replace(config, telegram=Telegram(api_base=double.url))
    person = double.user(8000 + len(double.world.bots), stars=1000)
    person.start(bot)
    buyer = somebody(counter.shop, account, str(person.id))
    worker = stars(settings, clock=till.clock)
    with Client(double) as client:
        yield Shopfront(counter, till, double, bot, account.id, taking, worker, client, buyer, person)
    worker.close()


def test_stars_from_the_bill_to_the_cards(front: Shopfront, sql: Any) -> None:
    order = front.order()
    front.bill(order)

    ended, (told,) = front.pay()
    began = time.monotonic()
    front.receive(told)
    (delivery,) = front.till.queued("deliver")
    vault = front.worker.confirming(front.counter.vault.client, clock=front.till.clock)
    courier = ScriptedCourier()
    done = deliver(delivery_id=delivery, vault=vault, carrier=Carrier(courier), now=front.till.now)
    took = time.monotonic() - began

    assert (ended.ok, ended.amount, front.person.stars) == (True, 215, 785)
    assert (done, [len(parcel.cards) for parcel in courier.parcels if parcel.cards]) == (True, [2])
    assert took < 1.0
    assert sql("SELECT external_id, payer, amount_minor FROM payment_confirmation") == [
        (ended.charge_id, str(front.person.id), 215)
    ]
    assert front.till.violations() == {}
    assert front.double.violations == []


def test_a_bill_paid_twice_goes_back_once_though_the_first_answer_is_lost(front: Shopfront, sql: Any) -> None:
    """Faults 35 and 36 over the wire: two charges, one refund, CHARGE_ALREADY_REFUNDED."""
    order = front.order()
    front.bill(order)
    _, (first,) = front.pay()
    # The second payment is on its way before the first is booked: the last check still says yes.
    _, (second,) = front.pay()
    front.receive(first)
    front.receive(second)
    (refund,) = (one for (one,) in sql("SELECT id FROM refund"))
    front.double.lose_answers(1, "refundStarPayment")

    outcomes = []
    for _ in range(2):
        gateways = {"stars": front.worker.gateway}
        outcomes.append(carry_out_refund(refund_id=refund, gateways=gateways, now=front.till.now))
        front.till.wait(minutes=5)

    assert outcomes == [Outcome.UNKNOWN, Outcome.YES]
    assert front.person.stars == 785
    assert sql("SELECT state FROM refund") == [("succeeded",)]
    heard = [raw(update) for update in front.updates() if update.message and update.message.refunded_payment]
    assert len(heard) == 1
    policy, now = front.counter.shop.policy, front.till.now
    assert receive_refunded_payment(chat_account_id=front.chat_account_id, raw=heard[0], policy=policy, now=now) is None
    assert front.till.violations() == {}


def test_a_refused_bill_moves_no_stars(front: Shopfront) -> None:
    order = front.order()
    front.bill(order)
    front.till.wait(minutes=16)

    ended, told = front.pay()

    assert (ended.ok, ended.error, told) == (False, "over", [])
    assert front.person.stars == 1000


def test_an_outage_of_telegram_delays_and_loses_nothing(front: Shopfront) -> None:
    order = front.order()
    payment = front.bill(order)
    _, (told,) = front.pay()
    front.receive(told)
    delivery = front.counter.shop.sql("UPDATE delivery SET state = 'sending' RETURNING id")[0][0]
    vault = front.worker.confirming(front.counter.vault.client, clock=front.till.clock)

    front.double.outage(True, "drop")
    try:
        with pytest.raises(VaultRefused) as refused:
            vault.open_delivery(delivery)
    finally:
        front.double.outage(False)

    assert refused.value.vault_code is VaultCode.UNCONFIRMED
    assert len(vault.open_delivery(delivery, plain=True).plain) == 2
    assert front.till.payment_state(payment) == "succeeded"


def test_what_the_bot_never_heard_is_found_by_the_poller(front: Shopfront) -> None:
    """Fault 33 over the wire."""
    order = front.order()
    payment = front.bill(order)
    front.pay()

    outcome = query_payment(
        payment_id=payment, gateways={"stars": front.worker.gateway}, verifiers={"stars": front.worker.verifier},
        policy=front.counter.shop.policy, now=front.till.now,
    )  # fmt: skip

    assert (outcome, front.till.order_state(order)) == (Outcome.YES, "paid")


def test_another_bots_token_is_never_asked(front: Shopfront, config: Config, sql: Any) -> None:
    """Whoever could change a bot's token asks no other bot: its number is sealed beside the Stars account."""
    stranger = front.double.add_bot(username=f"stranger{len(front.double.world.bots)}_bot")
    store_credential(
        config.secret(config.secrets.bot_key), kind=AccountKind.CHAT, account_id=front.chat_account_id, name="token",
        holder=Holder.BOT, value=Secret(stranger.token), now=NOON,
    )  # fmt: skip

    assert not front.worker.gateway.read_statement(front.account.id)
    assert front.double.requests(stranger) == []


def test_a_demo_store_takes_stars_on_this_machine_only(front: Shopfront, config: Config, sql: Any) -> None:
    sql("UPDATE installation SET kind = 'demo'", role="superuser")
    far = stars(replace(config, telegram=Telegram(api_base="https://bots.example")), clock=front.till.clock)

    assert not far.gateway.read_statement(front.account.id)
    with pytest.raises(StarsElsewhere):
        connect_stars(
            actor=OPERATOR, bot=an_account(front.counter.shop, number="7999"), rate=RATE,
            act_key=config.secret(config.secrets.act_key), api_base="", now=NOON,
        )  # fmt: skip
    assert front.worker.gateway.read_statement(front.account.id)
    far.close()
