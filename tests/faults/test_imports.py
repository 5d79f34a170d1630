"""Imports under trouble: killed at any step, beside each other, with most rows bad."""

from __future__ import annotations

import io
import random
import threading
import time
from array import array
from collections.abc import Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from psycopg import Connection, connect
from psycopg.errors import DeadlockDetected, UniqueViolation

from core import db
from core.config import Config
from core.custody.imports import importing
from core.custody.imports.fingerprint import CardRule
from core.custody.imports.import_sql import COPY_CARDS, COPY_SEALS, KNOWN
from core.custody.imports.preparing import Chunk, Job, Preparer
from core.ids import new_id
from core.vault.client import ImportReport
from core.vault.uploads import upload_file
from tests.builders import NOON, Shop
from tests.support.crash import run_until
from tests.support.imports import bring, codes
from tests.support.supplier_files import game_codes
from tests.support.vaults import desk_vault, vault_process


@pytest.fixture
def shop(store_db: Any, sql: Any) -> Shop:
    shop = Shop(sql)
    shop.a_sku("B1", case_sensitive=False)
    assert shop.merchant
    return shop


def test_fault_5_killed_before_any_statement_an_import_is_absent_or_goes_on_to_its_end(
    shop: Shop, config: Config, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 12)
    vault, public = desk_vault(config), config.secret(config.vault.public_key).reveal()
    got_through, step, resumed = False, 0, 0
    while not got_through:
        step += 1
        file = game_codes(seed=1000 + step)
        upload = upload_file(
            file=io.BytesIO(file.raw), name=file.name, owner_id=shop.merchant, vault_public=public, now=NOON
        )
        request = {"op": "import", "upload": str(upload), "sku": "B1", "unit_cost_micro": 0}

        def work(request: dict[str, Any] = request) -> None:
            assert vault.at_the_desk.unconnected(request)["ok"]

        got_through = run_until(work, url=config.database.roles.vault, at=step)
        db.connect(config.database.roles.shop, size=4)
        begun = sql("SELECT state FROM batch WHERE upload_id = %s", [upload])
        resumed += begun == [("importing",)]
        vault.resume()

        cards = sql(
            "SELECT count(*)::int FROM card c JOIN batch b ON b.no = c.batch_no WHERE b.upload_id = %s", [upload]
        )
        after = sql("SELECT state, card_count FROM batch WHERE upload_id = %s", [upload])
        done = sql("SELECT state, added, duplicates, refused, rows_done FROM import_job WHERE upload_id = %s", [upload])
        if begun:
            assert (cards, after, done) == ([(50,)], [("selling", 50)], [("done", 50, 3, 0, 53)])
        else:
            assert (cards, after, done) == ([(0,)], [], [])
    assert resumed > 10


def test_fault_109_two_imports_of_the_same_cards_in_other_order_count_each_card_once(
    shop: Shop, config: Config, sql: Any
) -> None:
    rnd = random.Random(7)
    secrets = [f"{rnd.randrange(16**20):020X}" for _ in range(6000)]
    turned = ["\n".join(secrets).encode(), "\n".join(reversed(secrets)).encode()]
    with vault_process(config) as vault:
        reports: list[ImportReport] = []
        together = threading.Barrier(2)

        def bring(raw: bytes) -> None:
            together.wait()
            reports.append(vault.import_bytes(raw, "codes.txt", owner=shop.merchant, sku="B1"))

        threads = [threading.Thread(target=bring, args=(raw,)) for raw in turned]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)

    assert sum(report.added for report in reports) == 6000
    assert sum(report.duplicates for report in reports) == 6000
    assert sql("SELECT count(*)::int, count(DISTINCT fingerprint)::int FROM card_seal") == [(6000, 6000)]


def a_job(shop: Shop) -> Job:
    return Job(
        **dict.fromkeys(("upload_key", "file_name", "column", "upload"), ""),
        **dict.fromkeys(("id", "batch"), new_id()),
        batch_no=shop.a_batch("B1", cards=0),
        batch_key=b"k" * 32,
        sku_id=shop.a_sku("B1"),
        issuer_id=shop.sql("SELECT issuer_id FROM sku WHERE code = 'B1'")[0][0],
        rule=CardRule(True, True, False),
        owner_id=shop.merchant,
        uploader_id=shop.merchant,
        terms="own",
        unit_cost_micro=0,
    )


def a_chunk(secrets: Sequence[str], job: Job) -> Chunk:
    """Cards as the vault makes them ready for the database; the same secrets have the same fingerprints."""
    keys = SimpleNamespace(fingerprint=b"fingerprint".ljust(32))
    vault: Any = SimpleNamespace(vault_id=job.id, keys=keys)
    rows = iter([[number, secret] for number, secret in enumerate(secrets)])
    return Preparer(vault, job, ("secret",), today=NOON.date()).chunk(rows, len(secrets), done=0)


def copied(connection: Connection[tuple[Any, ...]], chunk: Chunk, contested: Container[int]) -> None:
    for statement, rows in ((COPY_CARDS, chunk.cards), (COPY_SEALS, chunk.seals)):
        with connection.cursor().copy(statement.encode()) as copy:
            for part in rows(set(), contested):
                copy.write(part)


def waits(shop: Shop, connection: Connection[tuple[Any, ...]]) -> bool:
    blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    end = time.monotonic() + 10
    while not (found := shop.sql(blocked, [connection.info.backend_pid], role="superuser")[0][0]):
        if time.monotonic() > end:
            break
        time.sleep(0.005)
    return bool(found)


def two_imports_that_overlap(shop: Shop, urls: dict[str, str], contested: Container[int]) -> list[str]:
    """Two transactions bring the same cards, there and back, while a third holds the middle one until both wait.

    Nothing is tried again: "added", or the name of what ended it.
    """
    job = a_job(shop)
    secrets = [f"CODE-{number}" for number in range(40)]
    middle = secrets[a_chunk(secrets, job).order[20]]

    def bring(connection: Connection[tuple[Any, ...]], chosen: Sequence[str]) -> str:
        try:
            copied(connection, a_chunk(chosen, job), contested)
            connection.commit()
        except (DeadlockDetected, UniqueViolation) as error:
            connection.rollback()
            return type(error).__name__
        return "added"

    with connect(urls["vault"]) as holder, connect(urls["vault"]) as there, connect(urls["vault"]) as back:
        copied(holder, a_chunk([middle], job), contested)
        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(bring, there, secrets)]
            met = [waits(shop, there)]
            running.append(threads.submit(bring, back, secrets[::-1]))
            met.append(waits(shop, back))
            holder.rollback()
            ended = [one.result(30) for one in running]
    assert met == [True, True]
    return ended


KINDS = pytest.mark.parametrize("contested", [(), range(40)], ids=["new", "contested"])


@KINDS
def test_fault_109_imports_that_overlap_wait_for_each_other_and_never_deadlock(
    shop: Shop, urls: dict[str, str], contested: Container[int]
) -> None:
    """The later one hears that its cards are taken, and goes again: see the tests below."""
    assert two_imports_that_overlap(shop, urls, contested) == ["added", "UniqueViolation"]


@KINDS
def test_fault_109_control_without_the_order_of_fingerprints_one_of_them_is_lost(
    shop: Shop, urls: dict[str, str], contested: Container[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order = Chunk.put_in_order

    def in_the_files_order(chunk: Chunk) -> None:
        in_order(chunk)
        if len(chunk.order) > 1:
            number, print_of = {}, {}
            for place, n in enumerate(chunk.order):
                number[place], print_of[n] = n, chunk.prints[32 * place : 32 * place + 32]
            others = sorted(set(chunk.order) - {number[20]})  # the one that is held comes in the middle of both
            chunk.order = array("I", [*others[:20], number[20], *others[20:]])
            chunk.prints = b"".join(print_of[n] for n in chunk.order)

    monkeypatch.setattr(Chunk, "put_in_order", in_the_files_order)

    assert sorted(two_imports_that_overlap(shop, urls, contested)) == ["DeadlockDetected", "added"]


@pytest.mark.parametrize(("by", "counted"), [("brand1", (59, 1)), ("agent1", (60, 0))], ids=["own", "another party's"])
def test_fault_109_a_card_that_another_import_brings_at_that_moment_is_counted_as_if_it_had_been_there(
    shop: Shop, config: Config, sql: Any, monkeypatch: pytest.MonkeyPatch, by: str, counted: tuple[int, int]
) -> None:
    vault, asked = desk_vault(config), list[Any]()
    bring(vault, shop, codes(count=1), by="brand1")
    sql("UPDATE card_seal SET fingerprint = 'not yet'::bytea || fingerprint", role="superuser")

    def execute(statement: str, params: Any = ()) -> Any:
        found = db.execute(statement, params)
        if statement == KNOWN:
            asked.append(found)
            if len(asked) == 1:  # another import commits between the look and the cards
                sql("UPDATE card_seal SET fingerprint = substring(fingerprint FROM 8)", role="superuser")
        return found

    monkeypatch.setattr(importing, "execute", execute)

    report = bring(vault, shop, codes(), by=by)

    assert (report.added, report.duplicates) == counted
    assert [len(found) for found in asked] == [0, 1]
    assert sql("SELECT state, count(*)::int FROM card GROUP BY state ORDER BY state") == (
        [("free", 60)] if by == "brand1" else [("free", 60), ("quarantined", 1)]
    )
    assert sql("SELECT count(DISTINCT fingerprint)::int FROM card_seal") == [(60,)]


@pytest.mark.slow
def test_fault_73_a_hundred_thousand_rows_with_bad_ones_take_less_than_half_a_minute(
    shop: Shop, config: Config, sql: Any
) -> None:
    rows = [f"{number:06},{'' if number % 10 < 3 else f'CODE-{number:08}'},2027-12-31" for number in range(100_000)]
    raw = ("卡号,卡密,有效期\r\n" + "\r\n".join(rows)).encode("gb18030")
    with vault_process(config) as vault:
        report = vault.import_bytes(raw, "large.csv", owner=shop.merchant, sku="B1")
        process = vault.supervisor.children[0].process
        assert process is not None
        used = psutil.Process(process.pid).cpu_times()

    assert (report.added, report.duplicates, report.refused) == (70_000, 0, 30_000)
    assert (len(report.refusals), report.refusals[0].place) == (1000, "row 2, 卡密")
    assert sql("SELECT count(*)::int FROM import_refusal") == [(30_000,)]
    # Processor time of the vault and its decoder: what half a minute means on a machine that does other things too.
    assert used.user + used.system + used.children_user + used.children_system < 30
