"""Any sequence of money: orders, payments, wallets, late and double money; every book is checked after each step."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from core.errors import Refusal
from core.fulfilment.checks import MONEY
from core.ids import new_id
from core.money import Money
from core.orders.service import PlacedOrder, cancel_order, expire_due
from core.payments.checking import count_since
from core.payments.moving import last_checkpoint
from core.payments.service import (
    carry_out_refund,
    choose_exchange,
    choose_refund,
    decide_due,
    hold_wallet_part,
    join_due,
    pay_from_wallet,
    reconcile_due,
    start_payment,
    start_topup,
    wallet_balance,
)
from core.ports import Outcome
from tests.builders import Shop, Talker
from tests.support.books import Books
from tests.support.till import ScriptedGateway, Till

NUMBERS = itertools.count()
PRICE = 1000
COSTS = (0, 3_333_333, 12_345_678)
"""Own cards, and bought ones at 3.33 and at 12.35: the latter are sold below cost."""

KINDS = ("paid",) * 6 + ("refunded",)
OFF_BY = (0,) * 8 + (-1, 1)


@dataclass(frozen=True)
class Wanted:
    """An order of the model, with its shopper."""

    talker: Talker
    placed: PlacedOrder


@dataclass(frozen=True)
class Intent:
    """A payment of the model: of an order, or of a wallet."""

    id: UUID
    talker: Talker
    minor: int


class MoneyMoves(RuleBasedStateMachine):
    """One merchant with few cards, two shoppers; the model is what each wallet holds and what is set aside."""

    shop: Shop
    till: Till
    books: Books

    orders: Bundle[Wanted] = Bundle("orders")
    intents: Bundle[Intent] = Bundle("intents")
    events: Bundle[tuple[Talker, UUID]] = Bundle("events")

    @initialize(
        cards=st.integers(2, 12), fee=st.sampled_from([0, 1, 333, 10_000]), cost=st.sampled_from([0, 12_345_678])
    )
    def open_shop(self, cards: int, fee: int, cost: int) -> None:
        number = next(NUMBERS)
        self.code = f"B{number}"
        self.merchant = self.shop.a_party(f"books-{number}", fee_basis_points=fee)
        self.listing = self.shop.a_listing(self.code, price=PRICE, merchant=self.merchant)
        self.shop.a_batch(self.code, cards, owner=self.merchant, terms="own" if cost == 0 else "owned",
                          supplier=None if cost == 0 else self.shop.a_party("supplier", "supplier"),
                          unit_cost_micro=cost)  # fmt: skip
        self.name = f"main-{number}"
        self.account, _ = self.till.account(self.name, merchant=self.merchant)
        self.talkers = [self.shop.a_shopper(merchant=self.merchant) for _ in range(2)]
        self.wallet = {talker.shopper_id: 0 for talker in self.talkers}
        self.aside: dict[UUID, tuple[UUID, int]] = {}  # order -> (shopper, minor)
        self.known: set[UUID] = set()
        for talker in self.talkers:
            self.fill(talker, 3 * PRICE)

    def fill(self, talker: Talker, minor: int) -> Intent:
        """A wallet is topped up and the money comes."""
        amount = Money(minor, "CNY")
        payment = start_topup(actor=talker.actor, gateway_account_id=self.account, amount=amount, now=self.till.now)
        self.till.receive(self.till.notice(payment, minor, account=self.name), account=self.name)
        self.wallet[talker.shopper_id] += minor
        return Intent(payment, talker, minor)

    def refused(self, before: str, work: Any) -> bool:
        """Run a use case; True when it refused, which then changed nothing."""
        try:
            work()
        except Refusal:
            assert self.shop.fingerprint() == before
            return True
        return False

    def new_events(self) -> Any:
        """The suspense events that a step added, for later choices."""
        rows = self.shop.sql(
            "SELECT e.id, p.shopper_id FROM payment_event e JOIN payment p ON p.id = e.payment_id"
            " WHERE e.booked_to = 'suspense' AND e.kind = 'paid' AND p.merchant_id = %s",
            [self.merchant],
        )
        by_id = {talker.shopper_id: talker for talker in self.talkers}
        fresh = [(by_id[shopper], event) for event, shopper in rows if event not in self.known]
        self.known |= {event for _, event in fresh}
        return multiple(*fresh)

    def release_ended(self) -> None:
        """What was set aside for an order is used, or comes back."""
        for order, (shopper, minor) in list(self.aside.items()):
            state = self.shop.sql("SELECT state FROM money_hold WHERE order_id = %s", [order])[0][0]
            ended = self.shop.sql("SELECT state FROM shop_order WHERE id = %s", [order])[0][0] != "awaiting_payment"
            assert (state != "open") == ended
            if state in ("released", "expired"):
                self.wallet[shopper] += minor
            if state != "open":
                del self.aside[order]

    @rule(target=orders, who=st.integers(0, 1), quantity=st.integers(1, 2))
    def place(self, who: int, quantity: int) -> Any:
        talker, before, made = self.talkers[who], self.shop.fingerprint(), []

        def work() -> None:
            made.append(self.shop.place(talker, self.listing, quantity, now=self.till.now))

        return multiple() if self.refused(before, work) else Wanted(talker, made[0])

    @rule(target=events, who=st.integers(0, 1), exact=st.sampled_from(OFF_BY))
    def buy(self, who: int, exact: int) -> Any:
        """Place, go to pay, and pay."""
        order = self.place(who, 1)
        intent = self.start(order) if isinstance(order, Wanted) else order
        return self.money_comes(intent, exact, "paid") if isinstance(intent, Intent) else intent

    @rule(target=events, who=st.integers(0, 1), rival=st.booleans())
    def pay_too_late(self, who: int, rival: bool) -> Any:
        """Pay after the deadline, when a rival may have the cards."""
        order = self.place(who, 1)
        intent = self.start(order) if isinstance(order, Wanted) else order
        if not isinstance(intent, Intent):
            return intent
        self.time_passes(16)
        if rival:
            self.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free' AND owner_id = %s", [self.merchant])
        return self.money_comes(intent, 0, "paid")

    @rule(target=intents, order=orders)
    def start(self, order: Wanted) -> Any:
        before, made = self.shop.fingerprint(), []

        def work() -> None:
            made.append(
                start_payment(order_id=order.placed.order_id, gateway_account_id=self.account, now=self.till.now)
            )

        if self.refused(before, work):
            return multiple()
        minor = self.shop.sql("SELECT amount_minor FROM payment WHERE id = %s", [made[0]])[0][0]
        return Intent(made[0], order.talker, minor)

    @rule(target=events, who=st.integers(0, 1), minor=st.sampled_from([1, 700, 2500]), twice=st.booleans())
    def top_up(self, who: int, minor: int, twice: bool) -> Any:
        intent = self.fill(self.talkers[who], minor)
        return self.money_comes(intent, 0, "paid") if twice else multiple()

    @rule(target=events, intent=intents, off_by=st.sampled_from(OFF_BY), kind=st.sampled_from(KINDS))
    def money_comes(self, intent: Intent, off_by: int, kind: str) -> Any:
        if intent.minor + off_by < 1:
            return multiple()
        filled = "SELECT count(*) FROM payment_event WHERE payment_id = %s AND booked_to = 'wallet'"
        before = self.shop.sql(filled, [intent.id])[0][0]
        raw = self.till.notice(intent.id, intent.minor + off_by, account=self.name, kind=kind)

        answers = [self.till.receive(raw, account=self.name).status for _ in range(2)]

        assert answers == [200, 200]
        self.wallet[intent.talker.shopper_id] += intent.minor * (self.shop.sql(filled, [intent.id])[0][0] - before)
        self.release_ended()
        return self.new_events()

    @rule(order=orders)
    def pay_by_wallet(self, order: Wanted) -> None:
        before = self.shop.fingerprint()

        def work() -> None:
            pay_from_wallet(
                actor=order.talker.actor, order_id=order.placed.order_id, submission_id=str(new_id()), now=self.till.now
            )

        if not self.refused(before, work):
            self.wallet[order.talker.shopper_id] -= order.placed.total.minor

    @rule(order=orders, minor=st.sampled_from([1, 300, 999]))
    def set_aside(self, order: Wanted, minor: int) -> None:
        before = self.shop.fingerprint()

        def work() -> None:
            hold_wallet_part(
                actor=order.talker.actor,
                order_id=order.placed.order_id,
                amount=Money(minor, "CNY"),
                now=self.till.now,
            )

        if not self.refused(before, work):
            self.wallet[order.talker.shopper_id] -= minor
            self.aside[order.placed.order_id] = (order.talker.shopper_id, minor)

    @rule(order=orders)
    def cancel(self, order: Wanted) -> None:
        before = self.shop.fingerprint()
        self.refused(
            before,
            lambda: cancel_order(actor=order.talker.actor, order_id=order.placed.order_id, now=self.till.now),
        )
        self.release_ended()

    @rule(minutes=st.sampled_from([1, 2, 3, 25 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.till.wait(minutes=minutes)
        expire_due(now=self.till.now)
        decide_due(now=self.till.now)
        join_due(policy=self.shop.policy, now=self.till.now)
        reconcile_due(now=self.till.now)
        self.release_ended()

    @rule(event=events, exchange=st.booleans())
    def choose(self, event: tuple[Talker, UUID], exchange: bool) -> None:
        talker, event_id = event
        choice = choose_exchange if exchange else choose_refund
        before = self.shop.fingerprint()
        refused = self.refused(before, lambda: choice(actor=talker.actor, event_id=event_id, now=self.till.now))
        if exchange and not refused:
            amount = self.shop.sql("SELECT amount_minor FROM payment_event WHERE id = %s", [event_id])[0][0]
            self.wallet[talker.shopper_id] += amount

    @rule(answer=st.sampled_from([Outcome.YES, Outcome.YES, Outcome.NO, Outcome.UNKNOWN]))
    def send_refunds(self, answer: Outcome) -> None:
        open_ones = self.shop.sql(
            "SELECT r.id, p.shopper_id, r.amount_minor FROM refund r JOIN payment p ON p.id = r.payment_id"
            " WHERE r.merchant_id = %s AND r.state IN ('requested', 'sent', 'unknown')",
            [self.merchant],
        )
        for refund_id, shopper_id, amount in open_ones:
            gateway = ScriptedGateway([answer])
            done = carry_out_refund(refund_id=refund_id, gateways={"sandbox": gateway}, now=self.till.now)
            if done is Outcome.NO:  # where the rail cannot refund
                self.wallet[shopper_id] += amount

    @rule(often=st.integers(0, 3))
    def a_checkpoint_is_made(self, often: int) -> None:
        """A day later than the last by the vault's clock, so that nothing that ended before counts as young."""
        if often == 0:
            assert self.books.checkpoint(datetime.now(UTC) + next(NUMBERS) * timedelta(days=1)) == 1

    def teardown(self) -> None:
        """What is read since the last checkpoint shows no violation either, and it vouches for its chain."""
        assert {name: count for name, count in count_since(MONEY, last_checkpoint()).items() if count} == {}
        assert self.books.vouch().first_bad is None

    @invariant()
    def inv_m1_to_m13_hold(self) -> None:
        assert self.till.violations() == {}

    @invariant()
    def every_wallet_holds_what_the_model_says(self) -> None:
        for talker in getattr(self, "talkers", ()):
            assert wallet_balance(actor=talker.actor, currency="CNY").minor == self.wallet[talker.shopper_id]

    @invariant()
    def inv_o2_only_what_is_paid_is_on_its_way(self) -> None:
        assert self.shop.sql(
            "SELECT count(*) FROM delivery d JOIN shop_order o ON o.id = d.order_id"
            " WHERE o.state <> 'paid' OR o.paid_minor < o.total_minor"
        ) == [(0,)]
