"""Generated sequences over orders and stock, against a small model; every invariant is looked at after each step.

INV-S1, INV-S2, INV-S3, INV-S4, INV-S5, INV-S6, INV-M5, INV-M7, INV-O1.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.actor import OPERATOR
from core.db import execute, in_transaction
from core.errors import Refusal
from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.orders.rules import CannotSettle
from core.orders.service import cancel_order, expire_due, lock_order, settle_order
from core.stock.moving import move_batch
from core.stock.rules import BatchState
from tests.builders import NOON, Shop

NUMBERS = itertools.count()


class StockLife(RuleBasedStateMachine):
    """Two batches of one SKU, three shoppers, a clock; the model is the state that each order should be in."""

    shop: Shop

    @initialize(first=st.integers(1, 6), second=st.integers(0, 4))
    def open_shop(self, first: int, second: int) -> None:
        number = next(NUMBERS)
        self.code = f"P{number}"
        self.merchant = self.shop.a_party(f"merchant-{number}")
        self.listing = self.shop.a_listing(self.code, price=100, merchant=self.merchant)
        self.batches = [self.shop.a_batch(self.code, cards, owner=self.merchant) for cards in (first, second)]
        self.imported = dict(zip(self.batches, (first, second), strict=True))
        self.shoppers = [self.shop.a_shopper(merchant=self.merchant, paid_orders=paid) for paid in (0, 1, 1)]
        self.clearing = open_account(
            kind=AccountKind.CLEARING, holder="gateway:1", counterparty=f"party:{self.merchant}", currency="CNY"
        )
        self.now: datetime = NOON
        self.orders: dict[object, tuple[int, int]] = {}  # order -> (shopper, quantity)
        self.state: dict[object, str] = {}

    def is_a_known_reason(self, refusal: CannotSettle) -> None:
        assert refusal.params["why"] in {"amount", "state", "stock"}

    def refused_changes_nothing(self, before: str) -> None:
        assert self.shop.fingerprint() == before

    @rule(shopper=st.integers(0, 2), quantity=st.integers(0, 5))
    def place(self, shopper: int, quantity: int) -> None:
        before = self.shop.fingerprint()
        try:
            placed = self.shop.place(self.shoppers[shopper], self.listing, quantity, now=self.now)
        except Refusal:
            self.refused_changes_nothing(before)
            return
        self.orders[placed.order_id] = (shopper, quantity)
        self.state[placed.order_id] = "awaiting_payment"

    @precondition(lambda self: bool(self.orders))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(list(self.orders)))
        before = self.shop.fingerprint()
        try:
            cancel_order(actor=self.shoppers[self.orders[order][0]].actor, order_id=order, now=self.now)
        except Refusal:
            assert self.state[order] in {"paid", "expired"}
            self.refused_changes_nothing(before)
            return
        self.state[order] = "cancelled"

    @precondition(lambda self: bool(self.orders))
    @rule(data=st.data(), short=st.booleans())
    def pay(self, data: st.DataObject, short: bool) -> None:
        order = data.draw(st.sampled_from(list(self.orders)))
        before = self.shop.fingerprint()

        def work() -> None:
            locked = lock_order(order_id=order)
            paid = type(locked.total)(locked.total.minor - short, "CNY")
            settle_order(order=locked, paid=paid, from_account_id=self.clearing, policy=self.shop.policy, now=self.now)

        try:
            in_transaction(work)
        except CannotSettle as refusal:
            self.is_a_known_reason(refusal)
            self.refused_changes_nothing(before)
            return
        assert self.state[order] in {"awaiting_payment", "expired", "cancelled"}
        assert not short
        self.state[order] = "paid"

    @rule(minutes=st.integers(1, 20))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        expire_due(now=self.now)
        for order, state in self.state.items():
            deadline = execute("SELECT deadline FROM shop_order WHERE id = %s", (order,))[0][0]
            if state == "awaiting_payment" and deadline <= self.now:
                self.state[order] = "expired"

    @rule(which=st.integers(0, 1))
    def lock_or_unlock(self, which: int) -> None:
        no = self.batches[which]
        batch_id, state = execute("SELECT id, state FROM batch WHERE no = %s", (no,))[0]
        to = BatchState.LOCKED if state == "selling" else BatchState.SELLING
        move_batch(actor=OPERATOR, batch_id=batch_id, to=to, reason="test", now=self.now)

    @invariant()
    def orders_are_where_the_model_says(self) -> None:
        if hasattr(self, "orders"):
            found = dict(execute("SELECT id, state FROM shop_order WHERE merchant_id = %s", (self.merchant,)))
            assert found == self.state

    @invariant()
    def inv_s3_every_imported_card_is_somewhere(self) -> None:
        for no, imported in getattr(self, "imported", {}).items():
            assert sum(self.shop.card_states(no).values()) == imported

    @invariant()
    def inv_s4_an_order_has_all_its_cards_or_none(self) -> None:
        for order, (_, quantity) in getattr(self, "orders", {}).items():
            rows = execute(
                "SELECT c.state, count(*) FROM card c JOIN order_line l ON l.id = c.line_id WHERE l.order_id = %s"
                " GROUP BY c.state",
                (order,),
            )
            expected = {"awaiting_payment": [("held", quantity)], "paid": [("claimed", quantity)]}
            assert rows == expected.get(self.state[order], [])

    @invariant()
    def inv_m5_every_hold_is_settled_once(self) -> None:
        if hasattr(self, "merchant"):
            wrong = execute(
                "SELECT count(*) FROM hold h JOIN shop_order o ON o.id = h.order_id WHERE o.merchant_id = %s AND"
                " (h.state = 'open') <> (o.state = 'awaiting_payment')",
                (self.merchant,),
            )
            assert wrong == [(0,)]

    @invariant()
    def inv_m7_shares_of_each_line_add_up(self) -> None:
        if hasattr(self, "merchant"):
            wrong = execute(
                "SELECT count(*) FROM order_line l JOIN hold h ON h.line_id = l.id WHERE l.merchant_id = %s AND"
                " l.total_minor <> (SELECT coalesce(sum(s.amount_minor), 0) FROM line_share s WHERE s.hold_id = h.id)",
                (self.merchant,),
            )
            assert wrong == [(0,)]


@pytest.mark.usefixtures("store_db")
def test_stock_and_holds_stand_after_every_step_of_any_sequence(shop: Shop) -> None:
    machine = type("StockLifeHere", (StockLife,), {"shop": shop})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
