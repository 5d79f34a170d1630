"""Who is paid nothing, whatever is available: asked at each step that brings money nearer to a bank."""

from datetime import date

import pytest

from core.settlement.service import (
    BooksDiffer,
    DemoPaysNobody,
    NotReleased,
    PartySuspended,
    approve_payout,
    fail_payout,
    reveal_bank,
    send_payout,
)
from tests.support.payouts import ACT_KEY, MONTH, Treasury


def test_a_demo_pays_nobody_whatever_is_available(treasury: Treasury) -> None:
    treasury.ready(10_000)
    treasury.shop.sql("DELETE FROM installation")
    treasury.shop.sql("INSERT INTO installation (kind, vault_id) VALUES ('demo', gen_random_uuid())")
    before = treasury.shop.fingerprint()

    with pytest.raises(DemoPaysNobody):
        treasury.asked(1)

    assert treasury.shop.fingerprint() == before


def test_a_suspended_party_is_paid_nothing(treasury: Treasury) -> None:
    treasury.ready()
    payout = treasury.asked(100)
    treasury.shop.sql("UPDATE party SET status = 'suspended' WHERE code = 'demo'")
    before = treasury.shop.fingerprint()

    with pytest.raises(PartySuspended):
        treasury.asked(100, day=date(2026, 4, 2))
    with pytest.raises(PartySuspended):
        approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)

    assert treasury.shop.fingerprint() == before


def test_a_party_that_is_suspended_after_the_approval_gets_no_order_and_its_money_may_come_back(
    treasury: Treasury,
) -> None:
    treasury.ready(10_000)
    payout = treasury.approved(100)
    treasury.shop.sql("UPDATE party SET status = 'suspended' WHERE code = 'demo'")
    before = treasury.shop.fingerprint()

    with pytest.raises(PartySuspended):
        send_payout(actor=treasury.approver, payout_id=payout, now=MONTH)
    with pytest.raises(PartySuspended):
        reveal_bank(actor=treasury.approver, payout_id=payout, key=ACT_KEY, now=MONTH)
    assert treasury.shop.fingerprint() == before

    boss = treasury.person("boss", treasury.shop.platform, "platform_owner")
    fail_payout(actor=boss, payout_id=payout, reason="suspended", now=MONTH)
    assert treasury.stands() == {"available": 10_000}


def test_a_restored_database_pays_nobody_until_it_is_released(treasury: Treasury) -> None:
    """What was paid after the backup is forgotten: it would be paid twice."""
    treasury.ready(10_000)
    asked, approved = treasury.asked(100), treasury.approved(200, day=date(2026, 4, 2))
    treasury.shop.sql(
        "INSERT INTO vault_epoch (id, backup_id, restored_at, backup_made_at, log_bytes,"
        " log_sha256) VALUES (gen_random_uuid(), gen_random_uuid(), now(), now(), 0, repeat('0', 64))"
    )
    before = treasury.shop.fingerprint()

    for step in (
        lambda: treasury.asked(100, day=date(2026, 4, 3)),
        lambda: approve_payout(actor=treasury.approver, payout_id=asked, now=MONTH),
        lambda: send_payout(actor=treasury.approver, payout_id=approved, now=MONTH),
        lambda: reveal_bank(actor=treasury.approver, payout_id=approved, key=ACT_KEY, now=MONTH),
    ):
        with pytest.raises(NotReleased):
            step()
    assert treasury.shop.fingerprint() == before

    treasury.shop.sql("UPDATE vault_epoch SET log_is_whole = true, marked_at = now(), released_at = now()")
    send_payout(actor=treasury.approver, payout_id=approved, now=MONTH)
    assert treasury.state(approved) == "sent"


def test_inv_m10_a_balance_that_somebody_wrote_is_paid_to_nobody(treasury: Treasury) -> None:
    """INV-M10: web's password writes balances; what gateways settled and payouts took it does not."""
    treasury.ready(10_000)
    treasury.approved(4_000)
    treasury.shop.sql("UPDATE account SET balance = 90000 WHERE kind = 'available'", role="shop")
    payout = treasury.asked(6_001, day=date(2026, 4, 2))
    before = treasury.shop.fingerprint()

    with pytest.raises(BooksDiffer):
        approve_payout(actor=treasury.approver, payout_id=payout, now=MONTH)

    assert treasury.shop.fingerprint() == before
    approve_payout(actor=treasury.approver, payout_id=treasury.asked(6_000, day=date(2026, 4, 3)), now=MONTH)
