"""Imports of a party that is suspended: those that were asked for bring nothing, those that run are taken back."""

from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.actor import OPERATOR
from core.config import Config
from core.conversations.brought_files import carry_out_taking_back
from core.custody.imports.importing import Importer
from core.parties.rules import Role
from core.settlement.suspending import reopen_party, suspend_party
from tests.builders import Shop
from tests.flows.restock.test_restock_by_panel import bring, somebody
from tests.support.imports import Left
from tests.support.restock import LINES, StaffChatter, Worker
from tests.support.vaults import DeskVault


def suspend(shop: Shop) -> None:
    suspend_party(actor=OPERATOR, party_id=shop.a_party("brand1"), reason="Complaints", now=db.database_now())


def queued(shop: Shop) -> int:
    return int(
        shop.sql("SELECT count(*) FROM keystall_task WHERE convert_from(data, 'UTF8') LIKE '%%take_back%%'")[0][0]
    )


def test_its_people_bring_nothing_by_a_chat_and_what_waited_is_not_imported_even_once_it_is_reopened(
    supplier: StaffChatter, worker: Worker, shop: Shop
) -> None:
    supplier.says(LINES)
    suspend(shop)
    assert supplier.says(LINES).uncleared is None
    reopen_party(actor=OPERATOR, party_id=shop.a_party("brand1"), now=db.database_now())

    assert worker.carries_out() == 1

    assert [(one["kind"], one["problem"]) for one in supplier.told()] == [("restock_refused", "cancelled")]
    assert (shop.count("restock"), shop.count("batch"), shop.count("card")) == (1, 0, 0)
    supplier.says(LINES, message="again")
    assert worker.carries_out() == 1
    assert shop.card_states() == {"free": 2}


def test_an_import_that_runs_is_taken_back(
    shop: Shop, vault: DeskVault, worker: Worker, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault was killed in the middle of it: nobody goes on with it, and no card of it stays."""
    keeper = somebody(shop, shop.a_party("brand1"), Role.STOCK)
    restock = bring(config, keeper, shop.a_party("brand1"), shop.a_sku("A1"), column="secret")

    def killed(*_: Any, **__: Any) -> None:
        raise Left

    with monkeypatch.context() as patched:
        patched.setattr(Importer, "_finish", killed)
        with pytest.raises(Left):
            worker.carries_out(restock)
    assert (shop.count("card"), shop.sql("SELECT state FROM import_job")) == (2, [("running",)])

    suspend(shop)
    assert queued(shop) == 1
    assert carry_out_taking_back(restock_id=restock, vault=vault.client)
    vault.resume()
    worker.carries_out(restock)

    assert (shop.count("card"), shop.count("card_seal"), shop.count("upload_chunk")) == (0, 0, 0)
    assert shop.sql("SELECT state, problem FROM restock") == [("refused", "cancelled")]
    assert shop.sql("SELECT state FROM batch") == [("abandoned",)]
