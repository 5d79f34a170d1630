"""Round trips of a payment, counted: a statement is one without BEGIN and COMMIT (performance.md, "Goals")."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core import db
from core.payments.service import pay_from_wallet
from tests.builders import Shop
from tests.support.till import Till

FRAMES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that the store sends meanwhile."""
    seen: list[str] = []
    send = db.StoreDatabase.execute_sql

    def note(self: db.StoreDatabase, sql: str, *rest: Any, **named: Any) -> Any:
        if not sql.lstrip().upper().startswith(FRAMES):
            seen.append(sql)
        return send(self, sql, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(db.StoreDatabase, "execute_sql", note)
        yield seen


@pytest.fixture
def till(shop: Shop) -> Till:
    """A till whose accounts of the books exist: the first notice of all opens them."""
    till = Till(shop)
    till.account()
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=100)
    till.pay(shop.place(shop.a_shopper(), listing))
    return till


@pytest.mark.parametrize("quantity", [1, 20])
def test_a_notice_settles_an_order_of_any_quantity_in_seven_statements(
    till: Till, monkeypatch: pytest.MonkeyPatch, quantity: int
) -> None:
    order = till.shop.place(till.shop.a_shopper(), till.shop.a_listing(), quantity)
    raw = till.notice(till.start(order), 1000 * quantity)

    with statements(monkeypatch) as seen:
        till.receive(raw)

    assert till.order_state(order) == "paid"
    assert len(seen) == 7


def test_a_repeated_notice_costs_one_statement(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order = till.shop.place(till.shop.a_shopper(), till.shop.a_listing())
    raw = till.notice(till.start(order), 1000)
    till.receive(raw)

    with statements(monkeypatch) as seen:
        till.receive(raw)

    assert len(seen) == 1


def test_a_forged_notice_costs_no_statement(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order = till.shop.place(till.shop.a_shopper(), till.shop.a_listing())
    raw = till.notice(till.start(order), 1000)

    with statements(monkeypatch) as seen:
        answer = till.receive(type(raw)(raw.body, {}))

    assert (answer.status, seen) == (401, [])


def test_a_wallet_pays_in_a_bounded_number_of_statements(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    talker = till.shop.a_shopper()
    till.fill_wallet(talker, 3000)
    first, second = (till.shop.place(talker, till.shop.a_listing()) for _ in range(2))
    pay_from_wallet(actor=talker.actor, order_id=first.order_id, submission_id="first", now=till.now)

    with statements(monkeypatch) as seen:
        pay_from_wallet(actor=talker.actor, order_id=second.order_id, submission_id="second", now=till.now)

    assert len(seen) <= 14
