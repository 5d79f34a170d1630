"""What nobody knows of a request stays unknown: asked about, never bought again, never paid back (INV-O4, fault 90)."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from core.orders.rules import OrderStatus
from core.orders.service import order_view
from core.supply.rules import SUPPLIER_REQUEST_TRANSITIONS, SupplierRequestState
from core.supply.standing import NotUnknown
from tests.builders import Talker
from tests.flows.test_recall import violated
from tests.support.supplying import PRICE, Supplied

KEYS = ["AAAA-1111-KKKK", "BBBB-2222-KKKK"]


def test_fault_90_a_supplier_that_times_out_after_accepting_is_asked_and_never_bought_from_again(
    supplied: Supplied, talker: Talker
) -> None:
    """INV-O4: one number for ever."""
    supplied.double.keys, supplied.double.buys = KEYS, "drops"
    order = supplied.bought(talker, 2)

    supplied.carries_out(order)
    assert supplied.request(order) == ("unknown", 2, None, "no_answer", False)
    assert supplied.carries_out(order) == 0
    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 2, 2)
    assert supplied.double.paths().count("buy") == 1
    assert len({body["external_orderno"] for path, body in supplied.double.asked if "order" in path}) == 1
    assert supplied.delivers(order) == [True, True]
    assert violated() == {}


def test_inv_o4_what_is_unknown_for_hours_is_neither_paid_back_nor_bought_again(
    supplied: Supplied, talker: Talker
) -> None:
    order = supplied.bought(talker)
    supplied.double.is_away = True

    for _ in range(12):
        supplied.carries_out(order)
        supplied.till.wait(minutes=15)

    assert supplied.request(order) == ("unknown", 1, None, "no_answer", False)
    assert supplied.double.paths().count("buy") == 1
    assert supplied.till.shop.count("refund") == 0
    assert order_view(actor=talker.actor, order_id=order.order_id).status is OrderStatus.PAID
    assert supplied.till.shop.sql("SELECT kind, detail FROM alert") == [
        ("supplier_trouble", {"problem": "unknown", "missing": 1})
    ]
    assert violated() == {}


def test_fault_90_a_worker_that_died_between_writing_and_calling_has_the_request_asked_about_only(
    supplied: Supplied, talker: Talker
) -> None:
    """Nothing was sent, which nobody can know: after ten minutes the supplier's `no such order` is a no."""
    order = supplied.bought(talker)
    supplied.dies_when_called(order)
    assert supplied.request(order)[0] == "sent"

    supplied.till.wait(minutes=2)
    supplied.carries_out(order)
    assert supplied.request(order) == ("unknown", 1, None, "absent", False)
    assert supplied.till.shop.count("refund") == 0
    supplied.till.wait(minutes=10)
    supplied.carries_out(order)

    assert supplied.request(order) == ("rejected", 1, 0, "absent", True)
    assert "buy" not in supplied.double.paths()
    assert order_view(actor=talker.actor, order_id=order.order_id).refunded_minor == PRICE
    assert violated() == {}


def test_a_supplier_that_breaks_while_it_takes_the_order_is_asked(supplied: Supplied, talker: Talker) -> None:
    supplied.double.keys, supplied.double.buys = KEYS[:1], "breaks"
    order = supplied.bought(talker)

    supplied.carries_out(order)
    assert supplied.request(order)[:4] == ("unknown", 1, None, "code_500")
    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 1, 1)


def test_what_a_supplier_cancels_goes_back(supplied: Supplied, talker: Talker) -> None:
    supplied.double.status = 5
    order = supplied.bought(talker)

    supplied.until_settled(order)

    assert supplied.request(order) == ("rejected", 1, 0, "status_5", True)
    assert order_view(actor=talker.actor, order_id=order.order_id).status is OrderStatus.REFUNDED
    assert supplied.trade_balance() == 0
    assert violated() == {}


def test_a_state_that_nobody_has_heard_of_is_unknown(supplied: Supplied, talker: Talker) -> None:
    supplied.double.status = 77
    order = supplied.bought(talker)

    supplied.carries_out(order)
    supplied.till.wait(minutes=20)
    supplied.carries_out(order)

    assert supplied.request(order)[:4] == ("accepted", 1, None, "status_unknown")
    assert supplied.till.shop.count("refund") == 0


def test_inv_o4_what_was_accepted_and_never_ends_is_told_and_ended_by_a_person_only(
    supplied: Supplied, talker: Talker
) -> None:
    """Its system forgets the order after it had accepted it: that is no certain no."""
    supplied.double.status = 2
    order = supplied.bought(talker)
    supplied.carries_out(order)
    supplied.double.orders.clear()

    for _ in range(8):
        supplied.till.wait(minutes=15)
        supplied.carries_out(order)

    assert supplied.request(order) == ("accepted", 1, None, "absent", False)
    assert supplied.till.shop.count("refund") == 0
    assert supplied.till.shop.sql("SELECT kind, detail FROM alert") == [
        ("supplier_trouble", {"problem": "accepted", "missing": 1})
    ]
    supplied.refused_by_hand("they lost it")
    supplied.till.wait(seconds=1)
    supplied.carries_out(order)
    assert supplied.request(order) == ("rejected", 1, 0, "by_hand", True)
    assert order_view(actor=talker.actor, order_id=order.order_id).refunded_minor == PRICE


def test_inv_o4_a_restore_that_holds_back_a_line_is_no_false_alarm_and_buys_nothing(
    supplied: Supplied, talker: Talker
) -> None:
    """Fault 100: the backup knows an open request; its card went out later, so a person looks at the line."""
    supplied.double.keys, supplied.double.buys = KEYS[:1], "drops"
    order = supplied.bought(talker)
    supplied.carries_out(order)
    supplied.till.shop.sql("UPDATE order_line SET gate = 'review', gate_reason = 'went_out_before'")
    assert violated() == {}

    supplied.until_settled(order)

    assert supplied.double.paths().count("buy") == 1
    assert supplied.till.shop.count("card") == supplied.till.shop.count("refund") == 0
    assert supplied.till.shop.sql("SELECT gate, gate_reason FROM order_line") == [("review", "went_out_before")]
    assert violated() == {}


def test_fault_100_what_a_restore_holds_back_takes_nothing_from_the_other_lines_of_its_request(
    supplied: Supplied, talker: Talker
) -> None:
    supplied.double.keys, supplied.double.buys = KEYS, "drops"
    order = supplied.bought(talker, 2)
    supplied.carries_out(order)
    supplied.till.shop.sql(
        "UPDATE order_line SET gate = 'review', gate_reason = 'went_out_before' WHERE position = (SELECT min(position)"
        " FROM order_line)"
    )

    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 2, 1)
    assert supplied.till.shop.count("refund") == 0
    assert supplied.delivers(order) == [True]
    assert violated() == {}


def test_an_account_that_does_not_open_is_told_and_its_requests_stay_unknown(
    supplied: Supplied, talker: Talker
) -> None:
    """As after a restore without its key: neither a defect in the log for ever, nor money back."""
    order = supplied.bought(talker)
    supplied.till.shop.sql("UPDATE credential SET sealed = decode(repeat('00', 64), 'hex') WHERE name = 'api_key'")

    for _ in range(6):
        supplied.carries_out(order)
        supplied.till.wait(minutes=15)

        assert not supplied.asks_stock()

    assert supplied.request(order) == ("unknown", 1, None, "not_opened", False)
    assert supplied.left() == 0
    assert supplied.double.paths() == ["info"]
    assert supplied.till.shop.count("refund") == 0
    assert supplied.till.shop.sql("SELECT detail FROM alert") == [({"problem": "unknown", "missing": 1},)]


def test_a_vault_that_is_away_leaves_the_keys_sealed_and_they_come_later(supplied: Supplied, talker: Talker) -> None:
    supplied.double.keys = KEYS[:1]
    order = supplied.bought(talker)
    supplied.carries_out(order)
    supplied.till.wait(seconds=5)
    supplied.vault_is_away = True
    with pytest.raises(Exception, match="vault"):
        supplied.carries_out(order)
    assert supplied.request(order) == ("delivered", 1, None, None, False)

    supplied.vault_is_away = False
    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 1, 1)
    assert supplied.double.paths() == ["info", "buy", "info"]


def test_inv_o4_the_database_sends_no_request_again_and_gives_no_line_two(supplied: Supplied, talker: Talker) -> None:
    order = supplied.bought(talker)
    supplied.double.is_away = True
    supplied.carries_out(order)
    sql = supplied.till.shop.sql

    for broken in (
        "UPDATE supplier_request SET state = 'sent'",
        "UPDATE supplier_request SET state = 'created', sent_at = NULL",
        "UPDATE supplier_request SET sent_at = sent_at + interval '1 hour'",
        "UPDATE supplier_request SET quantity = 2",
        "UPDATE supplier_line SET request_id = NULL",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            sql(broken)
    assert supplied.request(order)[0] == "unknown"


def test_the_database_allows_the_steps_that_are_drawn_and_no_other(supplied: Supplied, talker: Talker) -> None:
    """INV-O1: the trigger and the dict say the same."""
    order = supplied.bought(talker)
    supplied.dies_when_called(order)
    states = list(SupplierRequestState)
    pairs = [(state, after) for state in states for after in states if after is not state]

    allowed = [pair for pair in pairs if supplied.could_move(order, *pair)]

    assert allowed == [(state, after) for state, after in pairs if after in SUPPLIER_REQUEST_TRANSITIONS[state]]
    assert supplied.request(order)[0] == "sent"


def test_requests_that_rest_are_found_by_the_sweep_when_their_time_has_come(supplied: Supplied, talker: Talker) -> None:
    """INV-O7, INV-O9: also an order whose queue row was lost before anybody asked."""
    order = supplied.bought(talker)
    supplied.till.shop.sql("DELETE FROM keystall_task")
    assert supplied.sweeps() == 1
    assert supplied.till.queued("supply") == [order.order_id]

    supplied.double.is_away = True
    supplied.carries_out(order)
    supplied.till.shop.sql("DELETE FROM keystall_task")
    assert supplied.sweeps() == 0
    supplied.till.clock.move(timedelta(minutes=1))
    assert supplied.sweeps() == 1


def test_inv_o4_a_person_who_asked_the_supplier_ends_an_unknown_request_and_no_other(
    supplied: Supplied, talker: Talker
) -> None:
    """With the owner's hand: web's password alone has no open request paid back."""
    order = supplied.bought(talker)
    supplied.double.is_away = True
    supplied.carries_out(order)
    with (
        psycopg.connect(supplied.vault.config.database.roles.shop) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute("UPDATE supplier_request SET state = 'rejected'")

    supplied.refused_by_hand("they looked it up")
    with pytest.raises(NotUnknown):
        supplied.refused_by_hand("they looked it up")
    supplied.till.wait(seconds=1)
    supplied.carries_out(order)

    assert supplied.request(order) == ("rejected", 1, 0, "by_hand", True)
    assert order_view(actor=talker.actor, order_id=order.order_id).refunded_minor == PRICE
    assert supplied.double.paths().count("buy") == 1
