"""A wallet that Stars filled is another shopper's by now: the delivery that it paid for waits, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.pay.stars import StarsProblem
from core.config import Config
from core.ids import new_id
from core.money import Money
from core.payments.service import make_intent, pay_from_wallet, start_stars_topup
from core.vault.client import VaultCode
from tests.support.binding import Binder
from tests.support.stars_desk import StarsDesk, a_stars_desk


@pytest.fixture
def desk(config: Config, store_db: Any, sql: Callable[..., Any]) -> StarsDesk:
    return a_stars_desk(config, sql)


@pytest.fixture
def left_behind(desk: StarsDesk) -> UUID:
    """A delivery whose account was let go before anybody had read a statement: the wallet that paid stays elsewhere."""
    stars, shop, binder = desk.stars, desk.counter.shop, Binder(desk.counter.shop, desk.stars.now)
    elder = binder.a_shopper(age=48)
    binder.bind(elder, stars.buyer)
    buyer = binder.as_now(stars.buyer)
    payment = start_stars_topup(
        actor=buyer.actor,
        conversation_id=buyer.conversation_id,
        worth=Money(5000, "CNY"),
        keys=shop.keys,
        now=stars.now,
    )
    make_intent(payment_id=payment, gateways={"stars": stars.gateway}, now=stars.now)
    stars.tell_paid(payment, stars.charge(payment))
    order = shop.place(buyer, desk.counter.listing, 2, now=stars.now)
    pay_from_wallet(actor=buyer.actor, order_id=order.order_id, submission_id=str(new_id()), now=stars.now)
    binder.now = datetime.now(UTC) + timedelta(minutes=1)  # after the order, by its number
    binder.let_go(stars.buyer, said_by=elder)
    return desk.begin(order)


def test_an_account_that_was_let_go_gets_what_the_wallet_paid_for_once_all_statements_were_read(
    desk: StarsDesk, left_behind: UUID
) -> None:
    assert desk.refused(left_behind) is VaultCode.UNCONFIRMED
    assert len(desk.vault.open_delivery(left_behind, plain=True).plain) == 2
    assert desk.stars.till.violations() == {}


def test_what_no_statement_of_the_merchant_shows_is_looked_at_by_a_person_in_the_end(
    desk: StarsDesk, left_behind: UUID
) -> None:
    """A delivery waits for no one for ever; while Telegram is away nothing is certain."""
    desk.stars.telegram.statement.clear()

    soon = desk.refused(left_behind, confirming=True)
    desk.stars.till.wait(minutes=11)
    desk.stars.telegram.problems = [StarsProblem(500, "Internal Server Error")]
    away = desk.refused(left_behind, confirming=True)
    later = desk.refused(left_behind, confirming=True)

    assert (soon, away, later) == (VaultCode.UNCONFIRMED, VaultCode.UNCONFIRMED, VaultCode.UNPAID)
