"""Statements and commits of an order are budgeted: on a cloud disk they decide, and they never grow with quantity."""

from collections.abc import Callable
from typing import Any

import pytest

from core import db
from core.config import Config
from core.conversations.service import Session
from ops.bench.order_path import PHASES, OrderPath
from ops.bench.recording import BEGIN, COMMIT, Recording, recorded
from tests.support.walking import a_known_shopper, a_path

Sql = Callable[..., list[tuple[Any, ...]]]
CARDS = 8000  # no order comes near a cap on held stock, where two statements more make the count exact


@pytest.fixture
def path(sql: Sql, store_db: db.StoreDatabase, config: Config) -> OrderPath:
    return a_path(sql, config, cards=CARDS)


@pytest.fixture
def session(path: OrderPath, sql: Sql) -> Session:
    return a_known_shopper(path, sql).session


def an_order(path: OrderPath, session: Session, quantity: int) -> Recording:
    """What an order says, the second of its kind: accounts that a first sale opens are there."""
    path.walk(session, quantity=quantity)
    with recorded() as recording:
        path.walk(session, quantity=quantity, recording=recording)
    return recording


@pytest.mark.parametrize("quantity", [1, 10, 100])
def test_an_order_stays_within_its_statements_and_commits(path: OrderPath, session: Session, quantity: int) -> None:
    recording = an_order(path, session, quantity)

    assert recording.statements("place") <= 10
    assert recording.statements("settle") <= 10
    assert recording.statements("deliver") + recording.statements("vault") <= 8
    assert [recording.commits(phase) for phase in ("place", "settle", "deliver", "vault")] == [1, 1, 2, 1]


def test_no_part_of_an_order_says_more_for_a_larger_quantity(path: OrderPath, session: Session) -> None:
    said = [
        {phase: (order.statements(phase), order.commits(phase)) for phase in PHASES}
        for order in (an_order(path, session, quantity) for quantity in (1, 10, 100))
    ]

    assert said[0] == said[1] == said[2]


def test_no_transaction_is_open_while_the_vault_is_asked(path: OrderPath, session: Session) -> None:
    said = [step.sql if step.sql in (BEGIN, COMMIT) else "" for step in an_order(path, session, 1).steps]
    phases = [step.phase for step in an_order(path, session, 1).steps]
    before = said[: phases.index("vault")]

    assert before.count(BEGIN) == before.count(COMMIT)
