"""When a share becomes payable: its time is over, a gateway has settled for it, and nothing is owed."""

from datetime import timedelta

import psycopg
import pytest

from core import db
from core.actor import OPERATOR
from core.errors import Invalid, NotFound
from core.settlement.claims import release_due
from core.settlement.service import (
    NotEnough,
    OwesFirst,
    approve_payout,
    claim_views,
    fail_payout,
    set_settle_days,
)
from tests.builders import NOON, Shop
from tests.support.payouts import DAY, MONTH, Treasury
from tests.support.till import Till
from tests.support.trade import violated

WEEK = timedelta(days=7)


def test_a_sale_is_payable_seven_days_later_and_not_a_moment_before(treasury: Treasury) -> None:
    treasury.settled(10_000)
    treasury.earned(1_000)

    assert release_due(now=NOON + WEEK - timedelta(microseconds=1)) == 0
    assert treasury.stands() == {"pending": 1_000}
    assert release_due(now=NOON + WEEK) == 1
    assert treasury.stands() == {"available": 1_000}
    assert release_due(now=NOON + WEEK) == 0
    assert violated() == {}


def test_a_contract_may_say_other_days(treasury: Treasury) -> None:
    treasury.settled(10_000)
    treasury.earned(1_000)
    pair = {"party_id": treasury.shop.merchant, "debtor_id": treasury.shop.merchant, "actor": OPERATOR, "now": NOON}
    set_settle_days(days=1, **pair)

    assert release_due(now=NOON + timedelta(days=1)) == 1
    for days in (-1, 366):
        with pytest.raises(Invalid):
            set_settle_days(days=days, **pair)
    stranger = treasury.person("li", treasury.shop.a_party("other"))
    with pytest.raises(NotFound):
        set_settle_days(**pair | {"actor": stranger, "days": 0})
    assert treasury.shop.sql("SELECT days FROM settle_period") == [(1,)]


def test_inv_m10_nothing_becomes_payable_beyond_what_the_gateway_has_settled(treasury: Treasury) -> None:
    treasury.ready(300)
    treasury.earned(1_000)

    with pytest.raises(NotEnough) as refusal:
        treasury.asked(301)
    treasury.approved(300)

    assert refusal.value.params == {"available": 300, "currency": "CNY"}
    assert treasury.stands() == {"pending": 1_000, "in_transit": 300}
    treasury.settled(50, gateway="wechatpay")
    assert release_due(now=MONTH) == 1
    assert treasury.stands() == {"pending": 950, "available": 50, "in_transit": 300}
    assert violated() == {}


def test_a_refund_of_a_sale_that_was_released_takes_pending_first_then_available_then_is_owed(
    treasury: Treasury,
) -> None:
    """INV-M4: what a party owes beyond its money is in its `owed` account; later sales repay it first."""
    treasury.ready(1_000)
    release_due(now=MONTH)
    treasury.earned(200, at=MONTH)

    treasury.earned(-300, at=MONTH)
    release_due(now=MONTH)
    assert treasury.stands() == {"available": 900}

    treasury.earned(-1_500, at=MONTH)
    release_due(now=MONTH)
    assert treasury.stands() == {"owed": -600}
    treasury.earned(250, at=MONTH)
    release_due(now=MONTH)
    assert treasury.stands() == {"owed": -350}
    before = treasury.shop.fingerprint()
    with pytest.raises(OwesFirst) as refusal:
        treasury.asked(1)
    assert refusal.value.params == {"owed": 350, "currency": "CNY"}
    assert treasury.shop.fingerprint() == before

    treasury.earned(400, at=MONTH)
    release_due(now=MONTH + WEEK)
    assert treasury.stands() == {"available": 50}
    assert violated() == {}


def test_what_came_back_from_the_bank_pays_what_is_owed_before_it_is_payable_again(treasury: Treasury) -> None:
    treasury.ready(1_000)
    payout = treasury.approved(1_000)
    treasury.earned(-400, at=MONTH)
    release_due(now=MONTH)
    assert treasury.stands() == {"in_transit": 1_000, "owed": -400}

    fail_payout(actor=treasury.approver, payout_id=payout, reason="account closed", now=MONTH)
    release_due(now=MONTH)

    assert treasury.stands() == {"available": 600}
    assert violated() == {}


def test_a_request_books_what_is_due_and_a_look_books_nothing(treasury: Treasury) -> None:
    treasury.ready(1_000)
    before = treasury.shop.fingerprint()

    views = claim_views(actor=treasury.maker, party_id=treasury.shop.merchant, now=MONTH)

    assert [(one.pending, one.available, one.in_transit, one.owed) for one in views] == [(0, 1_000, 0, 0)]
    assert treasury.shop.fingerprint() == before
    treasury.asked(1_000)
    assert treasury.stands() == {"available": 1_000}


def test_a_debtors_own_word_is_no_basis_for_paying_others(treasury: Treasury) -> None:
    """INV-M10: the merchant owns the gateway; what it says it got pays its own share out, never a supplier's."""
    brand = treasury.shop.a_party("brand1", "supplier")
    claim = treasury.claim(brand, treasury.shop.merchant)
    people = treasury.person("bao", brand), treasury.person("ben", brand)
    treasury.bank(brand, by=treasury.person("bob", brand))
    treasury.ready(1_000)
    treasury.earned(500, claim)

    with pytest.raises(NotEnough) as refusal:
        treasury.asked(1, by=people[0], claim=claim)
    assert refusal.value.params == {"available": 0, "currency": "CNY"}

    treasury.asked(1_000)
    assert violated() == {}


def test_the_platform_pays_what_a_splitting_gateway_brought_it(treasury: Treasury) -> None:
    """INV-M10: two claims on one debtor share what it got; the second finds what the first left."""
    shop = treasury.shop
    brand = shop.a_party("brand1", "supplier")
    boss = treasury.person("boss", shop.platform, "platform_owner")
    first, second = treasury.claim(shop.merchant, shop.platform), treasury.claim(brand, shop.platform)
    treasury.bank()
    treasury.bank(brand, by=treasury.person("bob", brand))
    maker, other = treasury.person("bao", brand), treasury.maker
    treasury.settled(700, debtor=shop.platform, gateway="wechatpay")
    treasury.earned(500, first)
    treasury.earned(500, second)

    payout = treasury.asked(500, by=other, claim=first)
    with pytest.raises(NotEnough) as refusal:
        treasury.asked(201, by=maker, claim=second)
    assert refusal.value.params == {"available": 200, "currency": "CNY"}
    approve_payout(actor=boss, payout_id=payout, now=MONTH)
    treasury.asked(200, by=maker, claim=second, day=DAY)

    assert treasury.stands(first) == {"in_transit": 500}
    assert treasury.stands(second) == {"pending": 300, "available": 200}
    assert violated() == {}


def test_a_claim_on_a_stranger_looks_like_a_missing_one(treasury: Treasury) -> None:
    treasury.ready(1_000)
    before = treasury.shop.fingerprint()

    for debtor in (treasury.shop.a_party("other"), 10**9):
        with pytest.raises(NotFound):
            treasury.asked(1, claim=treasury.claim(debtor=debtor))

    treasury.shop.sql("DELETE FROM party WHERE code = 'other'")
    assert treasury.shop.fingerprint() == before


def test_the_worker_releases_what_is_due_and_may_neither_settle_nor_pay(
    treasury: Treasury, urls: dict[str, str]
) -> None:
    """The sweep runs as the worker: time makes money available there, nothing else."""
    treasury.ready(1_000)
    db.connect(urls["worker"])

    assert release_due(now=MONTH) == 1

    assert treasury.stands() == {"available": 1_000}
    for statement in ("UPDATE settled_money SET settled = 5000", "UPDATE payout SET state = 'failed'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            treasury.shop.sql(statement, role="worker")


def test_what_a_real_sale_left_the_merchant_is_paid_out_to_the_last_fen(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    """INV-M10 from the shopper's payment on: 19.90 less 1 % fee, of two orders."""
    till = Till(shop)
    shop.a_batch(cards=2)
    for _ in range(2):
        till.pay(shop.place(shop.a_shopper(), shop.a_listing(price=1990), now=till.now))
        till.wait(minutes=1)
    treasury: Treasury = request.getfixturevalue("treasury")
    treasury.bank()
    treasury.settled(2 * 1990)
    share = 2 * (1990 - 19)

    with pytest.raises(NotEnough) as refusal:
        treasury.asked(share + 1)
    treasury.approved(share)

    assert refusal.value.params == {"available": share, "currency": "CNY"}
    assert treasury.stands() == {"in_transit": share}
    assert till.violations() == {}
