"""Rows that somebody with web's database password writes into the queue's table, for the worker to take."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core import db
from core.clock import DatabaseClock
from core.work import Work
from ops.processes.worker import Worker

Sql = Callable[..., list[tuple[Any, ...]]]
INSERT = "INSERT INTO keystall_task (queue, data) VALUES ('work', %s)"
_REFERENCE = "0198a7b2-0000-7000-8000-000000000001"


class RunsCode:
    """Unpickled, it makes a file: what huey's own serializer would do with a stranger's row."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


FORGED: Mapping[str, bytes] = {
    "nothing at all": b"",
    "bytes that are no text": b"\xff\xfe",
    "JSON that is no object": b"null",
    "JSON of 4,000 depths": b"[" * 4000,
    "a list in the place of names": json.dumps(["deliver", _REFERENCE]).encode(),
    "work without a reference": json.dumps({"kind": "deliver"}).encode(),
    "work of another kind: shell": json.dumps({"kind": "shell", "ref": _REFERENCE}).encode(),
    "a command as the reference": json.dumps({"kind": "deliver", "ref": "rm -rf /"}).encode(),
    "a list as the reference": json.dumps({"kind": "deliver", "ref": [_REFERENCE]}).encode(),
    "work with an argument more": json.dumps({"kind": "deliver", "ref": _REFERENCE, "args": ["rm"]}).encode(),
    "the reference in another form": json.dumps({"kind": "deliver", "ref": "{" + _REFERENCE + "}"}).encode(),
}
"""What it is -> the row; a pickle that runs code goes with them, made for the file that it would write."""


def all_of_them(mark: Path) -> dict[str, bytes]:
    """Every row; the pickle would make the file `mark`."""
    return {"a pickle that runs code": pickle.dumps(RunsCode(mark)), **FORGED}


def written(urls: Mapping[str, str], sql: Sql, mark: Path) -> dict[str, str]:
    """Write each row as web's role beside a worker; what became of it."""
    called: list[str] = []
    handlers = {kind: lambda _, kind=kind: called.append(kind.value) for kind in Work}
    handlers[Work.ALERT] = lambda _: None
    worker = Worker(
        take_url=urls["worker"],
        listen_url=urls["direct"],
        handlers=handlers,
        sweeps=[],
        clock=DatabaseClock(db.database_now),
        threads=2,
    )
    worker.start()
    try:
        found: dict[str, str] = {}
        for number, (what, row) in enumerate(all_of_them(mark).items(), start=1):
            sql(INSERT, [row], role="shop")
            found[what] = _end(sql, number, mark, called)
        return found
    finally:
        worker.stop()


def _end(sql: Sql, number: int, mark: Path, called: list[str]) -> str:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        noted = sql("SELECT count(*) FROM audit_entry WHERE action = 'queue.forged'")[0][0]
        if called or mark.exists():
            return "IT RAN"
        if noted == number:
            return "dropped, and the operator alerted"
        time.sleep(0.02)
    return "IT IS STILL THERE"
