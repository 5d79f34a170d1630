"""The vault makes the checkpoints of the books and vouches for them: nobody else can write one or make its HMAC.

What it wrote is also kept in its own folder, out of the database's reach, so that a chain that was cut short or made
anew is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import peewee
import structlog
from psycopg.types.json import Jsonb

from core.custody.keychain.keys import OpenVault
from core.db import atomic, constraint, execute, sqlstate
from core.fulfilment.checks import all_parts
from core.fulfilment.totals import compare, totals
from core.ledger import checkpoints as books
from core.ledger.checkpoints import GENESIS, START, Checkpoint, Period
from core.payments.checking import count_since
from core.payments.moving import last_checkpoint
from core.stock.counting import COUNT_BATCHES
from core.vault.book_requests import Vouched
from core.vault.primitives import framed

EVERY = timedelta(hours=1)
CHUNK = 1_000_000
"""Ids in a period at most, so that a reading of one period is a short transaction."""

LOOK_EVERY = 60.0  # seconds between two looks whether a checkpoint is due
LOCK = 7120  # shared by every transaction that has added a transfer
PATIENCE_MS = 200  # while this waits for the lock, whoever adds a transfer waits behind it
TRIES = 6
_PAUSE = 0.05  # seconds, doubled with each try

NO_LOCK_IN_TIME = "55P03"

INSERT = f"""
INSERT INTO checkpoint ({books.COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""  # noqa: S608 - constants of this module only
MARK = """
INSERT INTO checkpoint_balance (account_id, number, balance)
SELECT moved.id, %(number)s, moved.change + coalesce((
    SELECT before.balance FROM checkpoint_balance before WHERE before.account_id = moved.id
    ORDER BY before.number DESC LIMIT 1), 0)
FROM (SELECT id, sum(change)::bigint AS change
      FROM (SELECT debit_id AS id, -amount AS change FROM transfer WHERE id > %(after)s AND id <= %(upto)s
            UNION ALL SELECT credit_id, amount FROM transfer WHERE id > %(after)s AND id <= %(upto)s) AS both_sides
      GROUP BY id) AS moved
"""
"""The new balance of every account that a period moved."""

LAST_NUMBERS = """
SELECT coalesce(max(id), 0), coalesce(pg_sequence_last_value('transfer_id_seq'), 0) FROM transfer
"""
"""The greatest id that there is, and the greatest that was given out."""

log = structlog.get_logger()


class HorizonBusy(Exception):
    """Transfers were under way all the time; the next look tries again."""


class NumberAhead(Exception):
    """A transfer has a number that its sequence never gave out: no period may reach it until a person looked."""


class ChainBroken(Exception):
    """The chain in the database is not the one that this vault wrote: nothing is added to it until a person looked."""


def horizon() -> int:
    """The greatest transfer id below which nothing is under way. Raises `HorizonBusy`, `NumberAhead`.

    Every statement that adds transfers holds the lock shared until its commit, so that whoever has it alone sees all
    ids that were given out. The id is read by a statement of its own: one that waited for the lock would look at the
    moment before.
    """
    for attempt in range(TRIES):
        try:
            with atomic():
                execute(f"SET LOCAL lock_timeout = '{PATIENCE_MS}ms'")
                execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                last, given_out = execute(LAST_NUMBERS)[0]
                if last > given_out:
                    raise NumberAhead
                return int(last)
        except peewee.OperationalError as error:
            if sqlstate(error) != NO_LOCK_IN_TIME:
                raise
        time.sleep(random.uniform(0.5, 1.5) * _PAUSE * 2**attempt)  # noqa: S311 - jitter, not a secret
    raise HorizonBusy


class Checkpointer:
    """Makes and checks checkpoints with a key that comes from the vault's audit key."""

    def __init__(self, *, audit_key: bytes, vault_id: UUID, folder: Path) -> None:
        self._key = hmac.new(audit_key, framed("keystall checkpoints", vault_id), hashlib.sha256).digest()
        self._kept = KeptChain(folder / "checkpoints.log")

    def run(self, now: datetime) -> int:
        """Make what is due: one an hour, or as soon as a period is full. Returns how many.

        Raises `HorizonBusy`, `NumberAhead`, `ChainBroken`.
        """
        made, last = 0, self._last()
        upto = horizon() if last is None or self._may_be_due(last, now) else 0
        while last is None or upto - last.last_transfer_id >= CHUNK or now - last.at >= EVERY or now < last.at - EVERY:
            after = last.last_transfer_id if last else START
            end = min(upto, max(after, 0) + CHUNK)
            written = self._write(last, Period(after, max(after, end)), now, counted_before=made > 0)
            if written is None:
                break
            made, last = made + 1, written
        return made

    def vouch(self) -> Vouched:
        """Check the whole chain: each link, each HMAC, and what this vault kept of it."""
        chain = books.chain()
        broken = books.first_broken(chain)
        if broken is not None:
            return Vouched(len(chain), broken, "it does not follow the one before it")
        for one in chain:
            if not hmac.compare_digest(one.hmac, self._hmac(one)):
                return Vouched(len(chain), one.number, "this vault did not seal it")
        kept = self._kept.last()
        if kept is None or (len(chain) >= kept[0] and hmac.compare_digest(chain[kept[0] - 1].hash, kept[1])):
            return Vouched(len(chain), None, "")
        lost = f"this vault wrote {kept[0]} checkpoints, and the last of them is not there"
        return Vouched(len(chain), min(kept[0], len(chain) + 1), lost)

    def answer(self) -> dict[str, Any]:
        """What `vouch` found, as it goes over the vault's socket."""
        return {"ok": True} | asdict(self.vouch())

    def put_aside(self, epoch: UUID) -> str | None:
        """Begin the record anew where a restored database lacks what it ends with; the name that the old one then has.

        A person's act, at the end of a restore: until then, and without one, that is a chain that somebody cut.
        """
        kept = self._kept.last()
        return self._kept.put_aside(f"before-{epoch}", is_due=kept is not None and not _is_there(*kept))

    def _may_be_due(self, last: Checkpoint, now: datetime) -> bool:
        full = execute("SELECT coalesce(max(id), 0) FROM transfer")[0][0] - last.last_transfer_id >= CHUNK
        return bool(full) or now - last.at >= EVERY or now < last.at - EVERY

    def _last(self) -> Checkpoint | None:
        """The end of the chain, if it is the one that this vault wrote. Raises `ChainBroken`."""
        last, kept = books.latest(), self._kept.last()
        if last is not None and not hmac.compare_digest(last.hmac, self._hmac(last)):
            raise ChainBroken
        if kept is not None and not _is_there(*kept):
            raise ChainBroken
        return last

    def _write(
        self, last: Checkpoint | None, period: Period, now: datetime, *, counted_before: bool
    ) -> Checkpoint | None:
        """Add one checkpoint; None when another vault was faster."""
        try:
            with atomic():
                execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                execute("SET LOCAL statement_timeout = '10min'")
                one = self._sealed(last, period, now, counted_before=counted_before)
                values = (one.number, one.at, one.last_transfer_id, one.last_audit_id, one.transfers)
                hashes = (one.chunk_hash, one.lines_hash, one.balances_hash, one.previous_hash, one.hmac)
                execute(INSERT, (*values, Jsonb(one.sums), Jsonb(one.counts), Jsonb(one.totals), *hashes))
        except peewee.IntegrityError as error:
            if constraint(error) not in ("checkpoint_pkey", "checkpoint_follows", "checkpoint_balance_pkey"):
                raise
            return None
        self._kept.append(one)
        log.info("a checkpoint was made", number=one.number, transfers=one.transfers)
        return one

    def _sealed(self, last: Checkpoint | None, period: Period, now: datetime, *, counted_before: bool) -> Checkpoint:
        number, asked = (last.number if last else 0) + 1, period.params()
        # The first of several in a row has counted all that came since the one before: the next need not do it again,
        # and keeps no batch that the totals which it takes over do not have.
        counts = {} if counted_before else _count_violations(last)
        execute(MARK, asked | {"number": number})
        if not counted_before:
            execute(COUNT_BATCHES, {"number": number})
        transfers, chunk = execute(books.TRANSFERS, asked)[0]
        unsealed = Checkpoint(
            number=number,
            at=now,
            last_transfer_id=period.upto,
            last_audit_id=int(execute("SELECT coalesce(max(id), 0) FROM audit_entry")[0][0]),
            transfers=int(transfers),
            sums=execute(books.SUMS, asked)[0][0],
            counts=counts,
            totals=last.totals if last and counted_before else totals(number=number, at=now),
            chunk_hash=bytes(chunk),
            lines_hash=bytes(execute(books.LINES, asked)[0][0]),
            balances_hash=bytes(execute(books.BALANCES, {"number": number})[0][0]),
            previous_hash=last.hash if last else GENESIS,
        )
        return replace(unsealed, hmac=self._hmac(unsealed))

    def _hmac(self, one: Checkpoint) -> bytes:
        return hmac.new(self._key, one.hash, hashlib.sha256).digest()


def _count_violations(last: Checkpoint | None) -> dict[str, int]:
    """Of each invariant, among all that can have changed since the last checkpoint; and what that had sealed."""
    found = count_since(all_parts(), last_checkpoint())
    for differing in compare(last).differing if last else ():
        found[differing.invariant] += 1
    return dict(found)


def _is_there(number: int, expected: bytes) -> bool:
    rows = execute(books.ONE, (number,))
    return bool(rows) and hmac.compare_digest(books.read(rows[0]).hash, expected)


def checkpointer(vault: OpenVault, folder: Path) -> Checkpointer:
    """Of an open vault; `folder` is its own."""
    return Checkpointer(audit_key=vault.keys.audit, vault_id=vault.vault_id, folder=folder)


class KeptChain:
    """The vault's own record of its checkpoints: one JSON object a line, on the disk before it is relied on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, one: Checkpoint) -> None:
        """Keep number and hash. Raises OSError."""
        raw = b"\n" + json.dumps({"number": one.number, "hash": one.hash.hex()}).encode() + b"\n"  # ends a torn line
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.write(file, raw) != len(raw):
                raise OSError(28, "the record of checkpoints was cut short")
            os.fsync(file)
        finally:
            os.close(file)

    def put_aside(self, suffix: str, *, is_due: bool) -> str | None:
        """Rename it if that is due; its new name, also where that was done before. Raises OSError."""
        aside = self._path.with_name(f"{self._path.name}.{suffix}")
        if is_due:
            self._path.rename(aside)
        return aside.name if aside.exists() else None

    def last(self) -> tuple[int, bytes] | None:
        """Number and hash of the last one kept; None when none was. A last line that was cut short does not count."""
        if not self._path.exists():
            return None
        lines: Sequence[bytes] = self._path.read_bytes()[-1024:].split(b"\n")[:-1]
        for line in reversed(lines):
            try:
                kept = json.loads(line)
                return int(kept["number"]), bytes.fromhex(kept["hash"])
            except (ValueError, KeyError, TypeError):
                continue
        return None
