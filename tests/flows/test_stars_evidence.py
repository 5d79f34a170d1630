"""Stars at the vault: what opens an order's cards, and everything that somebody might write into the tables instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from channels.pay.stars import StarsProblem
from core.config import Config
from core.connections.credentials import AccountKind, Holder, store_credential
from core.fulfilment.service import Carrier, deliver
from core.ids import new_id
from core.money import Money
from core.payments.service import make_intent, pay_from_wallet, start_stars_topup
from core.secret import Secret
from core.vault.client import VaultCode
from core.vault.confirmations import Confirmation, confirm, confirmation_key
from tests.support.carriers import ScriptedCourier
from tests.support.stars import ACT_KEY
from tests.support.stars_desk import StarsDesk, a_stars_desk


@pytest.fixture
def desk(config: Config, store_db: Any, sql: Callable[..., Any]) -> StarsDesk:
    return a_stars_desk(config, sql)


def test_stars_open_the_cards_once_the_worker_has_asked_telegram(desk: StarsDesk, sql: Any) -> None:
    order, delivery = desk.paid()

    unasked = desk.refused(delivery)
    opened = desk.vault.open_delivery(delivery, plain=True)

    assert unasked is VaultCode.UNCONFIRMED
    assert (len(opened.plain), len(desk.stars.telegram.pages)) == (2, 1)
    assert sql("SELECT used_for FROM evidence_use WHERE evidence LIKE 'notice:%'") == [(f"order:{order.order_id}",)]
    assert desk.stars.till.violations() == {}


def test_an_update_that_somebody_made_up_opens_nothing_and_a_person_looks_at_it_in_the_end(desk: StarsDesk) -> None:
    """Whoever has taken over web can write an update, and book it; Telegram does not show the payment (INV-K5)."""
    order = desk.order()
    desk.stars.tell_paid(desk.stars.bill(order), "stx_made_up")
    delivery = desk.begin(order)

    soon = desk.refused(delivery, confirming=True)
    desk.stars.till.wait(minutes=11)
    later = desk.refused(delivery, confirming=True)

    assert desk.stars.till.order_state(order) == "paid"
    assert (soon, later) == (VaultCode.UNCONFIRMED, VaultCode.UNPAID)


def test_while_telegram_is_away_the_cards_wait(desk: StarsDesk) -> None:
    _, delivery = desk.paid()
    desk.stars.till.wait(minutes=11)
    desk.stars.telegram.problems = [StarsProblem(500, "Internal Server Error")]

    assert desk.refused(delivery, confirming=True) is VaultCode.UNCONFIRMED
    assert len(desk.vault.open_delivery(delivery, plain=True).plain) == 2


CHEAPER = "amount_minor = 1, rate_units = 1, rate_minor = 3000, worth_minor = 3000"
TAMPERINGS: dict[str, tuple[str, VaultCode]] = {
    "a rate that makes one Star enough": (f"UPDATE payment SET {CHEAPER}", VaultCode.UNPAID),
    "the same ratio in other numbers": ("UPDATE payment SET rate_minor = 28, rate_units = 2", VaultCode.UNPAID),
    "another worth": ("UPDATE payment SET worth_minor = 3001", VaultCode.UNPAID),
    "another shopper's": ("UPDATE payment SET sealed_for = gen_random_uuid()", VaultCode.UNPAID),
    "another seal": ("UPDATE payment SET seal = sha256('x')", VaultCode.UNPAID),
    "no exchange at all": (
        "UPDATE payment SET worth_minor = NULL, worth_currency = NULL, rate_minor = NULL, rate_units = NULL,"
        " rate_at = NULL, sealed_for = NULL, seal = NULL, currency = 'CNY', amount_minor = 3000",
        VaultCode.UNPAID,
    ),
    "a confirmation of more": (
        "UPDATE payment_confirmation SET amount_minor = amount_minor + 1",
        VaultCode.UNPAID,
    ),
    "a confirmation in yuan": (
        "UPDATE payment_confirmation SET currency = 'CNY', amount_minor = 3000",
        VaultCode.UNPAID,
    ),
    "a confirmation under another number": (
        "UPDATE payment_confirmation SET external_id = 'stx_other';UPDATE payment_event SET external_id = 'stx_other'",
        VaultCode.UNPAID,
    ),
    "a confirmation of another payer": ("UPDATE payment_confirmation SET payer = '666'", VaultCode.UNPAID),
    "a proof that is none": ("UPDATE payment_confirmation SET proof = sha256('x')", VaultCode.UNPAID),
    "no confirmation": ("DELETE FROM payment_confirmation", VaultCode.UNCONFIRMED),
    "no event": ("DELETE FROM payment_event", VaultCode.UNPAID),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_fault_106_a_writer_in_the_database_makes_no_stars_worth_more(desk: StarsDesk, sql: Any, name: str) -> None:
    """Fault 106: rate, amount, worth, payer, numbers and proofs, each altered beside an authentic payment."""
    _, delivery = desk.confirmed()
    statements, code = TAMPERINGS[name]

    for statement in statements.split(";"):
        sql(statement, role="superuser")

    assert desk.refused(delivery) is code


def test_one_star_that_was_really_paid_pays_no_order_however_the_rows_are_bent(desk: StarsDesk, sql: Any) -> None:
    """The attacker pays one Star in earnest, for a bill whose rows say that this is enough."""
    order = desk.order()
    payment = desk.stars.bill(order)
    sql(f"UPDATE payment SET {CHEAPER}", role="superuser")
    desk.stars.tell_paid(payment, desk.stars.charge(payment, amount=1))

    assert desk.stars.till.order_state(order) == "paid"
    assert desk.refused(desk.begin(order), confirming=True) is VaultCode.UNPAID


def test_a_payment_of_one_order_is_no_proof_of_another(desk: StarsDesk, sql: Any) -> None:
    _, first = desk.confirmed()
    order, second = desk.paid()
    sql("DELETE FROM payment_event WHERE order_id = %s", [order.order_id])
    sql("UPDATE payment SET order_id = %s", [order.order_id], role="superuser")

    assert desk.refused(second) is VaultCode.UNPAID
    assert desk.refused(first) is VaultCode.UNPAID


def test_a_confirmation_of_another_payment_is_no_proof(desk: StarsDesk, sql: Any) -> None:
    """A cheap payment of one's own, confirmed by the worker, repointed at a dear order's event."""
    _, cheap = desk.confirmed()
    order, dear = desk.paid()
    dear_charge = sql("SELECT external_id FROM payment_event WHERE order_id = %s", [order.order_id])[0][0]
    sql("UPDATE payment_confirmation SET external_id = %s", [dear_charge])

    assert desk.refused(dear) is VaultCode.UNPAID
    assert desk.refused(cheap) is VaultCode.UNCONFIRMED


def test_a_confirmation_made_with_any_other_key_is_none(desk: StarsDesk, sql: Any) -> None:
    """Whoever has web's keys (the seal key among them) signs nothing for the worker."""
    order, delivery = desk.paid()
    payment, charge, stars = sql(
        "SELECT payment_id, external_id, amount_minor FROM payment_event WHERE order_id = %s", [order.order_id]
    )[0]
    account, merchant = desk.stars.account.id, desk.stars.account.merchant_id
    heard = Confirmation(account, merchant, charge, payment, "5001", stars, "XTR")
    forged = confirm(confirmation_key(desk.counter.shop.keys.seal.reveal()), heard)
    sql(
        "INSERT INTO payment_confirmation VALUES (%s, %s, %s, %s, '5001', %s, 'XTR', now(), %s, now())",
        [account, charge, merchant, payment, stars, forged],
    )

    assert desk.refused(delivery) is VaultCode.UNPAID


def test_a_bot_of_ones_own_whose_account_is_given_to_the_merchant_proves_nothing(desk: StarsDesk, sql: Any) -> None:
    """The attacker's own bot takes the attacker's own Stars; only the rows say that it is the merchant's bot."""
    order = desk.order()
    rogue = desk.counter.shop.a_party("rogue")
    store_credential(
        ACT_KEY, kind=AccountKind.GATEWAY, account_id=desk.stars.account.id, name="bot", holder=Holder.ACT,
        value=Secret(f"{rogue}:{desk.stars.bot.external_id}"), now=desk.stars.now,
    )  # fmt: skip
    desk.stars.pay(order)

    assert desk.refused(desk.begin(order), confirming=True) is VaultCode.UNPAID


def test_a_charge_that_paid_for_something_else_pays_no_more(desk: StarsDesk, sql: Any) -> None:
    _, delivery = desk.confirmed()
    charge = sql("SELECT external_id FROM payment_confirmation")[0][0]
    reference = f"notice:{desk.stars.account.id}:{charge}"
    sql("INSERT INTO evidence_use VALUES (%s, %s)", [reference, f"order:{new_id()}"], role="superuser")

    assert desk.refused(delivery) is VaultCode.UNPAID


def test_a_wallet_filled_by_stars_pays_once_they_are_confirmed(desk: StarsDesk, sql: Any) -> None:
    buyer, stars = desk.stars.buyer, desk.stars
    payment = start_stars_topup(
        actor=buyer.actor, conversation_id=buyer.conversation_id, worth=Money(5000, "CNY"),
        keys=desk.counter.shop.keys, now=stars.now,
    )  # fmt: skip
    make_intent(payment_id=payment, gateways={"stars": stars.gateway}, now=stars.now)
    stars.tell_paid(payment, stars.charge(payment))
    order = desk.order()
    pay_from_wallet(actor=buyer.actor, order_id=order.order_id, submission_id=str(new_id()), now=stars.now)
    delivery = desk.begin(order)

    unasked = desk.refused(delivery)
    opened = desk.vault.open_delivery(delivery, plain=True)

    assert (unasked, len(opened.plain)) == (VaultCode.UNCONFIRMED, 2)
    assert sql("SELECT used_for FROM evidence_use WHERE evidence LIKE 'notice:%'") == [(f"wallet:{buyer.shopper_id}",)]


def test_the_wallet_money_of_somebody_else_proves_nothing(desk: StarsDesk, sql: Any) -> None:
    """A top-up repointed at another shopper: its seal names the one it was for."""
    buyer, stars = desk.stars.buyer, desk.stars
    payment = start_stars_topup(
        actor=buyer.actor, conversation_id=buyer.conversation_id, worth=Money(5000, "CNY"),
        keys=desk.counter.shop.keys, now=stars.now,
    )  # fmt: skip
    make_intent(payment_id=payment, gateways={"stars": stars.gateway}, now=stars.now)
    stars.tell_paid(payment, stars.charge(payment))
    order = desk.order()
    pay_from_wallet(actor=buyer.actor, order_id=order.order_id, submission_id=str(new_id()), now=stars.now)
    sql("UPDATE payment SET sealed_for = gen_random_uuid() WHERE id = %s", [payment])

    assert desk.refused(desk.begin(order), confirming=True) is VaultCode.UNPAID


def test_a_delivery_confirms_opens_and_sends_in_one_go(desk: StarsDesk, sql: Any) -> None:
    order = desk.order()
    desk.stars.pay(order)
    (delivery,) = desk.stars.till.queued("deliver")
    courier = ScriptedCourier()

    done = deliver(delivery_id=delivery, vault=desk.vault, carrier=Carrier(courier), now=desk.stars.now)

    assert done
    assert [len(parcel.cards) for parcel in courier.parcels if parcel.cards] == [2]
    assert sql("SELECT state, attempts FROM delivery") == [("delivered", 1)]
    assert desk.stars.till.order_state(order) == "closed"


def test_only_the_worker_writes_confirmations(sql: Any, shop: Any) -> None:
    row = "(1, 'x', 1, gen_random_uuid(), '1', 1, 'XTR', now(), sha256('x'), now())"
    for role in ("shop", "vault", "panel"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql(f"INSERT INTO payment_confirmation VALUES {row}", role=role)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        sql(f"INSERT INTO payment_confirmation VALUES {row}", role="worker")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("UPDATE payment_confirmation SET amount_minor = 1", role="worker")
    assert sql("SELECT count(*) FROM payment_confirmation", role="vault") == [(0,)]
