"""The answer to a COMMIT is lost: what may be repeated is, once; of the rest nobody claims to know the outcome."""

from __future__ import annotations

from collections.abc import Callable

import peewee
import pytest

from channels.web.frame import judged
from core import db
from core.clock import FixedClock
from core.fulfilment.service import request_reread
from core.money import Money
from core.payments.service import pay_from_wallet, settle_free, start_topup, wallet_balance
from tests.builders import Shop, Talker
from tests.support.dialog import pay_and_deliver
from tests.support.till import Till

Lose = Callable[[], None]


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Call it: the next COMMIT is done, and its answer lost with the connection."""
    commit = db.StoreDatabase.send_commit
    losing: list[bool] = []

    def lost(self: db.StoreDatabase) -> None:
        commit(self)
        if losing:
            losing.clear()
            self.connection().close()
            raise peewee.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(db.StoreDatabase, "send_commit", lost)
    return lambda: losing.append(True)


def test_an_order_that_was_settled_for_nothing_is_not_called_unpayable(
    till: Till, talker: Talker, shop: Shop, lose: Lose
) -> None:
    listing, _ = shop.a_listing(price=0), shop.a_batch()
    order = shop.place(talker, listing)
    lose()

    with pytest.raises(db.OutcomeUnknown):
        settle_free(order_id=order.order_id, now=till.now)

    assert till.order_state(order) == "paid"
    assert len(till.queued("deliver")) == 1


def test_an_order_paid_from_the_wallet_is_paid_once_and_said_to_be(
    till: Till, talker: Talker, shop: Shop, lose: Lose
) -> None:
    till.fill_wallet(talker, 5000)
    listing, _ = shop.a_listing(price=1000), shop.a_batch()
    order = shop.place(talker, listing)
    lose()

    payment = pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="once", now=till.now)

    assert till.payment_state(payment) == "succeeded"
    assert wallet_balance(actor=talker.actor, currency="CNY").minor == 4000
    assert till.violations() == {}


def test_a_notice_whose_answer_was_lost_books_its_money_once(
    till: Till, talker: Talker, shop: Shop, lose: Lose
) -> None:
    listing, _ = shop.a_listing(price=1000), shop.a_batch()
    order = shop.place(talker, listing)
    notice = till.notice(till.start(order), 1000)
    lose()

    assert till.receive(notice).status == 200
    assert (till.order_state(order), till.told()) == ("paid", ["paid"])
    assert till.violations() == {}


def test_a_top_up_whose_answer_was_lost_is_one_payment_and_no_mistake_of_ours(
    till: Till, talker: Talker, lose: Lose
) -> None:
    lose()

    payment = start_topup(
        actor=talker.actor,
        gateway_account_id=till.account()[0],
        amount=Money(5000, "CNY"),
        now=till.now,
    )

    assert till.shop.sql("SELECT id, state FROM payment") == [(payment, "created")]
    assert till.queued("start_payment") == [payment]


def test_cards_asked_for_again_come_once_although_the_answer_was_lost(
    till: Till, talker: Talker, shop: Shop, clock: FixedClock, lose: Lose
) -> None:
    listing, _ = shop.a_listing(), shop.a_batch()
    order = shop.place(talker, listing)
    pay_and_deliver(shop, clock, order.order_id)
    lose()

    lines = request_reread(
        actor=talker.actor,
        conversation_id=talker.conversation_id,
        order_id=order.order_id,
        submission_id="once",
        now=clock.now(),
    )

    assert (lines, len(till.queued("reread"))) == (1, 1)


def test_a_person_is_not_told_that_nothing_happened_when_nobody_knows() -> None:
    problem, error_id = judged(db.OutcomeUnknown("the answer to COMMIT was lost"))

    assert problem.status == 503
    assert problem.detail.startswith("Whether this was done is not known.")
    assert error_id is not None


def test_work_that_is_lost_before_its_commit_was_sent_is_done_again(store_db, sql) -> None:
    """Fault 8: the server may go away at any statement."""
    tries: list[int] = []

    def work() -> list[tuple[int]]:
        tries.append(1)
        if len(tries) == 1:
            sql("SELECT pg_terminate_backend(%s)", [db.execute("SELECT pg_backend_pid()")[0][0]], role="superuser")
        return db.execute("SELECT 41 + 1")

    assert db.in_transaction(work) == [(42,)]
    assert len(tries) == 2


def test_work_whose_connection_dies_while_it_commits_is_of_unknown_outcome(store_db, sql) -> None:
    """The server dies in COMMIT itself: here nothing was done, but nobody can tell that from its silence."""
    sql("CREATE TABLE dying (id integer)")
    sql("GRANT INSERT ON dying TO keystall_shop")
    sql(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        role="superuser",
    )
    sql(
        "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON dying DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION die()"
    )
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        db.execute("INSERT INTO dying VALUES (1)")

    with pytest.raises(db.OutcomeUnknown):
        db.in_transaction(work)
    once = len(tries)
    with pytest.raises(db.OutcomeUnknown):
        db.in_transaction(work, repeatable=True, tries=3)

    assert (once, len(tries)) == (1, 4)
    assert db.execute("SELECT 1") == [(1,)]
