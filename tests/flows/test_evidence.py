"""What proves a payment is used once, and only for what it was booked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from core.config import Config
from core.custody.openings import evidence as evidence_room
from core.custody.openings import opening
from core.ids import new_id
from core.vault.client import VaultCode, VaultRefused
from tests.builders import Talker
from tests.support.sales import Counter, Sale, a_counter, account, fill_wallet, hold_from_wallet
from tests.support.vaults import desk_vault


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


def test_late_money_that_was_exchanged_into_the_wallet_pays_for_an_order_of_the_same_shopper(
    counter: Counter, sql: Any
) -> None:
    first = counter.sell(2)
    late = counter.pay(first.talker, first.order, first.total, notice=False)
    counter.note(late, first.order, first.total)
    sql("UPDATE payment_event SET booked_to = 'suspense', reason = 'late' WHERE payment_id = %s", [late])

    assert len(counter.open(first)) == 2
    sql("UPDATE payment_event SET resolved_at = now(), resolution = 'wallet' WHERE payment_id = %s", [late])
    fill_wallet(counter, first.talker, late)
    second = counter.sell(2, notice=False, talker=first.talker)
    sql("DELETE FROM payment WHERE id = %s", [second.payment])
    hold_from_wallet(counter, second)

    assert len(counter.open(second)) == 2
    assert [used for (used,) in sql("SELECT used_for FROM evidence_use WHERE evidence LIKE 'notice:%' ORDER BY 1")] == [
        f"order:{first.order}",
        f"wallet:{first.talker.shopper_id}",
    ]


def test_late_money_nobody_decided_about_does_not_open_what_it_did_not_pay(counter: Counter, sql: Any) -> None:
    sale = counter.sell(2)
    sql("UPDATE payment_event SET booked_to = 'suspense', reason = 'late'")

    assert counter.refused(sale) is VaultCode.UNPAID
    sql("UPDATE payment_event SET resolved_at = now(), resolution = 'order'")
    assert len(counter.open(sale)) == 2


def test_delivered_cards_are_read_again_up_to_the_merchants_budget_of_the_hour_and_no_further(
    counter: Counter, sql: Any
) -> None:
    sql("UPDATE installation SET opening_budget_per_hour = 4", role="superuser")  # four times that is read again
    counter.vault.restart()
    sales = [counter.sell(2), counter.sell(2)]
    for sale in sales:
        counter.open(sale)
        sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE line_id = %s", [sale.line])
        sql("UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %s", [sale.delivery])

    assert [len(counter.open(sale)) for sale in sales * 4] == [2] * 8
    assert [counter.refused(sale) for sale in sales] == [VaultCode.TOO_OFTEN, VaultCode.TOO_OFTEN]
    assert sql("SELECT cards FROM reading_budget") == [(16,)]
    sql("UPDATE reading_budget SET hour = hour - interval '1 hour'")
    assert len(counter.open(sales[1])) == 2


def paid_by_wallet(counter: Counter, talker: Talker) -> Sale:
    sale = counter.sell(2, notice=False, talker=talker)
    counter.shop.sql("DELETE FROM payment WHERE id = %s", [sale.payment])
    return sale


@pytest.fixture
def filled(counter: Counter) -> Talker:
    """Somebody whose wallet got what two cards cost."""
    talker = counter.shop.a_shopper()
    fill_wallet(counter, talker, counter.pay(talker, None, 3000, booked="wallet"))
    return talker


def test_fault_106_a_wallets_money_that_paid_an_opened_order_pays_no_second_whatever_its_holds_say(
    counter: Counter, sql: Any, filled: Talker
) -> None:
    """Fault 106: moved from order to order, one captured hold paid any number of them."""
    first, second = paid_by_wallet(counter, filled), paid_by_wallet(counter, filled)
    hold_from_wallet(counter, first)
    assert len(counter.open(first)) == len(counter.open(first)) == 2

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("UPDATE money_hold SET order_id = %s", [second.order], role="shop")
    with pytest.raises(psycopg.errors.CheckViolation) as settled:
        sql("UPDATE money_hold SET released = captured, captured = 0, state = 'released'", role="shop")
    assert settled.value.diag.constraint_name == "money_hold_settled_once"
    sql("ALTER TABLE money_hold DISABLE TRIGGER money_hold_once")
    sql("UPDATE money_hold SET order_id = %s", [second.order])
    assert counter.refused(second) is VaultCode.UNPAID
    assert sql("SELECT order_id, holder, amount, currency FROM wallet_use") == [
        (first.order, f"shopper:{filled.shopper_id}", 3000, "CNY")
    ]


def test_two_orders_that_one_wallet_can_pay_only_once_are_never_both_opened_at_the_same_moment(
    counter: Counter, sql: Any, filled: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were looked at before either was written: the second look, under the wallet's lock, decides."""
    first, second = paid_by_wallet(counter, filled), paid_by_wallet(counter, filled)
    hold_from_wallet(counter, first)
    hold_from_wallet(counter, second)
    looked = evidence_room.proofs

    def overtaken(*asked: Any) -> Any:
        found = looked(*asked)
        sql(
            "INSERT INTO wallet_use VALUES (%s, %s, 3000, 'CNY', now())",
            [first.order, f"shopper:{filled.shopper_id}"],
        )
        return found

    with monkeypatch.context() as patched:
        patched.setattr(opening, "proofs", overtaken)
        with pytest.raises(VaultRefused) as refused:
            counter.open(second)

    assert refused.value.vault_code is VaultCode.UNPAID
    assert sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL") == [(0,)]
    assert len(counter.open(first)) == 2


def refunded_to(counter: Counter, talker: Talker, sale: Sale, *, line: bool) -> None:
    """Rows that say: the money of a sale (of its line) went back, into this shopper's wallet."""
    sql, refund = counter.shop.sql, new_id()
    sql(
        "INSERT INTO refund (id, merchant_id, order_id, payment_id, event_id, line_id, to_wallet, amount_minor,"
        " currency, state, reason, created_at, ended_at) SELECT %s, %s, order_id, payment_id, id, %s, true,"
        " amount_minor, currency, 'succeeded', 'line', now(), now() FROM payment_event WHERE payment_id = %s",
        [refund, counter.shop.merchant, sale.line if line else None, sale.payment],
        role="shop",
    )
    wallet = account(counter, "wallet", f"shopper:{talker.shopper_id}", talker.merchant_id)
    clearing = account(counter, "clearing", f"gateway:{counter.gateway}", talker.merchant_id, bounded=False)
    moved = [clearing, wallet, sale.total, refund]
    sql(
        "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)"
        " VALUES (%s, %s, %s, 'CNY', 'refund', %s, now())",
        moved,
        role="shop",
    )


def test_fault_106_somebody_elses_money_fills_no_wallet_whatever_payments_refunds_and_transfers_say(
    counter: Counter, sql: Any
) -> None:
    """Fault 106: a top-up is its shopper's by its payment's id, an order's money its buyer's by the order's seal."""
    victim, thief = counter.shop.a_shopper(), counter.shop.a_shopper()
    top_up = counter.pay(victim, None, 3000, booked="wallet")
    sale = counter.sell(2, talker=victim)
    mine = paid_by_wallet(counter, thief)
    hold_from_wallet(counter, mine)

    sql("UPDATE payment SET shopper_id = %s WHERE id = %s", [thief.shopper_id, top_up], role="shop")
    fill_wallet(counter, thief, top_up)
    assert counter.refused(mine) is VaultCode.UNPAID
    refunded_to(counter, thief, sale, line=False)
    assert counter.refused(mine) is VaultCode.UNPAID
    sql("UPDATE refund SET line_id = %s", [sale.line], role="owner")
    assert counter.refused(mine) is VaultCode.UNPAID

    fill_wallet(counter, victim, top_up)
    theirs = paid_by_wallet(counter, victim)
    hold_from_wallet(counter, theirs)
    assert len(counter.open(theirs)) == 2  # control: the same money in the wallet that it came for


@pytest.mark.parametrize("line", [True, False])
def test_fault_106_money_that_went_back_into_a_wallet_opens_the_line_that_it_paid_no_more(
    counter: Counter, sql: Any, line: bool
) -> None:
    """Fault 106: one payment, a refund that nobody made, and the cards of two orders."""
    buyer = counter.shop.a_shopper()
    sale, again = counter.sell(2, talker=buyer), paid_by_wallet(counter, buyer)
    refunded_to(counter, buyer, sale, line=line)
    hold_from_wallet(counter, again)

    assert len(counter.open(again)) == 2

    assert counter.refused(sale) is VaultCode.UNPAID


@pytest.mark.parametrize("line", [True, False])
def test_fault_106_a_line_that_was_opened_fills_no_wallet_by_a_refund_that_is_only_said(
    counter: Counter, sql: Any, line: bool
) -> None:
    buyer = counter.shop.a_shopper()
    sale, again = counter.sell(2, talker=buyer), paid_by_wallet(counter, buyer)
    assert len(counter.open(sale)) == 2
    refunded_to(counter, buyer, sale, line=line)
    hold_from_wallet(counter, again)

    assert counter.refused(again) is VaultCode.UNPAID
