"""Imports through a real store, in pairs with a bare connection: each process's greatest memory, and the ratio."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import psycopg

from core.config import Config
from core.custody.imports.importing import CHUNK_ROWS
from core.vault.client import ImportOrder
from core.vault.uploads import upload_file
from ops.bench.figures import Figure
from ops.bench.imports import bare
from ops.bench.imports.files import text_file, workbook_file
from ops.bench.imports.watch import parent_of, peak_of, peaks, processor_of
from ops.processes.vault_wiring import operators_vault
from ops.races.trial import Trial, trial

ROWS, PAIRS = 1_000_000, 5
MOST_MEGABYTES = 100.0
LEAST_RATIO = 0.8
RATIO = "rows a second, sealed, to a bare COPY with ON CONFLICT"
ROOT = Path(__file__).resolve().parents[3]
_LARGEST_SHEET = 1_048_575
_LAST = "SELECT max(no) FROM batch"
Say = Callable[[str], None]
Kind = tuple[str, Callable[[Path, int, int], None]]


def measured(config: Config, say: Say, *, rows: int = ROWS, pairs: int = PAIRS) -> list[Figure]:
    """Files of a tenth of the rows and of all of them, as CSV and XLSX, then the pairs; minutes at full size."""
    with trial(config, cards=100, names=("vault",)) as store:
        beside = paired(store, rows=max(rows // pairs, CHUNK_ROWS), pairs=pairs, say=say)  # first: both begin empty
        sizes = [rows // 10, rows, rows // 10, min(rows, _LARGEST_SHEET)]
        kinds: Sequence[Kind] = [("CSV", text_file)] * 2 + [("XLSX", workbook_file)] * 2
        found = []
        for seed, (size, (kind, write)) in enumerate(zip(sizes, kinds, strict=True), start=1):
            greatest = memory(store, kind, write, size, seed=seed, say=say)
            what = f"greatest memory of a process, {size:,} rows of {kind}"
            found.append(Figure("imports", what, greatest, "MB", MOST_MEGABYTES))
    return [*found, *beside]


def memory(
    store: Trial, kind: str, write: Callable[[Path, int, int], None], rows: int, *, seed: int, say: Say
) -> float:
    """Import one file by the command and return the greatest peak of its processes in MB. Raises RuntimeError."""
    path = store.config.data_dir / f"cards-{seed}.{kind.lower()}"
    write(path, rows, seed)
    size = path.stat().st_size / 2**20
    with peaks(vault_of(store)) as found:
        began = time.monotonic()
        said = _command(store, path, found)
        took = time.monotonic() - began
    path.unlink()
    if f"added {rows}  duplicates 0" not in said:
        raise RuntimeError(f"the import of {rows} rows went wrong: {said}")
    listed = "  ".join(f"{name} {peak:.0f} MB" for name, peak in sorted(found.items()))
    say(f"{kind:5}{rows:>9} rows  {size:4.0f} MB file  {rows / took:>7.0f} rows/s  {listed}")
    return max(found.values())


def _command(store: Trial, path: Path, found: dict[str, float]) -> str:
    environment = os.environ | {"KEYSTALL_STORE__DATA_DIR": str(store.config.data_dir)}
    words = [sys.executable, str(ROOT / "run.py"), "import", str(path), "--batch-of", "A1"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            found["command"] = max(found.get("command", 0.0), peak_of(process.pid))
            time.sleep(0.05)
        said = process.stdout.read().decode() if process.stdout else ""
    return re.sub(r"\s+$", "", said)


def vault_of(store: Trial) -> int:
    """The process id of the store's vault."""
    process = store.running.supervisor.children[0].process
    if process is None:
        raise RuntimeError("the vault of the bench is not there")
    return process.pid


def paired(store: Trial, *, rows: int, pairs: int, say: Say) -> list[Figure]:
    """Medians over pairs of the same rows, ours and the bare connection's; both fill tables that were empty before.

    Processor time is said beside the rate, since a rate of two processes beside others is one of the machine's mood.
    """
    url, ratios, spent_by, idle = store.config.database.url, list[float](), list[list[float]](), _idle(store)
    for pair in range(pairs):
        path = store.config.data_dir / "pair.csv"
        text_file(path, rows, seed=100 + pair)
        upload = _uploaded(store, path)
        before = _processor(store)
        ours = _imported_in(store, upload)
        spent = [(after - was) / rows * 1e6 for was, after in zip(before, _processor(store), strict=True)]
        spent[0] -= idle * ours / rows * 1e6
        with psycopg.connect(url) as connection:
            batch = connection.execute(_LAST).fetchone()[0]  # type: ignore[index]
        chunks = bare.chunks_of(url, batch, CHUNK_ROWS)
        before = _processor(store)
        theirs = bare.seconds(url, batch, chunks, anew=pair == 0)
        bare_spent = (_processor(store)[0] - before[0] - idle * theirs) / rows * 1e6
        ratios.append(theirs / ours)
        spent_by.append([*spent, bare_spent])
        say(f"pair {pair + 1}: ours {rows / ours:.0f} rows/s, bare {rows / theirs:.0f}, {ratios[-1]:.2f}")
        named = "database {:.1f}  vault {:.1f}  decoder {:.1f}".format(*spent)
        say(f"        µs of processor time a row: {named}; bare: database {bare_spent:.1f}")
        path.unlink()
    medians = [statistics.median(column) for column in zip(*spent_by, strict=True)]
    told = ("the database", "the vault", "the decoder", "the database for a bare COPY")
    return [
        Figure("imports", RATIO, statistics.median(ratios), "", LEAST_RATIO, at_most=False),
        *(
            Figure("imports", f"processor time of {one} a row", spent, "µs")
            for one, spent in zip(told, medians, strict=True)
        ),
    ]


def _idle(store: Trial) -> float:
    """Seconds of the database's processor time a second while nothing is imported: what the store does by itself."""
    before = _processor(store)[0]
    time.sleep(5)
    return (_processor(store)[0] - before) / 5


def _processor(store: Trial) -> tuple[float, float, float]:
    """Seconds of processor time so far: the database's, the vault's, its decoders'."""
    with psycopg.connect(store.config.database.url) as connection:
        database = processor_of(parent_of(connection.info.backend_pid))
    return (sum(database), *processor_of(vault_of(store)))


def _uploaded(store: Trial, path: Path) -> UUID:
    """The sealed upload, which the bare connection does without."""
    public = store.config.secret(store.config.vault.public_key).reveal()
    with path.open("rb") as file:
        return upload_file(
            file=file, name=path.name, owner_id=store.merchant_id, vault_public=public, now=store.clock.now()
        )


def _imported_in(store: Trial, upload: UUID) -> float:
    """Seconds from the request to the vault until its batch is on sale."""
    began = time.monotonic()
    operators_vault(store.config).import_upload(ImportOrder(upload=upload, sku="A1"))
    return time.monotonic() - began
