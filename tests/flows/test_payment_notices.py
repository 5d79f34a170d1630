"""What gateways say, and everything that may be wrong with it (faults 21 to 30, 108)."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from core.errors import NotFound
from core.payments.service import join_due, poll_due, query_payment
from core.ports import Outcome, RawNotice
from core.vault.notices import SIGNATURE_HEADER
from tests.builders import NOON, Shop
from tests.support.till import CountingCounter, Till


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


@pytest.fixture
def order(shop: Shop, till: Till):
    """A placed order over 10.00 CNY for one card of ten."""
    till.account()
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=10)
    return shop.place(shop.a_shopper(), listing)


def test_an_authentic_notice_pays_the_order_and_books_every_share(till: Till, order) -> None:
    payment = till.pay(order)

    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.shop.card_states() == {"free": 9, "claimed": 1}
    assert till.balances() == {"clearing": -1000, "fee": 10, "pending": 990}
    assert len(till.queued("deliver")) == 1
    assert till.told() == ["paid"]
    assert till.violations() == {}


def test_the_notice_is_kept_byte_for_byte_as_evidence(till: Till, order) -> None:
    payment = till.start(order)
    raw = till.notice(payment, 1000)

    till.receive(raw)

    body, headers = till.shop.sql("SELECT body, headers FROM payment_event")[0]
    assert (bytes(body), headers[SIGNATURE_HEADER]) == (raw.body, raw.headers[SIGNATURE_HEADER])


def test_the_same_notice_again_is_answered_with_success_and_changes_nothing(till: Till, order) -> None:
    payment = till.start(order)
    raw = till.notice(payment, 1000)
    till.receive(raw)
    before = till.shop.fingerprint()

    answers = [till.receive(raw) for _ in range(3)]

    assert {answer.status for answer in answers} == {200}
    assert till.shop.fingerprint() == before


def test_a_notice_replayed_a_year_later_changes_nothing(till: Till, order) -> None:
    """Fault 30: every table stays as it was."""
    payment = till.start(order)
    raw = till.notice(payment, 1000, transaction="sbx_first")
    till.receive(raw)
    till.wait(days=365)
    before = till.shop.fingerprint()

    old = till.receive(raw)
    signed_anew = till.receive(till.notice(payment, 1000, transaction="sbx_first"))

    assert (old.status, signed_anew.status) == (401, 200)
    assert till.shop.fingerprint() == before


def changed(raw: RawNotice, **fields: object) -> RawNotice:
    return RawNotice(json.dumps(json.loads(raw.body) | fields).encode(), raw.headers)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda raw: changed(raw, amount_minor=1), id="amount"),
        pytest.param(lambda raw: changed(raw, currency="JPY"), id="currency"),
        pytest.param(lambda raw: changed(raw, payment="01900000-0000-7000-8000-000000000000"), id="payment"),
        pytest.param(lambda raw: changed(raw, transaction="sbx_other"), id="transaction"),
        pytest.param(lambda raw: changed(raw, kind="refunded"), id="kind"),
        pytest.param(lambda raw: changed(raw, at=0), id="time"),
        pytest.param(lambda raw: changed(raw, account="another"), id="account"),
        pytest.param(lambda raw: RawNotice(raw.body + b" ", raw.headers), id="one byte more"),
        pytest.param(lambda raw: RawNotice(raw.body, {}), id="no signature"),
        pytest.param(lambda raw: RawNotice(raw.body, {SIGNATURE_HEADER: ""}), id="empty signature"),
        pytest.param(lambda raw: RawNotice(raw.body, {SIGNATURE_HEADER: "AAAA"}), id="short signature"),
        pytest.param(lambda raw: RawNotice(raw.body, {SIGNATURE_HEADER: "签名"}), id="signature of other signs"),
        pytest.param(lambda raw: RawNotice(b"", raw.headers), id="no body"),
        pytest.param(lambda raw: RawNotice(b"\xff\x00[", raw.headers), id="no JSON"),
    ],
)
def test_a_forged_notice_is_refused_counted_and_leaves_no_trace(till: Till, order, forge) -> None:
    """Fault 24: nothing of it is kept but a count."""
    payment = till.start(order)
    raw = till.notice(payment, 1000)
    before = till.shop.fingerprint()

    answer = till.receive(forge(raw))

    assert (answer.status, till.counter.hits) == (401, {"payment_notice_forged:sandbox": 1})
    assert raw.body.decode() not in answer.text
    assert till.shop.fingerprint() == before


@pytest.mark.parametrize("away", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_a_notice_from_more_than_five_minutes_away_is_refused(till: Till, order, away) -> None:
    payment = till.start(order)
    before = till.shop.fingerprint()

    assert till.receive(till.notice(payment, 1000, at=NOON + away)).status == 401
    assert till.shop.fingerprint() == before


@pytest.mark.parametrize("away", [timedelta(seconds=299), timedelta(seconds=-299)])
def test_a_notice_within_five_minutes_is_taken(till: Till, order, away) -> None:
    payment = till.start(order)

    assert till.receive(till.notice(payment, 1000, at=NOON + away)).status == 200
    assert till.order_state(order) == "paid"


def test_a_notice_to_an_address_of_nobody_is_not_found(till: Till, order) -> None:
    payment = till.start(order)
    raw = till.notice(payment, 1000)
    till.shop.sql("UPDATE gateway_account SET opaque_id = 'another-0123456789012'")

    with pytest.raises(NotFound):
        till.receive(raw)


@pytest.mark.parametrize(
    ("minor", "currency", "reason"),
    [
        pytest.param(1, "CNY", "other_amount", id="0.01 instead of 10.00"),
        pytest.param(999, "CNY", "other_amount", id="0.01 less"),
        pytest.param(1001, "CNY", "other_amount", id="0.01 more"),
        pytest.param(100_000, "CNY", "other_amount", id="a hundred times"),
        pytest.param(1000, "USDT", "other_currency", id="the same number in USDT"),
        pytest.param(1000, "JPY", "other_currency", id="the same number in yen"),
    ],
)
def test_another_amount_or_currency_goes_to_suspense_and_the_shopper_is_told(
    till: Till, order, minor, currency, reason
) -> None:
    """Faults 27, 28 and 108, INV-M13: authentic money is always booked."""
    payment = till.start(order)

    answer = till.receive(till.notice(payment, minor, currency=currency))

    assert answer.status == 200
    assert till.events() == [("suspense", reason, None)]
    assert (till.payment_state(payment), till.order_state(order)) == ("review", "awaiting_payment")
    assert till.balances(currency) == {"clearing": -minor, "suspense": minor}
    assert till.told() == ["in_review"]
    assert (till.queued("deliver"), till.queued("refund")) == ([], [])
    assert till.violations() == {}


def test_a_notice_of_another_gateway_account_of_the_merchant_pays_nothing(till: Till, order) -> None:
    """Fault 29: the right amount at another account."""
    payment = till.start(order)
    till.account("second")

    answer = till.receive(till.notice(payment, 1000, account="second"), account="second")

    assert answer.status == 200
    assert till.events() == [("suspense", "other_account", None)]
    assert (till.payment_state(payment), till.order_state(order)) == ("created", "awaiting_payment")
    assert till.told() == ["in_review"]
    assert till.violations() == {}


def test_a_notice_that_another_merchant_signed_pays_nothing_and_tells_nobody(till: Till, order) -> None:
    """Fault 25: authentic, but of the gateway account of somebody else: booked to that account's suspense."""
    payment = till.start(order)
    rogue = till.shop.a_party("rogue")
    account_id, _ = till.account("rogue", merchant=rogue)

    answer = till.receive(till.notice(payment, 1000, account="rogue"), account="rogue")

    assert answer.status == 200
    assert till.events() == [("suspense", "other_account", None)]
    assert till.shop.sql("SELECT gateway_account_id, payment_id, order_id FROM payment_event") == [
        (account_id, None, None)
    ]
    assert (till.payment_state(payment), till.order_state(order)) == ("created", "awaiting_payment")
    assert till.told() == []
    assert till.violations() == {}


def test_money_that_comes_before_its_payment_is_visible_waits_and_is_joined_once(till: Till, order) -> None:
    """Fault 22: a notice that overtakes the commit of its own order."""
    payment = till.start(order)
    raw = till.notice(payment, 1000)
    hidden = till.shop.sql("DELETE FROM payment WHERE id = %s RETURNING payment.*", [payment])[0]

    early = till.receive(raw)
    nothing_to_join = join_due(policy=till.shop.policy, now=till.now)
    till.shop.sql(f"INSERT INTO payment VALUES ({', '.join(['%s'] * len(hidden))})", list(hidden))
    again = till.receive(raw)
    joined = join_due(policy=till.shop.policy, now=till.now)
    joined_again = join_due(policy=till.shop.policy, now=till.now)

    assert (early.status, again.status) == (200, 200)
    assert (nothing_to_join, joined, joined_again) == (0, 1, 0)
    assert till.events() == [("suspense", "unknown_payment", "order")]
    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.balances() == {"clearing": -1000, "fee": 10, "pending": 990}
    assert len(till.queued("deliver")) == 1
    assert till.violations() == {}


def test_refunded_before_paid_ends_refunded_and_sells_nothing(till: Till, order) -> None:
    """Fault 23: the notices arrive in the wrong order."""
    payment = till.start(order)

    till.receive(till.notice(payment, 1000, kind="refunded"))
    till.wait(seconds=1)
    till.receive(till.notice(payment, 1000))

    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "returned")
    assert till.shop.card_states() == {"free": 10}
    assert till.queued("deliver") == []
    assert [event[2] for event in till.events()] == ["refund", "refund"]
    assert till.balances() == {}
    assert till.violations() == {}


def test_partly_refunded_before_paid_sells_nothing_and_is_looked_at(till: Till, order) -> None:
    payment = till.start(order)

    till.receive(till.notice(payment, 400, kind="refunded"))
    till.wait(seconds=1)
    till.receive(till.notice(payment, 1000))

    assert till.order_state(order) == "awaiting_payment"
    assert [event[1:] for event in till.events()] == [("refunded_outside", None), ("already_refunded", None)]
    assert till.balances() == {"clearing": -600, "suspense": 600}
    assert (till.queued("deliver"), till.told()) == ([], ["in_review"])
    assert till.violations() == {}


def test_refunded_after_paid_is_taken_off_the_payment_and_stops_what_is_not_delivered(till: Till, order) -> None:
    payment = till.pay(order)
    till.wait(seconds=1)

    till.receive(till.notice(payment, 1000, kind="refunded"))

    assert till.shop.sql("SELECT d.state, l.gate FROM delivery d JOIN order_line l ON l.id = d.line_id") == [
        ("waiting", "review")
    ]
    assert till.told() == ["paid", "in_review"]

    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "paid")
    assert till.events()[1] == ("suspense", "refunded_outside", None)
    assert till.violations() == {}


def test_a_payment_whose_notice_never_comes_is_found_by_the_poller(till: Till, order, urls) -> None:
    """Fault 33: the gateway is asked."""
    payment = till.start(order)
    till.shop.sql(
        "INSERT INTO sandbox_charge VALUES (%s, %s, 'sbx_quiet', 1000, 'CNY', now(), now())",
        [payment, till.account()[1]],
    )
    till.wait(seconds=30)

    due = poll_due(now=till.now)
    till.shop.sql("GRANT SELECT ON sandbox_charge TO keystall_shop")
    outcome = query_payment(
        payment_id=till.queued("query_payment")[0],
        gateways={"sandbox": till.gateway},
        verifiers=till.verifiers,
        policy=till.shop.policy,
        now=till.now,
    )

    assert (due, outcome) == (1, Outcome.YES)
    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.violations() == {}


def test_the_counter_and_the_answer_are_all_that_a_forger_gets(till: Till, order) -> None:
    counter = CountingCounter()
    forged = dataclasses.replace(till, counter=counter)

    for _ in range(3):
        forged.receive(RawNotice(b"{}", {}))

    assert counter.hits == {"payment_notice_forged:sandbox": 3}
