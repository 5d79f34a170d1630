"""A line's refund and its opening exclude each other: whoever is first, nobody has both the money and the cards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from core.config import Config
from core.db import in_transaction
from core.orders import lines
from core.orders.deliveries import Sending
from core.orders.locking import lock_order
from core.orders.sql import GATE_FOR_REVIEW
from core.vault.client import VaultCode, VaultRefused
from tests.builders import NOON
from tests.support.sales import Counter, Sale, a_counter
from tests.support.vaults import desk_vault

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


@pytest.fixture
def beside(urls: dict[str, str]) -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """Connections of a role beside the store, whose transactions the test ends."""
    made: list[psycopg.Connection[Any]] = []

    def connect(role: str) -> psycopg.Connection[Any]:
        made.append(psycopg.connect(urls[role]))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


def sending_of(sale: Sale) -> Sending:
    talker = sale.talker
    return Sending(
        sale.delivery, sale.line, sale.order, 0, talker.conversation_id, "web:x", talker.merchant_id, "A1", 1, 2,
        has_siblings=False, is_unfit=True, is_plan=False, zone="Asia/Shanghai",
    )  # fmt: skip


def cancel(sale: Sale) -> int | None:
    """The line ends as a refund of it ends it."""

    def work() -> int | None:
        order = lock_order(order_id=sale.order)
        return lines.cancel_line(order=order, sending=sending_of(sale), problem="batch_recalled", now=NOON)

    return in_transaction(work)


def once_it_waits(sql: Any, running: Future[Any], then: Callable[[], Any]) -> Any:
    """Let go what somebody waits for, once he does; what he then got."""
    end = time.monotonic() + 10
    while sql(WAITING, role="superuser")[0][0] == 0:
        assert not running.done(), "it did not wait"
        assert time.monotonic() < end
        time.sleep(0.01)
    then()
    return running.result(timeout=10)


def test_a_line_that_is_refunded_while_the_vault_checks_it_is_not_opened(
    counter: Counter, sql: Any, beside: Callable[[str], psycopg.Connection[Any]]
) -> None:
    sale = counter.sell(2)
    other = beside("shop")
    named = {"delivery": sale.delivery, "attempts": 0, "order": sale.order, "problem": "x", "now": NOON}
    other.execute(lines.CANCEL, named | {"merchant": sale.talker.merchant_id, "public": "ord_x"})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(counter.vault.client.open_delivery, sale.delivery)
        with pytest.raises(VaultRefused) as refused:
            once_it_waits(sql, running, other.commit)

    assert refused.value.vault_code is VaultCode.BUSY
    assert sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL OR line_id IS NOT NULL") == [(0,)]
    assert sql("SELECT opened FROM opening_budget") == sql("SELECT * FROM evidence_use") == []
    assert counter.refused(sale) is VaultCode.NOT_SENDING


def test_a_line_that_is_held_for_a_person_while_the_vault_checks_it_is_not_opened(
    counter: Counter, sql: Any, beside: Callable[[str], psycopg.Connection[Any]]
) -> None:
    sale = counter.sell(2)
    other = beside("shop")
    named = {"delivery": sale.delivery, "attempts": 0, "problem": "x", "now": NOON}
    other.execute(GATE_FOR_REVIEW, named | {"merchant": sale.talker.merchant_id, "public": "ord_x"})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(counter.vault.client.open_delivery, sale.delivery)
        with pytest.raises(VaultRefused) as refused:
            once_it_waits(sql, running, other.commit)

    assert refused.value.vault_code is VaultCode.BUSY
    assert sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL") == [(0,)]
    assert sql("SELECT opened FROM opening_budget") == sql("SELECT * FROM evidence_use") == []


def test_control_a_refund_that_is_rolled_back_lets_the_vault_open(
    counter: Counter, sql: Any, beside: Callable[[str], psycopg.Connection[Any]]
) -> None:
    sale = counter.sell(2)
    other = beside("shop")
    other.execute("UPDATE delivery SET state = 'failed' WHERE id = %s", [sale.delivery])
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(counter.vault.client.open_delivery, sale.delivery)

        assert len(once_it_waits(sql, running, other.rollback).cards) == 2


def test_a_line_that_the_vault_opens_meanwhile_is_not_refunded(
    counter: Counter, sql: Any, beside: Callable[[str], psycopg.Connection[Any]]
) -> None:
    """The vault's own statement is held before its commit: a refund that looked before it would see no opened card."""
    sale = counter.sell(2)
    vault = beside("vault")
    vault.execute("SELECT 1 FROM delivery WHERE id = %s FOR NO KEY UPDATE", [sale.delivery])
    vault.execute("UPDATE card SET opened_at = now() WHERE line_id = %s", [sale.line])
    with ThreadPoolExecutor(1) as pool:
        assert once_it_waits(sql, pool.submit(cancel, sale), vault.commit) is None

    assert sql("SELECT state FROM delivery") == [("sending",)]
    assert sql("SELECT gate FROM order_line") == [("none",)]
    assert sql("SELECT count(*) FROM card WHERE line_id = %s", [sale.line]) == [(2,)]
    assert sql("SELECT state, refunded_minor FROM shop_order") == [("paid", 0)]


def test_control_a_line_of_which_nothing_was_opened_is_refunded(counter: Counter, sql: Any) -> None:
    sale = counter.sell(2)

    assert cancel(sale) == sale.total
    assert sql("SELECT state FROM delivery") == [("failed",)]
    assert sql("SELECT state, refunded_minor FROM shop_order") == [("closed", sale.total)]
