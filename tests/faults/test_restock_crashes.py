"""Restocking under kill -9 at any step of bot, worker and vault: its cards once, its result told once."""

from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.clock import FixedClock
from core.config import Config
from core.conversations.restocking import carry_out_restock
from core.parties.service import Role
from tests.builders import NOON, Shop
from tests.support.chats import an_account
from tests.support.crash import at_every_step
from tests.support.restock import EMAIL, StaffChatter, Worker, a_member, an_engine_with_stock
from tests.support.vaults import DeskVault, desk_vault, vault_process


@pytest.fixture
def shop(store_db: Any, sql: Any) -> Shop:
    shop = Shop(sql)
    shop.a_sku("A1")
    shop.a_listing("A1")
    a_member(shop, shop.a_party("brand1", "supplier"), Role.STOCK)
    return shop


@pytest.fixture
def vault(shop: Shop, config: Config) -> DeskVault:
    return desk_vault(config)


@pytest.fixture
def supplier(shop: Shop, config: Config, clock: FixedClock, vault: DeskVault) -> StaffChatter:
    chat = StaffChatter(shop, an_engine_with_stock(config, clock), an_account(shop, restock=True))
    chat.binds(config, EMAIL)
    return chat


def one_of_each(shop: Shop, cards: int) -> None:
    assert [shop.count(table) for table in ("restock", "upload", "batch", "import_job")] == [1] * 4
    assert shop.card_states() == {"free": cards}
    assert shop.sql("SELECT state, card_count FROM batch") == [("selling", cards)]


def test_the_bot_killed_at_any_step_of_sealing_brings_nothing_or_all_of_it(
    supplier: StaffChatter, shop: Shop, config: Config
) -> None:
    """Until the one commit there is nothing; after it the same message finds what it brought."""
    words = "补货 A1\nTENC-0001\nTENC-0002"
    counts = set()
    for _ in at_every_step(lambda: supplier.says(words, message="m1"), url=config.database.roles.shop):
        counts.add(tuple(shop.count(table) for table in ("restock", "upload", "upload_chunk", "keystall_task")))
    db.connect(config.database.roles.shop, size=24)

    assert counts == {(0, 0, 0, 0), (1, 1, 1, 1)}
    assert supplier.says(words, message="m1").text.startswith("收到")
    assert shop.count("restock") == 1


def test_the_worker_killed_at_any_step_imports_once_and_tells_once(
    supplier: StaffChatter, shop: Shop, config: Config
) -> None:
    supplier.says("补货 A1\nTENC-0001\nTENC-0002")
    ((restock,),) = db.execute("SELECT id FROM restock")
    with vault_process(config) as vault:
        steps = sum(
            1
            for _ in at_every_step(
                lambda: carry_out_restock(restock_id=restock, vault=vault.client, now=NOON),
                url=config.database.roles.worker,
            )
        )
    db.connect(config.database.roles.shop, size=24)

    assert steps >= 4
    one_of_each(shop, 2)
    assert [(one["kind"], one["added"], one["duplicates"]) for one in supplier.told()] == [("restocked", 2, 0)]


def test_fault_5_the_vault_killed_at_any_step_of_a_restock_ends_with_its_exact_counts(
    supplier: StaffChatter, shop: Shop, config: Config, vault: DeskVault
) -> None:
    """Fault 5: the batch that had begun goes on by itself, and whoever asks again hears its counts."""
    supplier.says("补货 A1\nTENC-0001\nTENC-0002\nTENC-0002\n")
    ((restock,),) = db.execute("SELECT id FROM restock")
    request, resumed = {"op": "restock", "restock": str(restock)}, 0

    def asked() -> None:
        assert vault.at_the_desk.unconnected(request)["ok"]

    for _ in at_every_step(asked, url=config.database.roles.vault):
        db.connect(config.database.roles.shop, size=24)
        if shop.sql("SELECT 1 FROM batch WHERE state = 'importing'") and not resumed:
            vault.resume()
            resumed += 1
    db.connect(config.database.roles.shop, size=24)
    assert Worker(vault).carries_out() == 1

    assert resumed == 1
    one_of_each(shop, 2)
    assert [(one["added"], one["duplicates"], one["refused"]) for one in supplier.told()] == [(2, 1, 0)]


def test_a_job_that_was_given_up_while_nobody_asked_tells_why(
    supplier: StaffChatter, shop: Shop, config: Config, vault: DeskVault, sql: Any
) -> None:
    """The vault itself went on with a job after a crash and found its file to be junk."""
    supplier.sends(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    ((restock,),) = db.execute("SELECT id FROM restock")
    request = {"op": "restock", "restock": str(restock)}

    for _ in at_every_step(lambda: vault.at_the_desk.unconnected(request), url=config.database.roles.vault):
        db.connect(config.database.roles.shop, size=24)
        if sql("SELECT 1 FROM import_job WHERE state = 'running'"):
            break
    vault.resume()
    assert sql("SELECT state, error FROM import_job") == [("failed", "binary")]
    assert Worker(vault).carries_out() == 1

    assert [one["problem"] for one in supplier.told()] == ["binary"]
    assert shop.count("upload_chunk") == 0
