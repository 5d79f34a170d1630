"""Generated sequences over two currencies: orders in yuan paid in Stars at rates that change, every book each step."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, multiple, rule, run_state_machine_as_test
from psycopg.types.json import Jsonb

from core.money import Money, Rate
from core.orders.service import OrderPolicy
from core.payments.rules import NotForSale
from core.payments.service import (
    choose_exchange,
    choose_refund,
    start_stars_payment,
    start_stars_topup,
)
from core.ports import Outcome
from core.risk.rules import HoldPolicy
from tests.builders import Shop, Talker
from tests.properties.money_moves import KINDS, OFF_BY, PRICE, Intent, MoneyMoves, Wanted
from tests.support.books import Books
from tests.support.chats import somebody
from tests.support.stars import StarsTill, a_stars_till
from tests.support.till import ScriptedGateway, Till
from tests.support.touching import touches

NUMBERS = itertools.count(1)
RATES = ((14, 1), (7, 3), (1000, 1), (2999, 7), (1, 1))
"""So that a Star is worth less than a fen, and more than an order."""


class StarsBooks(MoneyMoves):
    """The same shop in a bot's chats: all money that comes from outside comes in Stars."""

    stars: StarsTill

    @initialize(cards=st.integers(2, 12), fee=st.sampled_from([0, 333, 10_000]), cost=st.sampled_from([0, 12_345_678]))
    def open_shop(self, cards: int, fee: int, cost: int) -> None:
        number = next(NUMBERS)
        self.code = f"S{number}"
        self.merchant = self.shop.merchant
        self.listing = self.shop.a_listing(self.code, price=PRICE)
        self.shop.sql("UPDATE party SET fee_basis_points = %s WHERE id = %s", [fee, self.merchant])
        self.shop.a_batch(self.code, cards, terms="own" if cost == 0 else "owned",
                          supplier=None if cost == 0 else self.shop.a_party("supplier", "supplier"),
                          unit_cost_micro=cost)  # fmt: skip
        self.talkers = [somebody(self.shop, self.stars.bot, str(9000 + 2 * number + one)) for one in range(2)]
        self.wallet = {talker.shopper_id: 0 for talker in self.talkers}
        self.aside: dict[UUID, tuple[UUID, int]] = {}
        self.known: set[UUID] = set()
        for talker in self.talkers:
            self.fill(talker, 3 * PRICE)

    def fill(self, talker: Talker, minor: int) -> Intent:
        payment = start_stars_topup(
            actor=talker.actor, conversation_id=talker.conversation_id, worth=Money(minor, "CNY"),
            keys=self.shop.keys, now=self.till.now,
        )  # fmt: skip
        self.stars.tell_paid(payment, self.stars.charge(payment))
        self.wallet[talker.shopper_id] += minor
        return Intent(payment, talker, minor)

    def new_events(self) -> Any:
        """Those of this run's two shoppers only: the merchant, whose bot it is, stays."""
        rows = self.shop.sql(
            "SELECT e.id, p.shopper_id FROM payment_event e JOIN payment p ON p.id = e.payment_id"
            " WHERE e.booked_to = 'suspense' AND e.kind = 'paid' AND p.shopper_id = ANY (%s)",
            [list(self.wallet)],
        )
        by_id = {talker.shopper_id: talker for talker in self.talkers}
        fresh = [(by_id[shopper], event) for event, shopper in rows if event not in self.known]
        self.known |= {event for _, event in fresh}
        return multiple(*fresh)

    @rule(rate=st.sampled_from(RATES))
    def the_merchant_changes_the_rate(self, rate: tuple[int, int]) -> None:
        minor, units = rate
        self.shop.sql(
            "UPDATE gateway_account SET settings = settings || %s WHERE gateway = 'stars'",
            [Jsonb({"rate": {"minor": minor, "units": units, "currency": "CNY"}})],
        )

    @rule(target=MoneyMoves.intents, order=MoneyMoves.orders)
    def start(self, order: Wanted) -> Any:
        before, made = self.shop.fingerprint(), []

        def work() -> None:
            made.append(
                start_stars_payment(
                    actor=order.talker.actor, order_id=order.placed.order_id, keys=self.shop.keys, now=self.till.now
                )
            )

        if self.refused(before, work):
            return multiple()
        return Intent(made[0], order.talker, self.worth(made[0]))

    def worth(self, payment: UUID) -> int:
        """What a payment pays in yuan."""
        return int(self.shop.sql("SELECT worth_minor FROM payment WHERE id = %s", [payment])[0][0])

    @rule(
        target=MoneyMoves.events, intent=MoneyMoves.intents, off_by=st.sampled_from(OFF_BY), kind=st.sampled_from(KINDS)
    )
    def money_comes(self, intent: Intent, off_by: int, kind: str) -> Any:
        stars = self.stars.stars_of(intent.id) + off_by
        if stars < 1:
            return multiple()
        filled = "SELECT count(*) FROM payment_event WHERE payment_id = %s AND booked_to = 'wallet'"
        before = self.shop.sql(filled, [intent.id])[0][0]
        charge = self.stars.charge(intent.id, amount=stars)

        for _ in range(2):
            if kind == "paid":
                self.stars.tell_paid(intent.id, charge, amount=stars)
            else:
                self.stars.tell_refunded(intent.id, charge)

        self.wallet[intent.talker.shopper_id] += intent.minor * (self.shop.sql(filled, [intent.id])[0][0] - before)
        self.release_ended()
        return self.new_events()

    @rule(target=MoneyMoves.events, who=st.integers(0, 1), minor=st.sampled_from([1, 700, 2500]), twice=st.booleans())
    def top_up(self, who: int, minor: int, twice: bool) -> Any:
        try:
            intent = self.fill(self.talkers[who], minor)
        except NotForSale:
            return multiple()
        return self.money_comes(intent, 0, "paid") if twice else multiple()

    @rule(intent=MoneyMoves.intents)
    def poll(self, intent: Intent) -> None:
        """The statement shows every charge, so whatever the bot has not heard is booked now."""
        filled = "SELECT count(*) FROM payment_event WHERE payment_id = %s AND booked_to = 'wallet'"
        before = self.shop.sql(filled, [intent.id])[0][0]
        self.stars.query(intent.id)
        self.wallet[intent.talker.shopper_id] += intent.minor * (self.shop.sql(filled, [intent.id])[0][0] - before)
        self.release_ended()

    @rule(event=MoneyMoves.events, exchange=st.booleans())
    def choose(self, event: tuple[Talker, UUID], exchange: bool) -> None:
        talker, event_id = event
        before, added = self.shop.fingerprint(), []

        def work() -> None:
            if exchange:
                added.append(choose_exchange(actor=talker.actor, event_id=event_id, now=self.till.now))
            else:
                choose_refund(actor=talker.actor, event_id=event_id, now=self.till.now)

        if not self.refused(before, work):
            self.wallet[talker.shopper_id] += sum(money.minor for money in added)
            assert {money.currency for money in added} <= {"CNY"}

    @rule(answer=st.sampled_from([Outcome.YES, Outcome.YES, Outcome.NO, Outcome.UNKNOWN]))
    def send_refunds(self, answer: Outcome) -> None:
        from core.payments.service import carry_out_refund

        open_ones = self.shop.sql(
            "SELECT r.id, p.shopper_id, p.worth_minor FROM refund r JOIN payment p ON p.id = r.payment_id"
            " WHERE p.shopper_id = ANY (%s) AND r.state IN ('requested', 'sent', 'unknown')",
            [list(self.wallet)],
        )
        for refund_id, shopper_id, worth in open_ones:
            gateways = {"stars": ScriptedGateway([answer])}
            done = carry_out_refund(refund_id=refund_id, gateways=gateways, now=self.till.now)
            if done is Outcome.NO:  # where the rail cannot refund
                self.wallet[shopper_id] += worth

    @invariant()
    def inv_m2_stars_and_yuan_are_each_balanced(self) -> None:
        for currency in ("XTR", "CNY"):
            assert sum(self.till.balances(currency).values()) == 0


@pytest.mark.slow
def test_inv_m1_to_m8_and_m13_hold_over_any_sequence_of_stars(
    shop: Shop, urls: dict[str, str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-M10 and INV-M13 with the others, over two currencies: every question of the books is asked after every step.

    Over whole tables, and in the end since the last checkpoint; balances are touched last all the while (INV-M4).
    """
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_shopper=50, share_percent=100))
    till = Till(shop)
    stars = a_stars_till(till, rate=Rate(14, 1, "CNY"))
    here = {"shop": shop, "till": till, "stars": stars, "books": Books(urls, data_dir)}

    with touches(monkeypatch) as seen:
        run_state_machine_as_test(
            type("StarsBooksHere", (StarsBooks,), here),
            settings=settings(
                max_examples=12,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    assert seen.wrong == []
    assert seen.transactions > 20
