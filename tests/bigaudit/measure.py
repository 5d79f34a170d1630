"""Measures the chain on a database of its own: a million entries at once, and a shop that writes while it is linked."""

from __future__ import annotations

import os
import resource
import signal
import statistics
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from core.custody.chains.auditing import Auditor

FILL = """
INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
SELECT now(), 'system', gen_random_uuid(), 1, 'order.placed', 'order', gen_random_uuid()::text,
       jsonb_build_object('lines', 1, 'delivery', gen_random_uuid())
FROM generate_series(1, %s)
"""
ENTRY = FILL.replace("%s", "1")


@dataclass(frozen=True)
class Costs:
    """Seconds per million entries to link and to read again, what reading added to the memory (MB), what it found."""

    link: float
    read: float
    memory: float
    entries: int
    broken: int


def costs(auditor: Auditor, url: str, count: int) -> Costs:
    """Fill in `count` entries, link them, read them again; `core.db` is connected as the vault."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, (count,))
    began = time.perf_counter()
    linked = 0
    while linked < count:
        linked += auditor.chainer.link_new(datetime.now(UTC))
    middle, before = time.perf_counter(), resident()
    verdict = auditor.answer({"act": "verify"}, lambda done, about: None)
    ended = time.perf_counter()
    scale = 1_000_000 / count
    return Costs(
        (middle - began) * scale, (ended - middle) * scale, resident() - before, verdict["entries"], verdict["broken"]
    )


def writing_rates(vault: int, url: str, *, pace: float, seconds: float, rounds: int) -> tuple[float, float]:
    """Milliseconds that 4 sessions take to write an entry, without and with the vault process `vault`; medians.

    Together they write `pace` entries a second: what a busy shop does, not all that the machine can.
    """
    alone, beside = [], []
    for _ in range(rounds):
        os.kill(vault, signal.SIGSTOP)
        alone.append(_took(url, pace, seconds))
        os.kill(vault, signal.SIGCONT)
        time.sleep(3)  # until it has linked what was written meanwhile
        beside.append(_took(url, pace, seconds))
    return statistics.median(alone), statistics.median(beside)


def resident() -> float:
    """The greatest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _took(url: str, pace: float, seconds: float) -> float:
    took: list[list[float]] = [[] for _ in range(4)]

    def write(place: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            end = time.perf_counter() + seconds
            while (began := time.perf_counter()) < end:
                connection.execute(ENTRY)
                took[place].append(time.perf_counter() - began)
                time.sleep(max(0.0, began + 4 / pace - time.perf_counter()))

    threads = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1000 * statistics.mean(one for each in took for one in each)
