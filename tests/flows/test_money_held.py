"""Who holds the cash owes it: what a collector received is its own share and what others claim from it (books.md)."""

from __future__ import annotations

import psycopg
import pytest

from core.payments.service import reconcile_due
from core.reports.checks import verify
from tests.builders import Shop, Sql
from tests.support.till import Till

CLAIMS = """
SELECT a.kind, a.holder, sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END)::bigint
FROM account a JOIN transfer t ON a.id IN (t.debit_id, t.credit_id)
WHERE a.counterparty = %s AND a.kind NOT IN ('clearing', 'world') GROUP BY 1, 2 ORDER BY 1, 2
"""


def test_inv_m10_what_a_collector_received_is_its_own_share_and_everything_others_claim_from_it(
    shop: Shop, till: Till, sql: Sql
) -> None:
    shop.a_batch(cards=20)
    buyer, saver = shop.a_shopper(), shop.a_shopper()
    till.fill_wallet(saver, 5000)
    till.pay(shop.place(buyer, shop.a_listing(), 3))
    till.wait(minutes=5)
    reconcile_due(now=till.now)
    till.pay(shop.place(buyer, shop.a_listing(), 1, now=till.now))

    merchant, platform = f"party:{shop.merchant}", f"party:{shop.platform}"
    received = sql("SELECT sum(amount_minor) FROM payment_event")[0][0]
    claims = sql(CLAIMS, [merchant])

    assert received == 9000
    assert claims == [
        ("fee", platform, 40),
        ("pending", merchant, 3960),
        ("wallet", f"shopper:{saver.shopper_id}", 5000),
    ]
    assert sql("SELECT count(*) FROM account WHERE counterparty NOT IN ('', %s)", [merchant]) == [(0,)]
    assert {one.invariant for one in verify() if one.violations} == set()


def test_inv_m8_no_statement_gives_back_more_than_came(shop: Shop, till: Till, sql: Sql) -> None:
    shop.a_batch(cards=5)
    till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 2))
    before = shop.fingerprint()

    for statement, constraint in (
        ("UPDATE payment SET refunded_minor = amount_minor + 1", "payment_refund_bound"),
        ("UPDATE payment SET refunded_minor = -1", "payment_refund_bound"),
        ("UPDATE shop_order SET refunded_minor = paid_minor + 1", "shop_order_refund_bound"),
    ):
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            sql(statement, role="shop")
        assert caught.value.diag.constraint_name == constraint

    assert shop.fingerprint() == before
