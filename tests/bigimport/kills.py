"""`python -m tests.bigimport.kills [ROWS] [TIMES]`: kill -9 of the vault at a random row of an import, over and over.

Each time nothing of the batch may be on sale while it is not whole, and after the restart it must end with every card
of its file exactly once. 1 when it did not.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from typing import Any

import psycopg

from core.config import Config
from core.custody.imports.importing import CHUNK_ROWS
from core.vault.client import ImportOrder, VaultAway, VaultRefused
from core.vault.uploads import upload_file
from ops.bench.imports.files import text_file
from ops.processes.vault_wiring import operators_vault
from ops.races.trial import Trial, trial

LONGEST = 600.0  # seconds until an import must be at its end
_JOB = """
SELECT j.state, j.rows_done, b.state, (SELECT count(*) FROM card c WHERE c.batch_no = b.no),
       (SELECT count(*) FROM card c WHERE c.batch_no = b.no AND b.state = 'selling'), j.added
FROM import_job j JOIN batch b ON b.id = j.batch_id WHERE j.upload_id = %s
"""
_STANDS = "SELECT state, rows_done FROM import_job WHERE upload_id = %s"
_TWICE = "SELECT count(*) - count(DISTINCT fingerprint) FROM card_seal"


def main(rows: int, times: int) -> int:
    """Kill `times` times and print what was found each time."""
    rnd, wrong = random.Random(5), 0
    with trial(Config(), cards=100, names=("vault",)) as store:
        for number in range(times):
            wrong += not _one(store, number, rows, at=rnd.randrange(max(1, rows - 2 * CHUNK_ROWS)))
    print(f"killed {times}  wrong {wrong}")
    return int(wrong > 0)


def _one(store: Trial, number: int, rows: int, *, at: int) -> bool:
    path = store.config.data_dir / "killed.csv"
    text_file(path, rows, seed=200 + number)
    public = store.config.secret(store.config.vault.public_key).reveal()
    with path.open("rb") as file:
        upload = upload_file(
            file=file, name=path.name, owner_id=store.merchant_id, vault_public=public, now=store.clock.now()
        )
    asking = threading.Thread(target=_ask, args=(store, upload), daemon=True)
    while not store.running.supervisor.children[0].is_ready:  # again, after the last kill
        store.running.supervisor.step(0.05)
    with psycopg.connect(store.config.database.url, autocommit=True) as looking:
        asking.start()
        _wait(store, looking, upload, lambda row: row[1] >= at or row[0] != "running")
        time.sleep(random.random() * 0.2)
        vault = store.running.supervisor.children[0].process
        assert vault is not None
        os.kill(vault.pid, signal.SIGKILL)
        vault.wait()
        stood = looking.execute(_JOB, [upload]).fetchone()
        asking.join(30)
        _wait(store, looking, upload, lambda row: row[0] == "done")
        ended = looking.execute(_JOB, [upload]).fetchone()
        twice = looking.execute(_TWICE).fetchone()
    assert stood is not None
    assert ended is not None
    assert twice is not None
    half = stood[2] == "selling" and stood[3] != rows
    right = not half and ended[2:] == ("selling", rows, rows, rows) and twice == (0,)
    print(f"{number + 1:3}  killed at row {stood[1]:7} ({stood[2]})  ended with {ended[3]} cards  {right}", flush=True)
    return right


def _ask(store: Trial, upload: Any) -> None:
    try:
        operators_vault(store.config).import_upload(ImportOrder(upload=upload, sku="A1"))
    except (VaultAway, VaultRefused):
        return  # it was killed: that is the point


def _wait(store: Trial, looking: psycopg.Connection[Any], upload: Any, enough: Any) -> None:
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        store.running.supervisor.step(0.01)  # starts again what was killed
        row = looking.execute(_STANDS, [upload]).fetchone()
        if row is not None and enough(row):
            return
    raise SystemExit(f"the import of {upload} came to no end")


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(main(*(given + [100_000, 20][len(given) :])))
