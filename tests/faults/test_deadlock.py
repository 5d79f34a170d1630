"""Fault 10: deadlocks are tried again with jitter, a bounded number of times; control: without that one side loses."""

import threading
from collections.abc import Callable

import peewee
import pytest

from core import db
from tests.builders import Shop
from tests.races.racing import at_once, failures


def two_in_reverse_order(shop: Shop, run: Callable[[Callable[[], None]], None]) -> list[object]:
    """Two transactions lock two rows in opposite order, each waiting for the other at its first try."""
    one, other = shop.a_shopper(), shop.a_shopper()
    met = threading.Barrier(2, timeout=10)
    first_try = threading.local()

    def locking(rows: list[object]) -> Callable[[], None]:
        def work() -> None:
            for number, row in enumerate(rows):
                db.execute("UPDATE shopper SET paid_orders = paid_orders + 1 WHERE id = %s", (row,))
                if number == 0 and not getattr(first_try, "done", False):
                    first_try.done = True
                    met.wait()

        return work

    there = locking([one.shopper_id, other.shopper_id])
    back = locking([other.shopper_id, one.shopper_id])
    return at_once([lambda: run(there), lambda: run(back)])


def test_fault_10_a_deadlock_is_tried_again_and_both_finish(shop: Shop) -> None:
    results = two_in_reverse_order(shop, db.in_transaction)

    assert failures(results) == []
    assert shop.sql("SELECT DISTINCT paid_orders FROM shopper") == [(3,)]


def test_control_without_trying_again_one_side_loses(shop: Shop) -> None:
    results = two_in_reverse_order(shop, lambda work: db.in_transaction(work, tries=1))

    assert len(failures(results)) == 1


def test_a_deadlock_that_never_ends_is_given_up_after_the_last_try(shop: Shop) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        db.execute("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")

    with pytest.raises(peewee.OperationalError) as error:
        db.in_transaction(work, tries=3)

    assert len(tries) == 3
    assert db.sqlstate(error.value) == "40P01"


def test_a_refused_row_is_not_tried_again_and_its_values_are_not_in_the_error(shop: Shop) -> None:
    shop.a_shopper()
    tries = []

    def work() -> None:
        tries.append(1)
        db.execute("UPDATE shopper SET locale = 'CANARY-4711'")

    with pytest.raises(peewee.IntegrityError) as error:
        db.in_transaction(work)

    assert len(tries) == 1
    assert "CANARY" not in repr(error.value)
    assert error.value.__cause__ is None
    assert db.constraint(error.value) == "shopper_locale_check"
