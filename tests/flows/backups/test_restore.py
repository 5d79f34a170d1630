"""Fault 100: a store restored from an older backup sells nothing until it knows what went out since."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from channels.pay.sandbox import SandboxVerifier
from core import db
from core.clock import FixedClock
from core.custody.restored import epochs
from core.orders.rules import NothingIsSold
from core.payments.intents import query_payment
from core.payments.notices import receive_notice
from core.ports import Outcome, RawNotice
from core.reports import checks
from core.vault.client import VaultCode
from core.vault.notices import sandbox_public_key
from ops.backups.making import make
from ops.bench.order_path import NoCounter
from ops.commands.restore import described
from tests.support.restored import Night, bring_back, compare, placed, refused, release, secrets
from tests.support.sales import ACCOUNT, Counter

pytestmark = pytest.mark.slow


def test_fault_100_what_went_out_after_the_backup_is_never_sold_again_and_nothing_is_lost_unsaid(
    night: Night, sql: Any
) -> None:
    counter = night.counter
    gone = sql("SELECT body, headers FROM payment_event WHERE payment_id = %s", [night.later.payment])[0]
    gone_ids = sql("SELECT id FROM card WHERE line_id = ANY (%s)", [[night.held.line, night.later.line]])

    night.restore()

    reason = counter.vault.client.status().reason
    assert reason is not None
    assert "restored from a backup of" in reason
    assert counter.refused(night.waiting) is VaultCode.CLOSED
    with pytest.raises(NothingIsSold):
        counter.shop.place(counter.shop.a_shopper(), counter.listing)
    db.close()
    found = night.requests.status()
    assert found is not None
    assert (found.log_is_whole, found.resumed, found.set_aside, found.gone, found.orders_gone) == (True, 2, 4, 1, 2)
    assert sorted(sql("SELECT id FROM card WHERE state = 'quarantined'")) == sorted(gone_ids)
    assert sql("SELECT gate, gate_reason FROM order_line WHERE id = %s", [night.held.line]) == [
        ("review", "went_out_before")
    ]
    assert "gateway sandbox-of-demo-0001  sandbox of demo  TO COMPARE" in described(found)
    assert "was not compared" in refused(night.requests.release)

    act = counter.vault.config.secret(counter.vault.config.secrets.act_key).reveal()
    answer = notice_again(counter, RawNotice(bytes(gone[0]), gone[1]), act)
    assert answer == 200  # money without its order is kept aside, not lost
    assert sql("SELECT booked_to, reason FROM payment_event WHERE body = %s", [gone[0]])[0][0] == "suspense"

    compare(night)
    assert release(night).locked == 0
    assert counter.vault.client.status().reason is None
    assert secrets(counter, night.waiting) == night.given["waiting"]  # the same cards once more
    again = counter.vault.import_bytes(b"FRESH-1\nFRESH-2", "fresh.txt", owner=counter.shop.merchant, sku="A1")
    assert (again.added, again.duplicates) == (1, 1)
    sold = [card for _ in range(4) for card in secrets(counter, counter.sell(8))]
    assert len(sold) == len(set(sold)) == 32
    assert not set(sold) & {card for cards in night.given.values() for card in cards}
    assert {row[0] for row in sql("SELECT count(*) FROM card WHERE state = 'free'")} == {40 - 2 - 2 - 4 - 32 + 1}


def notice_again(counter: Counter, raw: RawNotice, act: bytes) -> int:
    clock = FixedClock(datetime.fromtimestamp(1772424000, UTC))  # when the notice was signed
    verifier = SandboxVerifier(sandbox_public_key(act), clock=clock)
    answer = receive_notice(
        gateway="sandbox", opaque_id=ACCOUNT, raw=raw, verifiers={"sandbox": verifier}, counter=NoCounter(),
        policy=counter.shop.policy, now=clock.now(),
    )  # fmt: skip
    db.close()
    return answer.status


def test_after_a_restore_every_invariant_holds_and_nobody_puts_back_on_sale_what_went_out(
    night: Night, sql: Any
) -> None:
    night.restore()

    db.disconnect()
    db.connect(night.config.database.roles.worker, size=2)
    counts = dict(map(astuple, checks.verify()))
    db.disconnect()
    db.connect(night.config.database.roles.shop, size=24)
    mine = {name: counts[name] for name in ("INV-S1", "INV-S2", "INV-S3", "INV-K4", "INV-M2")}
    assert mine == dict.fromkeys(mine, 0)

    with pytest.raises(psycopg.errors.CheckViolation) as no:
        sql("UPDATE card SET state = 'free', line_id = NULL WHERE state = 'quarantined'")
    assert no.value.diag.constraint_name == "card_went_out"


def test_fault_100_an_order_whose_cards_went_out_before_takes_its_money_and_waits_for_a_person(
    night: Night, sql: Any
) -> None:
    """Paid once more before its hold ends: what a gateway says again after a restore is answered, booked, and kept."""
    sale, counter = night.held, night.counter
    intent = "SELECT id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor, currency"
    row = sql(f"{intent} FROM payment WHERE id = %s", [sale.payment])[0]
    body, headers = sql("SELECT body, headers FROM payment_event WHERE payment_id = %s", [sale.payment])[0]
    night.restore()
    sql(
        "INSERT INTO payment (id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor, currency,"
        " state, created_at, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'pending', now(), now())",
        row,
    )
    before = violations(sql)
    unpaid = sql(checks.all_checks()["INV-S5"])
    act = counter.vault.config.secret(counter.vault.config.secrets.act_key).reveal()

    answers = [notice_again(counter, RawNotice(bytes(body), headers), act) for _ in range(2)]

    assert answers == [200, 200]
    assert sql("SELECT state, paid_minor FROM shop_order WHERE id = %s", [sale.order]) == [("paid", sale.total)]
    assert sql("SELECT gate, gate_reason FROM order_line WHERE id = %s", [sale.line]) == [("review", "went_out_before")]
    assert sql("SELECT state FROM delivery WHERE line_id = %s", [sale.line]) == [("waiting",)]
    assert sql("SELECT state FROM card WHERE line_id = %s", [sale.line]) == [("quarantined",)]
    assert sql("SELECT booked_to, reason FROM payment_event WHERE payment_id = %s", [sale.payment]) == [("order", None)]
    assert violations(sql) == before
    assert sql(checks.all_checks()["INV-S5"]) == unpaid  # set aside: kept for the order before it is paid, and after


def violations(sql: Any) -> dict[str, int]:
    """Of what an order that was paid and not delivered may break."""
    names = ("INV-O2", "INV-O3", "INV-O9", "INV-M7", "INV-M13")
    return {name: sql(checks.all_checks()[name])[0][0] for name in names}


def test_the_log_is_gone_through_once_however_often_the_vault_starts(
    night: Night, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "AT_ONCE", 1)
    bring_back(night.config, night.backup)
    calls = 0
    mark = epochs._mark

    def dies(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(5, "killed here")
        mark(*args)

    monkeypatch.setattr(epochs, "_mark", dies)
    with pytest.raises(OSError, match="killed here"):
        night.counter.vault.restart()
    night.counter.vault.restart()
    night.counter.vault.restart()

    found = night.requests.status()
    assert found is not None
    assert (found.resumed, found.set_aside, found.gone) == (2, 4, 1)
    assert sql("SELECT count(*) FROM audit_entry WHERE action = 'restore.marked'") == [(1,)]


def test_an_opening_that_was_refused_after_it_was_logged_sets_nothing_aside(night: Night, sql: Any) -> None:
    counter = night.counter
    sql("UPDATE installation SET opening_budget_per_hour = 1", role="superuser")
    counter.vault.restart()
    over = counter.sell(2)
    assert counter.refused(over) is VaultCode.OVER_BUDGET
    cards = [row[0] for row in sql("SELECT id FROM card WHERE line_id = %s", [over.line])]

    night.restore()

    assert sql("SELECT DISTINCT state FROM card WHERE id = ANY (%s)", [cards]) == [("free",)]


@pytest.mark.parametrize("answer", ["lock", "accept"])
def test_without_the_opening_log_old_stock_is_sold_only_when_somebody_says_so(
    night: Night, sql: Any, answer: str
) -> None:
    (night.config.data_dir / "vault" / "openings.log").unlink()
    night.restore()
    compare(night)

    found = night.requests.status()
    assert found is not None
    assert (found.log_is_whole, found.unsold) == (False, 38)
    assert "say --lock-old-stock to sell only what is imported from now on" in refused(night.requests.release)
    assert night.counter.vault.client.status().reason is not None
    locked = night.requests.release(old_stock=answer).locked

    assert locked == (1 if answer == "lock" else 0)
    assert sql("SELECT state FROM batch") == [("locked" if answer == "lock" else "selling",)]
    assert night.counter.vault.client.status().reason is None


def test_another_or_a_shortened_log_is_not_taken_for_the_one_of_the_backup(night: Night) -> None:
    log = night.config.data_dir / "vault" / "openings.log"
    log.write_bytes(log.read_bytes().split(b"\n", 1)[1])

    night.restore()

    found = night.requests.status()
    assert found is not None
    assert not found.log_is_whole


@pytest.mark.parametrize("torn", [b'{"at":"2026-11-24T12:00', b'{"at":"2026-11-24T12:00\n'])
def test_a_log_with_a_line_that_nobody_can_read_is_not_whole(night: Night, torn: bytes) -> None:
    with (night.config.data_dir / "vault" / "openings.log").open("ab") as log:
        log.write(torn)

    night.restore()

    found = night.requests.status()
    assert found is not None
    assert (found.log_is_whole, found.resumed, found.set_aside, found.gone) == (False, 2, 4, 1)


def test_payments_that_may_have_come_in_are_asked_about_before_anything_is_sold(counter: Counter, sql: Any) -> None:
    order = placed(counter)
    payment = counter.pay(order.talker, order.order, order.total, notice=False)
    sql("UPDATE payment SET state = 'pending', succeeded_at = NULL WHERE id = %s", [payment])
    config = counter.vault.config
    night = Night(counter, make(config, config.data_dir / "backups").file, {}, order, order, order, order)
    night.restore()
    assert sql("SELECT poll_at <= now() FROM payment WHERE id = %s", [payment]) == [(True,)]

    found = night.requests.status()
    assert found is not None
    assert found.unanswered == 1
    assert refused(night.requests.release).startswith("1 payments are still asked about")

    answers = iter((Outcome.UNKNOWN, Outcome.NO))

    class Silent:
        def query(self, payment_id: UUID) -> tuple[Outcome, None]:
            return next(answers), None

    for left in (1, 0):
        db.disconnect()
        db.connect(config.database.roles.worker, size=2)
        query_payment(
            payment_id=payment, gateways={"sandbox": Silent()}, verifiers={}, policy=counter.shop.policy,  # type: ignore[dict-item]
            now=db.database_now(),
        )  # fmt: skip
        db.disconnect()
        db.connect(config.database.roles.shop, size=24)
        assert night.requests.status().unanswered == left  # type: ignore[union-attr]
    compare(night)
    assert release(night).locked == 0
