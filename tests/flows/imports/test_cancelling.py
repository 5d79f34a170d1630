"""Taking an import back: nothing of it stays, nothing of it was on sale, and the same file may come again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import db
from core.actor import OPERATOR, Actor, ActorKind
from core.config import Config
from core.custody.imports import cancelling, filling
from core.custody.imports.jobs import Job, give_up
from core.stock.imports import ImportState, imports
from core.vault.client import FileNotImported, VaultCode, VaultRefused
from core.vault.stock_requests import StockRequests
from tests.builders import NOON, Shop
from tests.support.crash import run_until
from tests.support.imports import ROWS, Left, at, bring, codes, leave
from tests.support.vaults import DeskVault

BINARY = b"\x00\x01\x02\x00" * 64
TABLES = ("card", "card_seal", "upload_chunk", "stock_event")


def cancel(batch: UUID) -> None:
    cancelling.cancel(batch, now=NOON)


def cancelled_at(row: int, vault: DeskVault, shop: Shop, by: str = "demo") -> None:
    with pytest.raises(VaultRefused) as refused:
        bring(vault, shop, codes(), by=by, progress=at(row, cancel))
    assert refused.value.vault_code is VaultCode.IMPORT_CANCELLED


@pytest.mark.parametrize("row", [20, 40])
def test_a_cancelled_import_leaves_nothing_and_its_cards_may_come_again(
    vault: DeskVault, shop: Shop, sql: Any, row: int
) -> None:
    cancelled_at(row, vault, shop)
    after = [shop.count(table) for table in TABLES]
    batch = sql("SELECT state, reason, card_count FROM batch")
    job = sql("SELECT state, added, rows_done FROM import_job")
    said = sql("SELECT action, detail FROM audit_entry")

    again = bring(vault, shop, codes())

    assert after == [0] * len(TABLES)
    assert batch == [("abandoned", "cancelled", 0)]
    assert job == [("cancelled", row, row)]
    assert said == [("batch.cancelled", {"taken_back": row})]
    assert (again.added, again.duplicates) == (ROWS, 0)
    assert shop.card_states() == {"free": ROWS}


def test_an_import_that_is_taken_back_while_its_file_is_refused_stays_cancelled(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(job: Job, *, error: str, now: datetime) -> bool:
        cancel(job.batch)
        return give_up(job, error=error, now=now)

    with pytest.raises(FileNotImported):  # the control: nobody takes it back
        bring(vault, shop, BINARY)
    monkeypatch.setattr(filling, "give_up", late)
    with pytest.raises(VaultRefused) as refused:
        bring(vault, shop, BINARY)

    assert refused.value.vault_code is VaultCode.IMPORT_CANCELLED
    assert sql("SELECT state, error FROM import_job ORDER BY id") == [("failed", "binary"), ("cancelled", None)]
    assert sql("SELECT state, reason FROM batch ORDER BY no") == [("abandoned", "binary"), ("abandoned", "cancelled")]
    assert shop.count("upload_chunk") == 0


def test_fault_5_killed_before_any_statement_a_cancellation_goes_on_to_its_end(
    vault: DeskVault, shop: Shop, sql: Any, config: Config
) -> None:
    killed, step = 0, 0
    got_through = False
    while not got_through:
        step += 1
        with pytest.raises(Left):
            bring(vault, shop, codes(), progress=at(40, leave))
        batch = sql("SELECT batch_id FROM import_job WHERE state = 'running'")[0][0]
        work = {"op": "cancel_import", "batch": str(batch)}

        def ask(request: dict[str, Any] = work) -> None:
            assert vault.at_the_desk.unconnected(request)["ok"]

        got_through = run_until(ask, url=config.database.roles.vault, at=step)
        db.connect(config.database.roles.shop, size=4)
        state = sql("SELECT state FROM import_job WHERE batch_id = %s", [batch])[0][0]
        killed += state == "cancelling"
        if state == "running":  # it was not even asked for: the import would go on
            sql("UPDATE import_job SET state = 'cancelling' WHERE batch_id = %s", [batch])
        vault.resume()

        assert sql("SELECT state FROM import_job WHERE batch_id = %s", [batch]) == [("cancelled",)]
        assert sql("SELECT state FROM batch WHERE id = %s", [batch]) == [("abandoned",)]
        assert [shop.count(table) for table in TABLES] == [0] * len(TABLES)
    assert killed > 3


def test_what_is_over_is_not_taken_back(vault: DeskVault, shop: Shop, sql: Any) -> None:
    report = bring(vault, shop, codes())
    before = shop.fingerprint()

    with pytest.raises(VaultRefused, match="on sale: lock the batch"):
        StockRequests(vault.client).cancel_import(report.batch)
    with pytest.raises(VaultRefused, match="no import"):
        StockRequests(vault.client).cancel_import(UUID(int=7))
    assert shop.fingerprint() == before


def test_a_card_is_never_deleted_but_with_an_import_that_is_taken_back(vault: DeskVault, shop: Shop, sql: Any) -> None:
    bring(vault, shop, codes())

    sql("ALTER TABLE card_seal DROP CONSTRAINT card_seal_card_id_fkey")
    for state, job in (("selling", "done"), ("importing", "running"), ("selling", "cancelling")):
        sql("UPDATE batch SET state = %s", [state])
        sql("UPDATE import_job SET state = %s", [job])
        with pytest.raises(psycopg.errors.CheckViolation, match="card is never deleted"):
            sql("DELETE FROM card")
    assert shop.card_states() == {"free": ROWS}


def test_a_card_that_was_contested_by_a_cancelled_import_can_be_given_to_the_other(
    vault: DeskVault, shop: Shop, sql: Any
) -> None:
    with pytest.raises(Left):
        bring(vault, shop, codes(), by="brand1", progress=at(20, leave))
    later = bring(vault, shop, codes(count=10), by="agent1").batch
    first = sql("SELECT batch_id FROM import_job WHERE state = 'running'")[0][0]
    assert StockRequests(vault.client).cancel_import(first) == 20

    decided = StockRequests(vault.client).decide_contested(
        batch=later, card=None, given_to="later", reason="the other import was a mistake"
    )

    assert (decided.decided, decided.held, decided.sold) == (10, 0, 0)
    assert shop.card_states() == {"free": 10}


def test_how_imports_stand_is_told_in_percent_and_rows(vault: DeskVault, shop: Shop) -> None:
    seen: list[tuple[ImportState, int, int, int, bool]] = []

    def look(done: int, about: int) -> None:
        (one,) = imports(actor=OPERATOR)
        seen.append((one.state, one.percent, one.rows_done, one.rows_about, one.can_be_cancelled))

    bring(vault, shop, codes(), progress=look)

    (one,) = imports(actor=OPERATOR)
    running = ImportState.RUNNING
    assert seen == [(running, 33, 20, 60, True), (running, 66, 40, 60, True), (running, 99, 60, 60, True)]
    assert (one.state, one.percent, one.added, one.can_be_cancelled) == (ImportState.DONE, 100, 60, False)


def test_a_party_sees_its_own_imports_and_no_others(vault: DeskVault, shop: Shop) -> None:
    bring(vault, shop, codes(), by="brand1")
    bring(vault, shop, codes(), by="agent1")

    def seen_by(code: str) -> list[str]:
        actor = Actor(ActorKind.STAFF, party_id=shop.a_party(code, "supplier"))
        return [one.party for one in imports(actor=actor)]

    assert (seen_by("brand1"), seen_by("agent1")) == (["brand1"], ["agent1"])
    assert imports(actor=Actor(ActorKind.STAFF)) == []
