"""Generated sequences over money on trade accounts: holds, captures, limits, top-ups, lines that go back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from core.actor import OPERATOR
from core.fulfilment.recalling import recall_batch
from core.fulfilment.service import deliver
from core.ledger.parts import WHOLE, Form, asked
from core.money import Money
from core.orders.checks import PARTS
from core.orders.service import OrderPolicy
from core.risk.rules import HoldPolicy
from core.supply.trade import approve_topup, set_credit_limit, take_back_topup
from tests.builders import Shop
from tests.flows.test_fulfilment import OpeningVault
from tests.properties.money_moves import NUMBERS, PRICE, MoneyMoves
from tests.support.books import Books
from tests.support.carriers import NOBODY
from tests.support.till import Till
from tests.support.touching import touches

HOPS = (("brand", "agent", 3_333_333), ("agent", "merchant", 7_777_777), ("dear", "merchant", 12_000_000))
"""The dear seller's cards are sold below cost."""


class TradeBooks(MoneyMoves):
    """The machine of the books, whose goods come along a chain of two hops, or from a dearer seller, or are its own."""

    @initialize(
        cards=st.integers(2, 12),
        fee=st.sampled_from([0, 333]),
        limits=st.tuples(*[st.sampled_from([0, 400, 1200, 10**9])] * 3),
        fee_limit=st.sampled_from([None, 60, 10**9]),
    )
    def open_shop(self, cards: int, fee: int, limits: tuple[int, ...], fee_limit: int | None) -> None:
        number = next(NUMBERS)
        self.code = f"T{number}"
        names = ("brand", "agent", "dear")
        self.party = {name: self.shop.a_party(f"{name}-{number}", "supplier") for name in names}
        self.merchant = self.party["merchant"] = self.shop.a_party(f"trade-{number}", fee_basis_points=fee)
        self.party["platform"] = self.shop.platform
        self.listing = self.shop.a_listing(self.code, price=PRICE, merchant=self.merchant)
        for (seller, buyer, price), limit in zip(HOPS, limits, strict=True):
            pair = (self.party[seller], self.party[buyer])
            self.shop.an_offer(*pair, price_micro=price, code=self.code, credit=limit)
        if fee_limit is not None:
            self.set_limit(("platform", "merchant"), fee_limit)
        for owner in ("brand", "dear"):
            self.bring(owner, cards)
        self.bring("merchant", 1)
        self.name = f"trade-{number}"
        self.account, _ = self.till.account(self.name, merchant=self.merchant)
        self.talkers = [self.shop.a_shopper(merchant=self.merchant) for _ in range(2)]
        self.wallet = {talker.shopper_id: 0 for talker in self.talkers}
        self.aside, self.known, self.topups = {}, set(), []
        for talker in self.talkers:
            self.fill(talker, 3 * PRICE)

    def set_limit(self, pair: tuple[str, str], minor: int) -> None:
        creditor, debtor = (self.party[name] for name in pair)
        set_credit_limit(
            actor=OPERATOR,
            creditor_id=creditor,
            debtor_id=debtor,
            currency="CNY",
            limit_minor=minor,
            as_owner=self.shop.sql,
            now=self.till.now,
        )

    @rule(owner=st.sampled_from(["brand", "dear", "merchant"]), cards=st.integers(1, 3))
    def bring(self, owner: str, cards: int) -> None:
        party = self.party[owner]
        if owner == "merchant":
            self.shop.a_batch(self.code, cards, owner=party)
        else:
            self.shop.a_batch(self.code, cards, owner=party, supplier=party, terms="consigned")

    @rule(hop=st.sampled_from(HOPS), minor=st.sampled_from([0, 300, 778, 2000, 10**9]))
    def change_a_limit(self, hop: tuple[str, str, int], minor: int) -> None:
        """Also while orders hold on it and money is owed: then it is refused below that."""
        before = self.shop.fingerprint()
        self.refused(before, lambda: self.set_limit(hop[:2], minor))

    @rule(hop=st.sampled_from(HOPS), minor=st.sampled_from([1, 500, 5000]))
    def pay_a_creditor(self, hop: tuple[str, str, int], minor: int) -> None:
        creditor, debtor = (self.party[name] for name in hop[:2])
        self.topups.append(
            approve_topup(
                actor=OPERATOR,
                creditor_id=creditor,
                debtor_id=debtor,
                amount=Money(minor, "CNY"),
                reference=f"bank {next(NUMBERS)}",
                now=self.till.now,
            )
        )

    @rule(which=st.integers(0, 5))
    def take_a_top_up_back(self, which: int) -> None:
        if which >= len(self.topups):
            return
        before = self.shop.fingerprint()
        topup = self.topups[which]
        self.refused(before, lambda: take_back_topup(actor=OPERATOR, topup_id=topup, reason="wrong", now=self.till.now))

    @rule(which=st.integers(0, 3))
    def recall(self, which: int) -> None:
        """A batch is taken back; what waits of it is replaced when it is sent, or goes back."""
        rows = self.shop.sql(
            "SELECT id FROM batch WHERE sku_id = %s AND state = 'selling' ORDER BY no", [self.shop.a_sku(self.code)]
        )
        if which < len(rows):
            recall_batch(actor=OPERATOR, batch_id=rows[which][0], reason="bad", now=self.till.now)

    @rule()
    def deliver_one(self) -> None:
        """The line that waits longest is delivered, or its money goes back, maybe to a wallet."""
        rows = self.shop.sql(
            "SELECT d.id, o.shopper_id FROM delivery d JOIN shop_order o ON o.id = d.order_id"
            " WHERE o.merchant_id = %s AND d.state = 'ready' ORDER BY d.created_at LIMIT 1",
            [self.merchant],
        )
        for delivery, shopper in rows:
            paid = "SELECT coalesce(sum(amount_minor), 0)::int FROM refund WHERE to_wallet AND line_id IS NOT NULL"
            before = self.shop.sql(paid)[0][0]
            deliver(delivery_id=delivery, vault=OpeningVault(self.shop), carrier=NOBODY, now=self.till.now)
            self.wallet[shopper] += self.shop.sql(paid)[0][0] - before

    @invariant()
    def inv_o2_only_what_is_paid_is_on_its_way(self) -> None:
        """What is delivered, or went back, has closed its order."""
        assert self.shop.sql(
            "SELECT count(*) FROM delivery d JOIN shop_order o ON o.id = d.order_id"
            " WHERE o.state NOT IN ('paid', 'closed') OR o.paid_minor < o.total_minor"
        ) == [(0,)]

    @invariant()
    def inv_m5_m11_and_m12_hold(self) -> None:
        for part in PARTS:
            if part.form is not Form.BOUNDED:
                assert self.shop.sql(asked(part, WHOLE)) == [(0,)], part.invariant

    @invariant()
    def nobody_upstream_waits_for_the_merchants_money(self) -> None:
        """INV-M10: a captured hop pays the shares behind it."""
        claims = self.shop.sql(
            "SELECT coalesce(sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END), 0)::int"
            " FROM account a JOIN transfer t ON a.id IN (t.debit_id, t.credit_id)"
            " WHERE a.kind = 'pending' AND a.holder <> a.counterparty"
        )
        assert claims == [(0,)]


@pytest.mark.slow
@pytest.mark.usefixtures("store_db")
def test_inv_m11_and_m12_hold_over_any_sequence_of_money_on_trade_accounts(
    shop: Shop, urls: dict[str, str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-M2, INV-M3, INV-M5 and INV-M7 with the others: every question of the books is asked after every step.

    In the end also since the last checkpoint; and balances are touched last, in the order of their ids (INV-M4).
    """
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_shopper=50, share_percent=100))
    here = {"shop": shop, "till": Till(shop), "books": Books(urls, data_dir)}
    machine: Any = type("TradeBooksHere", (TradeBooks,), here)

    with touches(monkeypatch) as seen:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=4,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    assert seen.wrong == []
