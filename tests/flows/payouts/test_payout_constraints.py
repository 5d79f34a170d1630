"""What no statement can do to payouts, whoever sends it, and what `verify` says where somebody still did."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from core.ids import new_id
from core.settlement.service import approve_payout, confirm_payout, send_payout
from tests.support.payouts import MONTH, Treasury
from tests.support.trade import violated

COPY = (
    "INSERT INTO payout (id, party_id, debtor_id, kind, period, currency, amount, state, bank_id, made_by,"
    " requested_at) SELECT gen_random_uuid(), party_id, {debtor}, {kind}, period + {days}, currency, {amount}, {state},"
    " {bank}, made_by, requested_at FROM payout LIMIT 1"
)
GOOD = {
    "debtor": "debtor_id",
    "kind": "kind",
    "days": "1",
    "amount": "amount",
    "state": "'requested'",
    "bank": "bank_id",
}
ENDED = "ended_at = now(), ended_by = made_by"


def a_copy(**other: str) -> str:
    return COPY.format(**GOOD | other)


BREAKS = {
    "two of a kind for a day": (a_copy(days="0"), "payout_once"),
    "INV-M9 an amount of nothing": (a_copy(amount="0"), "payout_amount"),
    "INV-M9 an amount beyond every bound": (a_copy(amount="1000000000000001"), "payout_amount"),
    "a share of its own cash": (a_copy(kind="'share'"), "payout_own"),
    "its own cash at another's": (a_copy(debtor="(SELECT id FROM party WHERE code = 'platform')"), "payout_own"),
    "the bank details of nobody": (a_copy(bank="gen_random_uuid()"), "payout_bank_id_party_id_fkey"),
    "an approved one that nobody asked for": (a_copy(state="'approved'"), "payout_begins"),
    "approved by nobody": ("UPDATE payout SET state = 'approved'", "payout_steps"),
    "INV-O1 sent without approval": (
        "UPDATE payout SET state = 'sent', sent_at = now(), sent_by = made_by",
        "payout_life",
    ),
    "INV-O1 paid at once": (
        "UPDATE payout SET state = 'succeeded', ended_at = now(), ended_by = made_by, bank_reference = 'x'",
        "payout_life",
    ),
    "a larger amount afterwards": (
        "UPDATE payout SET state = 'approved', approved_at = now(), approved_by = made_by, amount = amount + 1",
        "payout_life",
    ),
    "other bank details afterwards": ("UPDATE payout SET bank_id = gen_random_uuid()", "payout_life"),
    "failed without a reason": (
        "UPDATE payout SET state = 'failed', ended_at = now(), ended_by = made_by",
        "payout_steps",
    ),
    "a deleted payout": ("DELETE FROM payout", "payout_append_only"),
    "changed bank details": ("UPDATE bank_details SET changed_at = now()", "bank_details_append_only"),
    "deleted bank details": ("DELETE FROM bank_details", "bank_details_append_only"),
    "a deleted settlement": ("DELETE FROM gateway_settlement", "gateway_settlement_append_only"),
    "INV-M10 more available than was settled": (
        "UPDATE settled_money SET released = settled + 1",
        "released_within_settled",
    ),
    "INV-M10 others' money on its own word": (
        "UPDATE settled_money SET released_to_others = 1",
        "released_to_others_within_settled",
    ),
    "INV-M4 more available than there is": (
        "UPDATE account SET balance = -1 WHERE kind = 'available'",
        "account_floor",
    ),
    "INV-M4 credit on what is available": ("UPDATE account SET floor = -1 WHERE kind = 'available'", "account_credit"),
}


def test_inv_m10_no_statement_breaks_a_payout(treasury: Treasury) -> None:
    """INV-M4, INV-M9, INV-M10: the database itself refuses."""
    treasury.ready(10_000)
    treasury.asked(1_000)
    _ = treasury.shop.platform
    before = treasury.shop.fingerprint()

    for name, (statement, wanted) in BREAKS.items():
        with pytest.raises(psycopg.Error) as refusal:
            treasury.shop.sql(statement)
        assert refusal.value.diag.constraint_name == wanted, name

    assert treasury.shop.fingerprint() == before


def test_a_demo_takes_no_payout_by_any_statement(treasury: Treasury) -> None:
    treasury.ready(10_000)
    treasury.asked(1_000)
    treasury.shop.sql("UPDATE installation SET kind = 'demo'")

    with pytest.raises(psycopg.Error) as refusal:
        treasury.shop.sql(a_copy())

    assert refusal.value.diag.constraint_name == "payout_not_in_demo"


TORN = {
    "money in transit of no payout": f"UPDATE payout SET state = 'failed', {ENDED}, reason = 'x'"
    " WHERE state = 'approved'",
    "paid, says the table alone": "UPDATE payout SET state = 'succeeded', sent_at = now(), sent_by = made_by,"
    f" {ENDED}, bank_reference = 'x' WHERE state = 'approved'",
    "a settlement that shrank": "UPDATE gateway_settlement SET amount = 2999",
    "a settlement of nobody": "UPDATE settled_money SET settled = settled + 1",
    "a counter that forgot what was released": "UPDATE settled_money SET released = released - 1",
}


@pytest.mark.parametrize("torn", sorted(TORN))
def test_inv_m10_verify_says_what_was_torn_beside_every_trigger(treasury: Treasury, torn: str) -> None:
    """INV-M10: a payout in transit, one paid, the rest available; then one row is changed as only the owner can."""
    treasury.ready(10_000)
    treasury.approved(1_000)
    paid = treasury.asked(2_000, day=date(2026, 4, 2))
    approve_payout(actor=treasury.approver, payout_id=paid, now=MONTH)
    send_payout(actor=treasury.approver, payout_id=paid, now=MONTH)
    confirm_payout(actor=treasury.approver, payout_id=paid, bank_reference=str(new_id()), now=MONTH)
    assert violated() == {}

    treasury.shop.sql("ALTER TABLE payout DISABLE TRIGGER payout_life")
    treasury.shop.sql(TORN[torn])
    treasury.shop.sql("ALTER TABLE payout ENABLE TRIGGER payout_life")

    assert violated().get("INV-M10", 0) > 0


def test_inv_m10_verify_says_that_others_were_paid_on_the_debtors_own_word(treasury: Treasury) -> None:
    """INV-M10: a splitting gateway paid the platform; then its account is written over to the platform itself."""
    shop = treasury.shop
    boss, claim = treasury.person("boss", shop.platform, "platform_owner"), treasury.claim(debtor=shop.platform)
    treasury.bank()
    treasury.settled(1_000, debtor=shop.platform, gateway="wechatpay")
    treasury.earned(1_000, claim)
    approve_payout(actor=boss, payout_id=treasury.asked(1_000, by=treasury.maker, claim=claim), now=MONTH)
    assert violated() == {}

    shop.sql("UPDATE gateway_account SET merchant_id = %s", [shop.platform])

    assert violated() == {"INV-M10": 1}


def test_inv_m10_verify_says_that_a_protection_is_switched_off(treasury: Treasury) -> None:
    treasury.shop.sql("ALTER TABLE payout DISABLE TRIGGER payout_life")
    treasury.shop.sql("ALTER TABLE settled_money DROP CONSTRAINT released_within_settled")

    assert violated() == {"INV-M10": 2}
