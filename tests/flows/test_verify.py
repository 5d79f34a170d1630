"""`verify` asks the live database for every invariant: zeros on a healthy store, a count for what raw SQL breaks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.db import in_transaction
from core.orders.service import PlacedOrder, begin_sending, expire_due, hold_for_review
from core.reports.checks import all_checks, verify
from tests.builders import NOON, Shop
from tests.support.till import Till

Sql = Callable[..., list[tuple[Any, ...]]]


def violations() -> dict[str, int]:
    """What verify found, zeros left out."""
    return {finding.invariant: finding.violations for finding in verify() if finding.violations}


def a_paid_order(shop: Shop, quantity: int) -> PlacedOrder:
    """Paid at the sandbox, its delivery queued."""
    order = shop.place(shop.a_shopper(), shop.a_listing(), quantity)
    Till(shop).pay(order)
    return order


def test_a_store_with_orders_in_every_state_has_no_violation(shop: Shop) -> None:
    shop.a_batch(cards=20)
    shop.place(shop.a_shopper(), shop.a_listing(), 2)
    a_paid_order(shop, 3)
    gone = shop.place(shop.a_shopper(), shop.a_listing(), 1, now=NOON - timedelta(hours=1))

    assert expire_due(now=NOON) == 1

    assert gone.repeated is False
    assert violations() == {}


def test_fault_69_verify_is_zero_again_while_an_order_with_a_broken_card_waits_for_a_person(
    shop: Shop, sql: Sql
) -> None:
    shop.a_batch(cards=20)
    a_paid_order(shop, 3)
    delivery = sql("SELECT id FROM delivery")[0][0]
    sql("UPDATE card SET state = 'quarantined' WHERE id = (SELECT id FROM card WHERE state = 'claimed' LIMIT 1)")
    unnoticed = violations()

    sending = in_transaction(lambda: begin_sending(delivery_id=delivery, now=NOON))
    assert sending is not None
    hold_for_review(sending=sending, problem="broken_card", now=NOON)
    held = violations()
    lost = "(SELECT id FROM card WHERE state = 'claimed' LIMIT 1)"
    sql(f"UPDATE card SET state = 'free', line_id = NULL WHERE id = {lost}")

    assert (unnoticed, held, violations()) == ({"INV-O3": 1}, {}, {"INV-O3": 1})


def test_every_data_invariant_that_applies_is_asked_once(shop: Shop) -> None:
    shop.a_listing()

    assert [finding.invariant for finding in verify()] == list(all_checks())
    assert set(all_checks()) >= {
        *(f"INV-M{n}" for n in (1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13)),
        *(f"INV-S{n}" for n in (1, 2, 3, 5, 6)),
        "INV-K4",
        *(f"INV-O{n}" for n in (2, 3, 4, 9)),
        "INV-T2",
    }


FREE_FORM = "ALTER TABLE card DROP CONSTRAINT card_one_state;"
BREAKS = {
    "INV-M1": "ALTER TABLE transfer DROP CONSTRAINT transfer_amount;"
    "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)"
    " SELECT debit_id, credit_id, 0, currency, code, reference, at FROM transfer LIMIT 1",
    "INV-M2": "SET session_replication_role = replica; UPDATE account SET currency = 'USD' WHERE kind = 'wallet'",
    "INV-M3": "UPDATE account SET balance = balance + 1 WHERE bounded",
    "INV-M4": "ALTER TABLE account DROP CONSTRAINT account_floor; UPDATE account SET balance = floor - 1 WHERE bounded",
    "INV-M5": "UPDATE account SET kind = 'wallet_hold' WHERE kind = 'wallet'",
    "INV-M7": "UPDATE line_share SET amount_minor = amount_minor + 1",
    "INV-M8": "ALTER TABLE payment DROP CONSTRAINT payment_refund_bound;"
    "UPDATE payment SET refunded_minor = amount_minor + 1 WHERE state = 'succeeded'",
    "INV-M10": "WITH other AS (INSERT INTO account (kind, holder, counterparty, currency, bounded)"
    " VALUES ('pending', 'party:1', 'party:999', 'CNY', false) RETURNING id)"
    " INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)"
    " SELECT a.id, other.id, 1, 'CNY', 'sale', gen_random_uuid(), now() FROM account a, other"
    " WHERE a.kind = 'pending' LIMIT 1",
    "INV-M11": "ALTER TABLE account DROP CONSTRAINT account_floor; UPDATE account SET aside = 1 WHERE kind = 'trade'",
    "INV-M12": "DELETE FROM trade_hold WHERE state = 'captured'",
    "INV-M13": "UPDATE payment_event SET amount_minor = amount_minor + 1",
    "INV-S1": f"{FREE_FORM} UPDATE card SET delivered_at = now() WHERE state = 'free'",
    "INV-S6": f"{FREE_FORM} UPDATE card SET opened_at = now() WHERE state = 'free'",
    "INV-K4": "UPDATE card SET opened_at = now() WHERE state = 'claimed'",
    "INV-S2": "UPDATE order_line SET quantity = 1, total_minor = list_price_minor - discount_minor",
    "INV-S3": "UPDATE batch SET card_count = card_count + 1",
    "INV-S5": "UPDATE hold SET state = 'released', settled_at = now() WHERE state = 'open'",
    "INV-O2": "UPDATE shop_order SET paid_minor = 0 WHERE state = 'paid'",
    "INV-O3": "UPDATE card SET state = 'claimed' WHERE state = 'held'",
    "INV-O4": """
        WITH a AS (
            INSERT INTO supplier_account (party_id, connector, created_at)
            SELECT min(id), 'kasushou', now() FROM party RETURNING id
        ), g AS (
            INSERT INTO supplier_good (id, account_id, sku_id, product, most_minor, currency, created_at)
            SELECT gen_random_uuid(), a.id, (SELECT min(id) FROM sku), '1', 1, 'CNY', now() FROM a RETURNING id
        ), r AS (
            INSERT INTO supplier_request (id, good_id, order_id, quantity, most_minor, state, created_at, sent_at)
            SELECT gen_random_uuid(), g.id, o.id, 1, 1, 'unknown', now(), now() FROM g, shop_order o
            WHERE o.state = 'paid' RETURNING id, good_id, order_id
        )
        INSERT INTO supplier_line (line_id, good_id, request_id)
        SELECT l.id, r.good_id, r.id FROM r JOIN order_line l ON l.order_id = r.order_id
    """,
    "INV-O9": "UPDATE delivery SET lease_until = NULL",
    "INV-T2": "UPDATE payment SET currency = 'USD'",
}
"""One raw statement that breaks each invariant once its constraints and triggers are gone."""


def test_every_question_is_broken_once() -> None:
    assert set(BREAKS) == set(all_checks())


@pytest.mark.parametrize("invariant", BREAKS)
def test_what_raw_sql_breaks_is_counted(shop: Shop, sql: Sql, invariant: str) -> None:
    """INV-O2, INV-O3, INV-O4, INV-O9 and every other question: a violation is seen."""
    brand = shop.a_party("brand1", "supplier")
    shop.an_offer(brand, shop.merchant, price_micro=7_000_000, credit=2100)
    shop.a_batch(cards=3, owner=brand, supplier=brand, terms="consigned")
    till = Till(shop)
    till.fill_wallet(shop.a_shopper(), 5000)
    till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 3))  # all that brand1's credit reaches for
    shop.a_batch(cards=20)
    shop.place(shop.a_shopper(), shop.a_listing(), 2)
    before = violations()
    sql("ALTER TABLE shop_order DROP CONSTRAINT shop_order_paid_enough")

    sql(BREAKS[invariant], role="superuser")

    assert before == {}
    assert violations()[invariant] >= 1


def test_a_lease_that_ended_while_nothing_happened_is_no_stuck_order_yet(shop: Shop, sql: Sql) -> None:
    """INV-O9, faults 17 and 18: a store that stood still, or whose clock was set back, gets time; a lively one not."""
    till = Till(shop)
    till.fill_wallet(shop.a_shopper(), 5000)
    shop.a_batch(cards=20)
    till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 1))
    sql("UPDATE delivery SET state = 'sending', lease_until = created_at + interval '1 minute'")

    def happens(times: int, after: str) -> None:
        sql(
            "INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id) SELECT (SELECT max(created_at)"
            f" FROM delivery) + interval '{after}', 'system', 'x', 'x', 'x' FROM generate_series(1, {times})"
        )

    happens(49, "1 day")
    stood_still = violations()
    happens(1, "-1 hour")
    set_back = violations()
    happens(50, "17 minutes")
    lively = violations()

    assert (stood_still, set_back) == ({}, {})
    assert lively == {"INV-O9": 1}
