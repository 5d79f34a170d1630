"""The twin of the bench says what real orders said and has the same effects, or its figures would mean nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from core import db
from core.config import Config
from core.reports.checks import verify
from ops.bench.measure import inputs_of
from ops.bench.order_path import OrderPath
from ops.bench.recording import Recording, recorded
from ops.bench.twin import Twin
from tests.support.walking import KnownShopper, a_known_shopper, a_path

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def path(sql: Sql, store_db: db.StoreDatabase, config: Config) -> OrderPath:
    return a_path(sql, config, cards=200)


@pytest.fixture
def shoppers(path: OrderPath, sql: Sql) -> list[KnownShopper]:
    return [a_known_shopper(path, sql) for _ in range(3)]


def recording_of(path: OrderPath, shopper: KnownShopper) -> Recording:
    path.walk(shopper.session)
    with recorded() as recording:
        path.walk(shopper.session, recording=recording)
    path.vault.recording = None
    return recording


def a_twin(path: OrderPath, shoppers: list[KnownShopper]) -> Twin:
    one, other = shoppers[:2]
    recordings = recording_of(path, one), recording_of(path, other)
    return Twin(*recordings, (inputs_of(one.session), inputs_of(other.session)))


def test_replayed_orders_of_another_shopper_are_orders_like_any_other(
    path: OrderPath, shoppers: list[KnownShopper], sql: Sql, urls: dict[str, str]
) -> None:
    twin, third = a_twin(path, shoppers), shoppers[2].session

    with psycopg.connect(urls["owner"], autocommit=True) as connection:
        for number in range(3):
            now = path.clock.now() + timedelta(milliseconds=number)
            twin.say(twin.prepare(inputs_of(third), now), connection)

    made = sql(
        "SELECT o.state, d.state, l.quantity, count(DISTINCT c.id)::int, count(DISTINCT t.id)::int > 0"
        " FROM shop_order o JOIN order_line l ON l.order_id = o.id JOIN delivery d ON d.line_id = l.id"
        " JOIN card c ON c.line_id = l.id AND c.state = 'delivered' JOIN transfer t ON t.line_id = l.id"
        " WHERE o.shopper_id = %s GROUP BY o.id, d.id, l.id",
        [third.shopper_id],
    )
    assert made == [("closed", "delivered", 1, 1, True)] * 3
    assert sql(
        "SELECT count(*) FROM message WHERE conversation_id = %s AND kind = 'cards'", [third.conversation_id]
    ) == [(3,)]
    assert [finding for finding in verify() if finding.violations] == []


def test_two_orders_that_said_different_things_make_no_twin(path: OrderPath, shoppers: list[KnownShopper]) -> None:
    one, other = (recording_of(path, shopper) for shopper in shoppers[:2])
    other.steps.pop()

    with pytest.raises(ValueError, match="did not say the same"):
        Twin(one, other, (inputs_of(shoppers[0].session), inputs_of(shoppers[1].session)))
