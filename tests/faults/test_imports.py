"""Imports under trouble: killed at any step, beside each other, with most rows bad."""

from __future__ import annotations

import io
import os
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from psycopg import Connection, connect
from psycopg.errors import DeadlockDetected

from core import db
from core.config import Config
from core.custody.imports import importing
from core.custody.imports.import_sql import ADD_CARDS, ADD_CONTESTED, STAGING
from core.ids import new_id
from core.vault.client import ImportReport
from core.vault.uploads import upload_file
from tests.builders import NOON, Shop
from tests.support.crash import run_until
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


def staged(connection: Connection[tuple[Any, ...]], statement: str, prints: list[bytes], batch: dict[str, Any]) -> Any:
    """Stage cards of these fingerprints and say the statement; how many it added."""
    connection.execute(STAGING.encode())
    with connection.cursor().copy("COPY staged FROM STDIN") as copy:
        for place, fingerprint in enumerate(prints):
            copy.write_row((place, new_id(), b"sealed", fingerprint, "A9", None))
    return connection.execute(statement.encode(), batch).fetchall()[0][0]


def two_imports_that_overlap(shop: Shop, urls: dict[str, str], statement: str) -> list[int | str]:
    """Two transactions bring the same cards, there and back, while a third holds the middle one until both wait.

    Nothing is tried again: what each added, or the name of what ended it.
    """
    prints = sorted(os.urandom(32) for _ in range(40))
    issuer = shop.sql("SELECT issuer_id FROM sku WHERE code = 'B1'")[0][0]
    batch = {"batch_no": shop.a_batch("B1", cards=0), "owner": shop.merchant, "sku": shop.a_sku("B1"), "now": NOON}
    batch |= {"issuer": issuer, "uploader": shop.merchant, "are_left": True}

    def bring(connection: Connection[tuple[Any, ...]], chosen: list[bytes]) -> int | str:
        try:
            added = staged(connection, statement, chosen, batch)
            connection.commit()
        except DeadlockDetected as error:
            connection.rollback()
            return type(error).__name__
        return int(added)

    def waits(connection: Connection[tuple[Any, ...]]) -> bool:
        blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        end = time.monotonic() + 10
        while not (found := shop.sql(blocked, [connection.info.backend_pid], role="superuser")[0][0]):
            if time.monotonic() > end:
                break
            time.sleep(0.005)
        return bool(found)

    with connect(urls["vault"]) as holder, connect(urls["vault"]) as there, connect(urls["vault"]) as back:
        staged(holder, statement, prints[20:21], batch)
        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(bring, there, prints)]
            met = [waits(there)]
            running.append(threads.submit(bring, back, prints[::-1]))
            met.append(waits(back))
            holder.rollback()
            ended = [one.result(30) for one in running]
    assert met == [True, True]
    return ended


@pytest.mark.parametrize("statement", [ADD_CARDS, ADD_CONTESTED], ids=["new", "contested"])
def test_fault_109_imports_that_overlap_wait_for_each_other_and_never_deadlock(
    shop: Shop, urls: dict[str, str], statement: str
) -> None:
    rounds = [two_imports_that_overlap(shop, urls, statement) for _ in range(8)]

    assert rounds == [[40, 0]] * 8


@pytest.mark.parametrize("statement", [ADD_CARDS, ADD_CONTESTED], ids=["new", "contested"])
def test_fault_109_control_without_the_order_of_fingerprints_one_of_them_is_lost(
    shop: Shop, urls: dict[str, str], statement: str
) -> None:
    in_file_order = re.sub(r"ORDER BY (s\.)?fingerprint, ", "ORDER BY ", statement)

    ended = two_imports_that_overlap(shop, urls, in_file_order)

    assert sorted(ended, key=str) == [40, "DeadlockDetected"]


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
