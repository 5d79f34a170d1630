"""Statements and commits of an order are budgeted: on a cloud disk they decide, and they never grow with quantity."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from core import db
from core.clock import DatabaseClock
from core.config import Config
from core.conversations.service import Session, open_session, session_by_token
from core.orders.service import OrderKeys
from core.stock.marks import move_marks
from core.vault.client import ImportOrder
from core.vault.notices import sandbox_public_key
from core.vault.uploads import upload_file
from ops.bench.order_path import PHASES, DeskInProcess, OrderPath
from ops.bench.recording import BEGIN, COMMIT, Recording, recorded
from tests.builders import Shop

Sql = Callable[..., list[tuple[Any, ...]]]
OPAQUE_ID = "sandbox-of-demo-0001"
CARDS = 8000  # no order comes near a cap on held stock, where two statements more make the count exact


@pytest.fixture
def clock_of_database() -> DatabaseClock:
    return DatabaseClock(db.database_now)


@pytest.fixture
def path(sql: Sql, store_db: db.StoreDatabase, config: Config, clock_of_database: DatabaseClock) -> OrderPath:
    """A shop with imported cards; the store is connected with the rights of all its processes."""
    act_key = config.secret(config.secrets.act_key).reveal()
    sql(
        "UPDATE installation SET sandbox_public_key = %s, opening_budget_per_hour = 5000", [sandbox_public_key(act_key)]
    )
    db.connect(config.database.url, size=8)
    keys = OrderKeys(seal=config.secret(config.secrets.seal_key), session=config.secret(config.secrets.session_key))
    shop = Shop(sql, keys=keys)
    listing = shop.a_listing(price=1500)
    sql(
        "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
        " VALUES (%s, 'sandbox', %s, 'CNY', '{}', now())",
        [OPAQUE_ID, shop.merchant],
    )
    vault = DeskInProcess(config, clock_of_database)
    lines = "\n".join(f"CARD-{number:05}-{number * 7919 % 100000:05}" for number in range(CARDS))
    upload = upload_file(
        file=io.BytesIO(lines.encode()),
        name="cards.txt",
        owner_id=shop.merchant,
        vault_public=config.secret(config.vault.public_key).reveal(),
        now=clock_of_database.now(),
    )
    assert vault.import_upload(ImportOrder(upload=upload, sku="A1")).added == CARDS
    move_marks(now=clock_of_database.now())
    return OrderPath(config, clock_of_database, shop.policy, keys, listing, OPAQUE_ID, vault)


@pytest.fixture
def session(path: OrderPath, sql: Sql) -> Session:
    """A shopper with a paid order and one chat session."""
    merchant, now = sql("SELECT id FROM party WHERE code = 'demo'")[0][0], path.clock.now()
    new = open_session(merchant_id=merchant, network="network", locale="zh-CN", now=now)
    sql("UPDATE shopper SET paid_orders = 1")
    return session_by_token(token=new.token, now=now)


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
