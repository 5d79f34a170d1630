"""A disk that does not keep the vault's log: nothing leaves, no order is taken, and the vault starts again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from core import db
from core.clock import DatabaseClock
from core.config import Config
from core.custody import server
from core.custody.desk import LOG_FAILED
from core.orders.rules import NothingIsSold
from core.vault.client import VaultCode, VaultRefused
from ops.processes.vault_wiring import key_source
from tests.support.sales import Counter, a_counter
from tests.support.vaults import desk_vault


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


def gone(_: int) -> None:
    raise OSError(5, "the disk is gone")


def full(*_: Any) -> int:
    raise OSError(28, "no space left")


@pytest.mark.parametrize(("call", "fails"), [("fsync", gone), ("write", full)])
def test_a_vault_whose_log_is_not_kept_says_that_it_is_closed_before_more_orders_are_paid(
    counter: Counter, sql: Any, monkeypatch: pytest.MonkeyPatch, call: str, fails: Callable[..., Any]
) -> None:
    """It stayed open and answered BUSY for ever, while orders went on being taken and paid."""
    sale = counter.sell(1)
    with monkeypatch.context() as broken:
        broken.setattr(os, call, fails)
        with pytest.raises(VaultRefused) as busy:
            counter.vault.client.open_delivery(sale.delivery)
    assert busy.value.vault_code is VaultCode.BUSY

    assert sql("SELECT open, reason FROM vault_state") == [(False, LOG_FAILED)]
    assert counter.vault.client.status().reason == LOG_FAILED
    assert counter.refused(sale) is VaultCode.CLOSED
    with pytest.raises(NothingIsSold):
        counter.shop.place(counter.shop.a_shopper(), counter.listing)
    db.close()

    with monkeypatch.context() as broken:  # as long as it is, no vault starts and nothing is sold
        broken.setattr(os, "fsync", gone)
        with pytest.raises(OSError, match="the disk is gone"):
            counter.vault.restart()
    assert sql("SELECT open FROM vault_state") == [(False,)]

    counter.vault.restart()
    assert sql("SELECT open, reason FROM vault_state") == [(True, None)]
    assert len(counter.open(sale)) == 1


def test_the_process_of_a_vault_whose_log_is_not_kept_ends_so_that_it_is_started_again(
    counter: Counter, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, opened_desk = counter.vault.config, server.opened_desk

    def spent(*arguments: Any) -> Any:
        desk = opened_desk(*arguments)
        with monkeypatch.context() as broken:
            broken.setattr(os, "write", full)
            with pytest.raises(OSError, match="no space left"):
                desk._journal._write({})
        return desk

    monkeypatch.setattr(server, "opened_desk", spent)
    db.disconnect()
    try:
        with pytest.raises(OSError, match="the disk did not keep the vault's opening log"):
            server.serve(
                config, key_source(config), ready=lambda: None, stop=threading.Event(),
                clock=DatabaseClock(db.database_now),
            )  # fmt: skip
    finally:
        db.disconnect()
        db.connect(config.database.roles.shop, size=24)

    assert sql("SELECT open, reason FROM vault_state") == [(False, LOG_FAILED)]
    assert not config.vault_socket.exists()
