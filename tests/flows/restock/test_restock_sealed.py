"""Fault 106: rows of restocking written or turned by SQL do nothing; what passes is asked again, and once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.parties.service import Role
from core.vault.client import VaultAway, VaultRefused
from tests.builders import NOON, Shop
from tests.support.restock import (
    LINES,
    StaffChatter,
    Worker,
    a_member,
    nothing_came,
)
from tests.support.vaults import DeskVault


def test_a_partys_own_quota_holds_in_the_vault_whoever_writes_rows(
    supplier: StaffChatter, worker: Worker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.custody.imports.restocking.FILES_A_DAY", 2)
    for n in range(3):
        supplier.says(f"补货 A1\nQUOTA-{n}")
    worker.carries_out()

    assert [one.get("problem") for one in supplier.told()] == [None, None, "too_often"]
    assert shop.count("batch") == 2


def forged_chat(shop: Shop, chat: StaffChatter) -> None:
    """A row with somebody's staff id, without the seal."""
    staff = a_member(shop, shop.a_party("brand1"), Role.OWNER)
    shop.sql(
        "INSERT INTO staff_chat (id, staff_id, party_id, conversation_id, chat_address, bound_at, seal)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, now(), decode(repeat('00', 32), 'hex'))",
        [staff, shop.a_party("brand1"), chat.talker.conversation_id, chat.account.address(chat.user)],
    )


def test_fault_106_a_row_of_its_own_binds_nobody(shop: Shop, chat: StaffChatter, vault: DeskVault) -> None:
    forged_chat(shop, chat)

    assert chat.says(LINES).uncleared is None
    assert nothing_came(shop)


def test_fault_106_somebody_elses_chat_put_in_the_place_of_a_bound_one_is_nobodys(
    supplier: StaffChatter, shop: Shop
) -> None:
    """The identity's row names another person of the platform now; what he says comes from his own chat."""
    said = supplier.says(LINES, address=supplier.account.address("6666"))

    assert said.uncleared is None
    assert nothing_came(shop)


TURNS = {
    "another SKU": "UPDATE restock SET sku_id = (SELECT id FROM sku WHERE code = 'A2')",
    "another party": "UPDATE restock SET party_id = (SELECT id FROM party WHERE code = 'demo')",
    "another cost": "UPDATE restock SET unit_cost_micro = 1",
    "another person": "UPDATE restock SET staff_id = (SELECT id FROM staff WHERE email = 'other@demo.test')",
    "another time": "UPDATE restock SET asked_at = asked_at + interval '1 second'",
    "another file": "UPDATE upload SET sealed_key = decode(repeat('00', 1168), 'hex')",
    "another owner": "UPDATE upload SET owner_id = (SELECT id FROM party WHERE code = 'demo')",
    "another column": "UPDATE restock SET secret_column = 'note'",
    "no chat": "UPDATE restock SET conversation_id = NULL",
    "no seal": "UPDATE restock SET seal = decode(repeat('00', 32), 'hex')",
}


@pytest.mark.parametrize("turned", TURNS, ids=TURNS)
def test_fault_106_a_restock_that_was_turned_by_sql_is_not_imported(
    supplier: StaffChatter, worker: Worker, shop: Shop, sql: Any, turned: str
) -> None:
    shop.a_sku("A2")
    a_member(shop, shop.a_party("brand1"), Role.OWNER, email="other@demo.test")
    supplier.says(LINES)
    sql(TURNS[turned])
    worker.carries_out()

    assert shop.sql("SELECT state, problem FROM restock") == [("refused", "lost")]
    assert [one.get("problem") for one in supplier.told()] == (["lost"] if turned != "no chat" else [])
    assert shop.count("batch") == 0


def test_the_control_of_those_turns_is_imported(supplier: StaffChatter, worker: Worker, shop: Shop) -> None:
    supplier.says(LINES)
    worker.carries_out()

    assert shop.count("batch") == 1


def test_what_passes_leaves_it_asked_and_the_sweep_asks_again(
    supplier: StaffChatter, worker: Worker, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.conversations.restocking import restocks_due

    def away(*_: Any, **__: Any) -> Any:
        raise VaultAway(what="vault")

    supplier.says(LINES)
    with monkeypatch.context() as patch:
        patch.setattr(worker.vault.client, "import_restock", away)
        with pytest.raises(VaultAway):
            worker.carries_out()

    assert sql("SELECT state FROM restock") == [("asked",)]
    sql("DELETE FROM keystall_task")
    assert restocks_due(now=NOON + timedelta(seconds=30)) == 0
    assert restocks_due(now=NOON + timedelta(seconds=61)) == 1
    assert restocks_due(now=NOON + timedelta(seconds=61)) == 0
    assert worker.carries_out() == 1
    assert [one["added"] for one in supplier.told()] == [2]


def test_the_worker_may_ask_for_no_restock_that_is_none(vault: DeskVault, shop: Shop) -> None:
    from core.ids import new_id

    with pytest.raises(VaultRefused, match="nobody asks"):
        vault.client.import_restock(new_id())
    assert nothing_came(shop)


def test_what_waited_for_days_is_imported_all_the_same(supplier: StaffChatter, worker: Worker, shop: Shop) -> None:
    """The vault's clock is months ahead of these uploads; files that nobody asked about any more would be forgotten."""
    for n in range(3):
        supplier.says(f"补货 A1\nWAIT-{n}")

    assert worker.carries_out() == 3
    assert shop.card_states() == {"free": 3}
