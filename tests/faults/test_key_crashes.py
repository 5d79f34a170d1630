"""kill -9 while keys are changed, and keys changed while the store sells: every card opens at each moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels.keys import files
from core import db
from core.config import Config
from core.custody.keychain import rekeying, rotating
from core.vault.key_requests import KeyRequests
from tests.support.crash import run_until
from tests.support.sales import LINES, Counter, a_counter
from tests.support.vault_keys import every_secret, ring, with_own_keys
from tests.support.vaults import DeskVault, desk_vault
from tests.support.walking import a_known_shopper, a_path

pytestmark = pytest.mark.slow


@pytest.fixture
def counter(store_db: Any, sql: Callable[..., Any], config: Config) -> Counter:
    counter = a_counter(desk_vault(with_own_keys(config)), sql)
    for number in range(3):
        counter.vault.import_bytes(f"EXTRA-{number}".encode(), "x.txt", owner=counter.shop.merchant, sku="A1")
    return counter


EVERY = sorted([*LINES, "EXTRA-0", "EXTRA-1", "EXTRA-2"])


def killed_at_every_step(
    counter: Counter, operation: str, before: Callable[[], object] = lambda: None
) -> Iterator[int]:
    """One act on the keys, killed before its 1st, 2nd, 3rd … word with database or disk; the vault starts again.

    Yields after each kill, and ends when an act got through.
    """
    vault = counter.vault
    assert isinstance(vault, DeskVault)
    desk, write = vault.at_the_desk, files.write_durably

    def work() -> None:
        def counted(*args: Any) -> None:
            db.execute("SELECT 'before a key file'")
            write(*args)
            db.execute("SELECT 'after a key file'")

        files.write_durably = counted  # in the child only
        assert desk.unconnected({"op": operation})["ok"]

    for step in range(1, 200):
        before()
        through = run_until(work, url=vault.config.database.roles.vault, at=step)
        db.connect(vault.config.database.roles.shop, size=24)
        vault.restart()
        assert vault.client.status().reason is None, step
        if through:
            return
        yield step
    raise AssertionError("the act still had steps after 200")


def test_fault_6_killed_at_any_step_of_a_rotation_every_batch_opens_and_the_next_one_ends(
    counter: Counter, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotating, "CHUNK", 1)
    sale, config = counter.sell(1), counter.vault.config
    cards, mixed = counter.open(sale), 0
    for _ in killed_at_every_step(counter, "rotate"):
        assert every_secret(config) == EVERY
        sealed_with = {row[0] for row in sql("SELECT DISTINCT vault_key_id FROM batch_key")}
        assert sealed_with <= {version.id for version in ring(config).versions}
        mixed += len(sealed_with) > 1
    assert mixed >= 3  # some batches sealed with one version, some with the other
    assert counter.open(sale) == cards
    assert sql("SELECT DISTINCT vault_key_id FROM batch_key") == [(ring(config).current.id,)]


def test_fault_6_killed_at_any_step_of_a_rekeying_every_card_opens_and_the_vault_goes_on_by_itself(
    counter: Counter, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "CARDS", 15)
    monkeypatch.setattr(rekeying, "BATCHES", 2)
    config, halves, vault = counter.vault.config, 0, counter.vault
    assert isinstance(vault, DeskVault)

    def begun() -> None:  # the rotation that comes before has a test of its own
        with vault.at_the_desk.as_vault():
            rekeying.begin(now=db.database_now())

    for _ in killed_at_every_step(counter, "rekey", begun):
        assert every_secret(config) == EVERY
        running = sql("SELECT cards FROM vault_rekey WHERE finished_at IS NULL")
        halves += bool(running and 0 < running[0][0] < len(EVERY))
        vault.run_round("keys")
        assert set(sql("SELECT cards, finished_at IS NULL FROM vault_rekey")) <= {(43, False)}
        assert every_secret(config) == EVERY
    assert halves >= 3
    assert sql("SELECT count(*) FROM vault_rekey WHERE finished_at IS NULL") == [(0,)]
    assert sql("SELECT count(*) FROM batch_key WHERE next_sealed_dek IS NOT NULL") == [(0,)]


def test_fault_71_keys_rotated_and_rekeyed_in_a_loop_while_orders_are_delivered_fail_none(
    store_db: Any, sql: Any, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "CARDS", 25)
    path = a_path(sql, with_own_keys(config), cards=120)
    buyers = [a_known_shopper(path, sql).session for _ in range(2)]
    failures: list[BaseException] = []

    def sell(number: int) -> None:
        try:
            with db.connection():
                for _ in range(25):
                    path.walk(buyers[number])
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=sell, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    acts, rounds = KeyRequests(path.vault), 0
    while any(thread.is_alive() for thread in threads):
        acts.rotate()
        acts.rekey()
        rounds += 1
    for thread in threads:
        thread.join()

    assert failures == []
    assert rounds >= 3
    assert sql("SELECT count(*) FROM card WHERE state = 'delivered'") == [(50,)]
    assert sql("SELECT count(*) FROM card WHERE state = 'quarantined'") == [(0,)]
    assert sql("SELECT count(*) FROM order_line WHERE gate <> 'none'") == [(0,)]
