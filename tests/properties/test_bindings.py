"""Generated sequences of binding and letting go between orders and money: who sees what, and whose the money is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.errors import Refusal
from core.ids import new_id
from core.money import Money
from core.orders.service import OrderPolicy, cancel_order, orders_of
from core.payments.service import hold_wallet_part, pay_from_wallet, start_payment, start_topup, wallet_balance
from core.risk.rules import HoldPolicy
from tests.builders import Shop, Talker
from tests.support.binding import Binder
from tests.support.till import Till

NUMBERS = itertools.count()
PRICE = 1000
CHATS = 4
CHAT = st.integers(0, CHATS - 1)


@dataclass
class Purse:
    """What the model knows of one shopper: its chats, the oldest first, and its money."""

    chats: set[int]
    money: int = 0


@dataclass
class Placed:
    """An order of the model: where it was placed, and the wallet money that is set aside for it."""

    id: UUID
    chat: int
    is_open: bool = True
    aside: int = 0
    payments: list[tuple[UUID, int]] = field(default_factory=list)


class Bindings(RuleBasedStateMachine):
    """Four chats of one merchant, the first the oldest; a group of bound chats is one purse of the model."""

    shop: Shop
    till: Till

    @initialize()
    def begin(self) -> None:
        number = next(NUMBERS)
        self.merchant = self.shop.a_party(f"m{number}")
        self.listing = self.shop.a_listing("A1", price=PRICE, merchant=self.merchant)
        self.shop.a_batch("A1", 200, owner=self.merchant)
        self.name = f"main-{number}"
        self.account, _ = self.till.account(self.name, merchant=self.merchant)
        self.binder = Binder(self.shop)
        self.chats = [self.binder.a_shopper(CHATS - n, merchant=self.merchant) for n in range(CHATS)]
        self.purses = [Purse({n}, 0) for n in range(CHATS)]
        self.orders: list[Placed] = []
        self.topups: list[tuple[UUID, int]] = []
        for chat in range(CHATS):
            self.fill(chat, 2500)

    def here(self, chat: int) -> Talker:
        return self.binder.as_now(self.chats[chat])

    def purse(self, chat: int) -> Purse:
        return next(purse for purse in self.purses if chat in purse.chats)

    def refused(self, work: Callable[[], Any]) -> bool:
        """Run a use case; True when it refused, which then changed nothing."""
        before = self.shop.fingerprint()
        try:
            work()
        except Refusal:
            assert self.shop.fingerprint() == before
            return True
        return False

    def an_order(self, number: int) -> Placed | None:
        """One of the unpaid orders, or (seldom) of those that ended."""
        pool = [order for order in self.orders if order.is_open] or self.orders
        pool = self.orders if number % 7 == 0 else pool
        return pool[number % len(pool)] if pool else None

    def fill(self, chat: int, minor: int) -> None:
        """Ask for a top-up, and its money comes."""
        self.ask_for_a_top_up(chat, minor)
        self.the_top_up_comes(len(self.topups) - 1)

    @rule(one=CHAT, other=CHAT, first=st.booleans())
    def bind(self, one: int, other: int, first: bool) -> None:
        mine, theirs = self.purse(one), self.purse(other)
        if mine is theirs:
            code = self.binder.ask(self.chats[one]).text
            assert self.refused(lambda: self.binder.enter(self.chats[other], code))
            return
        claim_id = self.binder.asked(self.chats[one], self.chats[other])
        for chat in (one, other) if first else (other, one):
            self.binder.agree(self.chats[chat], claim_id)
        self.purses = [purse for purse in self.purses if purse not in (mine, theirs)]
        self.purses.append(Purse(mine.chats | theirs.chats, mine.money + theirs.money))

    @rule(chat=CHAT, said_by=CHAT)
    def let_go(self, chat: int, said_by: int) -> None:
        purse = self.purse(chat)
        may = chat != min(purse.chats) and said_by in purse.chats
        held = any(order.is_open and order.aside and order.chat == chat for order in self.orders)
        refused = self.refused(lambda: self.binder.let_go(self.chats[chat], said_by=self.chats[said_by]))

        assert refused == (not may or held)
        if not refused:
            purse.chats.remove(chat)
            self.purses.append(Purse({chat}))

    @rule(chat=CHAT)
    def place(self, chat: int) -> None:
        placed = self.shop.place(self.here(chat), self.listing)
        self.orders.append(Placed(placed.order_id, chat))

    @rule(chat=CHAT, other=CHAT, again=st.booleans())
    def buy_and_let_go(self, chat: int, other: int, again: bool) -> None:
        """An order, its wallet money (part or all), a binding and its end, in the order in which people do it."""
        self.place(chat)
        self.set_aside(len(self.orders) - 1, chat, 400)
        self.bind(chat, other, first=again)
        if again:
            self.cancel(len(self.orders) - 1, other)
        self.let_go(max(chat, other), said_by=min(chat, other))

    @rule(number=st.integers(0, 50), chat=CHAT)
    def pay_from_wallet(self, number: int, chat: int) -> None:
        order = self.an_order(number)
        if order is None:
            return
        actor, purse = self.here(chat).actor, self.purse(chat)
        may = order.is_open and order.chat in purse.chats and not order.aside and purse.money >= PRICE
        pay = lambda: pay_from_wallet(  # noqa: E731 - a use case to be tried
            actor=actor, order_id=order.id, submission_id=str(new_id()), now=self.till.now
        )
        assert self.refused(pay) == (not may)
        if may:
            order.is_open, purse.money = False, purse.money - PRICE

    @rule(number=st.integers(0, 50), chat=CHAT, minor=st.sampled_from([1, 400]))
    def set_aside(self, number: int, chat: int, minor: int) -> None:
        order = self.an_order(number)
        if order is None:
            return
        actor, purse = self.here(chat).actor, self.purse(chat)
        hold = lambda: hold_wallet_part(  # noqa: E731 - a use case to be tried
            actor=actor, order_id=order.id, amount=Money(minor, "CNY"), now=self.till.now
        )
        may = order.is_open and order.chat in purse.chats and not order.aside and purse.money >= minor
        assert self.refused(hold) == (not may)
        if may:
            order.aside, purse.money = minor, purse.money - minor

    @rule(number=st.integers(0, 50), chat=CHAT)
    def cancel(self, number: int, chat: int) -> None:
        order = self.an_order(number)
        if order is None or not order.is_open:
            return
        actor, purse = self.here(chat).actor, self.purse(chat)
        refused = self.refused(lambda: cancel_order(actor=actor, order_id=order.id, now=self.till.now))
        assert refused == (order.chat not in purse.chats)
        if not refused:
            order.is_open, purse.money, order.aside = False, purse.money + order.aside, 0

    @rule(number=st.integers(0, 50))
    def pay_at_the_gateway(self, number: int) -> None:
        """Asked for and paid at once; wallet money that is set aside is used with it."""
        order = self.an_order(number)
        if order is None or not order.is_open:
            return
        payment = start_payment(order_id=order.id, gateway_account_id=self.account, now=self.till.now)
        raw = self.till.notice(payment, PRICE - order.aside, account=self.name)
        assert self.till.receive(raw, account=self.name).status == 200
        order.is_open, order.aside = False, 0

    @rule(chat=CHAT, minor=st.sampled_from([5, 700, 2500]))
    def ask_for_a_top_up(self, chat: int, minor: int) -> None:
        """The money may come much later; it is the wallet's that it was asked for, whoever has that by then."""
        amount = Money(minor, "CNY")
        payment = start_topup(
            actor=self.here(chat).actor, gateway_account_id=self.account, amount=amount, now=self.till.now
        )
        if (payment, minor) not in self.topups:
            self.topups.append((payment, minor))

    @rule(number=st.integers(0, 50))
    def the_top_up_comes(self, number: int) -> None:
        if not self.topups:
            return
        payment, minor = self.topups.pop(number % len(self.topups))
        owner = self.shop.sql("SELECT shopper_id FROM payment WHERE id = %s", [payment])[0][0]
        chat = next(n for n in range(CHATS) if self.here(n).shopper_id == owner)
        assert self.till.receive(self.till.notice(payment, minor, account=self.name), account=self.name).status == 200
        self.purse(chat).money += minor

    @invariant()
    def every_chat_sees_the_orders_and_the_money_of_its_group(self) -> None:
        for purse in getattr(self, "purses", ()):
            wanted = {order.id for order in self.orders if order.chat in purse.chats}
            shoppers = set()
            for chat in purse.chats:
                actor = self.here(chat).actor
                shoppers.add(actor.id)
                assert {view.id for view in orders_of(actor=actor, limit=100)} == wanted
                assert wallet_balance(actor=actor, currency="CNY").minor == purse.money
            assert len(shoppers) == 1

    @invariant()
    def groups_are_apart(self) -> None:
        purses = getattr(self, "purses", ())
        assert len({self.here(min(purse.chats)).shopper_id for purse in purses}) == len(purses)

    @invariant()
    def verify_finds_nothing(self) -> None:
        assert not hasattr(self, "binder") or self.binder.violations() == {}


@pytest.mark.slow
@pytest.mark.usefixtures("store_db")
def test_orders_and_money_follow_over_any_sequence_of_binding_and_letting_go(shop: Shop) -> None:
    """INV-M3, INV-M4, INV-M5, INV-T2: every question of `verify` is asked after every step."""
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_shopper=99, unpaid_per_network=99, share_percent=100))
    machine = type("BindingsHere", (Bindings,), {"shop": shop, "till": Till(shop)})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
