"""`verify --full`: reads everything again, a part at a time in short transactions, and goes on after a kill.

Each closed period is hashed anew and compared with its checkpoint; each order, event, payment and card is asked the
same questions as while it could still move. So a row that was changed after it was closed is found here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import atomic, execute
from core.fulfilment.checks import all_parts
from core.ledger import checkpoints as books
from core.ledger.checkpoints import START, Checkpoint, Period
from core.ledger.parts import BOUNDED, PAGED, Over
from core.payments.checking import NO_END, count_books, count_rows, count_transfers, pages
from core.reports.checks import all_checks

STEP = 20_000
"""Rows that are read in one transaction; a kill costs at most so many."""


class Stage(StrEnum):
    """What is read, in this order."""

    PERIODS = "periods"  # closed periods of transfers, by checkpoint
    ORDERS = "orders"
    EVENTS = "events"
    PAYMENTS = "payments"
    CARDS = "cards"
    BOOKS = "books"  # balances, what came after the last checkpoint, how many cards each batch has: last, in one moment


IDS: dict[Stage, tuple[Over, str]] = {
    Stage.ORDERS: (Over.ORDERS, "SELECT id FROM shop_order WHERE id > %s ORDER BY id LIMIT %s"),
    Stage.EVENTS: (Over.EVENTS, "SELECT id FROM payment_event WHERE id > %s ORDER BY id LIMIT %s"),
    Stage.PAYMENTS: (Over.PAYMENTS, "SELECT id FROM payment WHERE id > %s ORDER BY id LIMIT %s"),
    Stage.CARDS: (Over.CARDS, "SELECT id FROM card WHERE id > %s ORDER BY id LIMIT %s"),
}
"""The rows of each stage that come after an id."""

BY_BATCH = "SELECT batch_no, count(*) FROM card WHERE id = ANY (%s::uuid[]) GROUP BY batch_no"
WRONG_BATCHES = """
SELECT count(*) FROM batch b LEFT JOIN jsonb_each_text(%(cards)s::jsonb) AS c ON c.key = b.no::text
WHERE b.state IN ('selling', 'locked', 'recalled') AND coalesce(b.finished_at, b.created_at) < %(began)s
  AND b.card_count <> coalesce(c.value::bigint, 0)
"""
"""Batches that were finished before the reading began and have not as many cards as were imported."""

WRONG_MARKS = """
SELECT count(*)
FROM (SELECT id, sum(change)::bigint AS change
      FROM (SELECT debit_id AS id, -amount AS change FROM transfer WHERE id > %(after)s AND id <= %(upto)s
            UNION ALL SELECT credit_id, amount FROM transfer WHERE id > %(after)s AND id <= %(upto)s) AS both_sides
      GROUP BY id) AS moved
FULL JOIN (SELECT account_id AS id, balance FROM checkpoint_balance WHERE number = %(number)s) AS marked USING (id)
WHERE marked.balance IS DISTINCT FROM moved.change + coalesce((
    SELECT before.balance FROM checkpoint_balance before
    WHERE before.account_id = id AND before.number < %(number)s ORDER BY before.number DESC LIMIT 1), 0)
"""
"""Marks of a checkpoint that are not the account's mark before and what the period moved."""

WRONG_FIGURES = """
SELECT count(*)
FROM (SELECT holder, counterparty, currency, quarter, code, transfers, came, went
      FROM claim_figures(%(after)s, %(upto)s)) AS moved
FULL JOIN (SELECT holder, counterparty, currency, quarter, code, transfers, came, went
           FROM claim_quarter WHERE number = %(number)s) AS kept
     USING (holder, counterparty, currency, quarter, code)
WHERE (moved.transfers, moved.came, moved.went) IS DISTINCT FROM (kept.transfers, kept.came, kept.went)
"""
"""Figures of a checkpoint's statements that are not what its transfers say."""

READING = "SELECT began_at, stage, position, counts, cards, first_bad, upto, clean_upto, ended_at FROM full_reading"
BEGIN = """
INSERT INTO full_reading (began_at, stage, position, counts, cards, upto) VALUES (%s, 'periods', '', '{}', '{}', %s)
ON CONFLICT (one) DO UPDATE SET began_at = excluded.began_at, stage = 'periods', position = '', counts = '{}',
    cards = '{}', first_bad = NULL, upto = excluded.upto, ended_at = NULL
"""
KEEP = "UPDATE full_reading SET stage = %s, position = %s, counts = %s, cards = %s, first_bad = %s"
END = """
UPDATE full_reading SET stage = 'books', position = '', counts = %(counts)s, ended_at = %(now)s,
    clean_upto = CASE WHEN %(is_clean)s THEN upto ELSE clean_upto END
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a reading has come: what it counted, cards per batch so far, and the first period that is not as sealed.

    `upto` is the last checkpoint that it reads; `clean_upto` the last one that a reading without any finding had read.
    """

    began_at: datetime
    stage: Stage
    position: str
    counts: Counter[str]
    cards: Counter[str]
    first_bad: int | None
    upto: int
    clean_upto: int
    ended_at: datetime | None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return self.first_bad is None and not +self.counts


Told = Callable[[Stage, int, int], None]
"""Hears of the stage, how far it is (checkpoints or rows of this run), and of how many where that is known, else 0."""


def find_reading() -> Reading | None:
    """The last reading, ended or not; None when there was none."""
    rows = execute(READING)
    if not rows:
        return None
    began_at, stage, position, counts, cards, *rest = rows[0]
    return Reading(began_at, Stage(stage), position, Counter(counts), Counter(cards), *rest)


def read_everything(*, again: bool, now: datetime, told: Told) -> Reading:
    """Read all that is left of the reading that was begun, or of a new one (always `again`); returns its end.

    Its counts have every invariant that `verify` asks. Changes nothing but its own progress.
    """
    reading = find_reading()
    if again or reading is None or reading.ended_at is not None:
        last = books.latest()
        execute(BEGIN, (now, last.number if last else 0))
        reading = find_reading()
    assert reading is not None
    for stage in list(Stage)[list(Stage).index(reading.stage) :]:
        reading = replace(reading, stage=stage, position=reading.position if stage is reading.stage else "")
        for step, done, of in _steps(reading):
            reading = step
            execute(KEEP, (reading.stage, reading.position, *_figures(reading), reading.first_bad))
            told(stage, done, of)
    execute(END, {"counts": Jsonb(reading.counts), "now": now, "is_clean": reading.is_clean})
    return replace(reading, ended_at=now)


def _steps(reading: Reading) -> Iterator[tuple[Reading, int, int]]:
    """The reading after each step of its stage."""
    if reading.stage is Stage.PERIODS:
        return _read_periods(reading)
    if reading.stage is Stage.BOOKS:
        return iter([(_read_books(reading), 1, 1)])
    return _read_rows(reading)


def _read_periods(reading: Reading) -> Iterator[tuple[Reading, int, int]]:
    done, last = int(reading.position or 0), START
    for one in books.chain()[: reading.upto]:
        period = Period(last, one.last_transfer_id)
        last = one.last_transfer_id
        if one.number <= done:
            continue
        with _moment():
            found, is_sound = _period(one, period)
        first_bad = reading.first_bad if is_sound else min(reading.first_bad or one.number, one.number)
        reading = replace(reading, position=str(one.number), counts=reading.counts + found, first_bad=first_bad)
        yield reading, one.number, reading.upto


def _period(one: Checkpoint, period: Period) -> tuple[Counter[str], bool]:
    """What a period's transfers violate, and whether they, their lines and figures are as they were sealed."""
    asked = period.params() | {"number": one.number}
    found = count_transfers(all_parts(), after=period.after, upto=period.upto)
    found["INV-M3"] += int(execute(WRONG_MARKS, asked)[0][0])
    transfers, chunk = execute(books.TRANSFERS, asked)[0]
    lines, balances = (bytes(execute(text, asked)[0][0]) for text in (books.LINES, books.BALANCES))
    now = (int(transfers), bytes(chunk), lines, balances, execute(books.SUMS, asked)[0][0])
    sealed = (one.transfers, one.chunk_hash, one.lines_hash, one.balances_hash, one.sums)
    return found, now == sealed and execute(WRONG_FIGURES, asked)[0][0] == 0


def _read_rows(reading: Reading) -> Iterator[tuple[Reading, int, int]]:
    over, text = IDS[reading.stage]
    rows, done = PAGED if reading.stage is Stage.CARDS else BOUNDED, 0
    while True:
        with _moment():
            ids = [row[0] for row in execute(text, (UUID(reading.position or "0" * 32), STEP))]
            found: Counter[str] = Counter()
            for page in pages(ids):
                found += count_rows(all_parts(), over, page, rows)
            cards = Counter(_by_batch(ids)) if reading.stage is Stage.CARDS else Counter[str]()
        done += len(ids)
        position = str(ids[-1]) if ids else reading.position
        reading = replace(reading, position=position, counts=reading.counts + found, cards=reading.cards + cards)
        yield reading, done, 0
        if len(ids) < STEP:
            return


def _by_batch(ids: Sequence[UUID]) -> dict[str, int]:
    return {str(number): int(count) for number, count in execute(BY_BATCH, (list(ids),))}


def _read_books(reading: Reading) -> Reading:
    """What is asked once. Cards were counted by their pages; balances go from the marks on, which were read before."""
    parts = all_parts()
    with _moment():
        last = books.latest()
        after = last.last_transfer_id if last else START
        found = count_books(parts, after=after)
        found += count_transfers(parts, after=after, upto=NO_END)
        asked = {"cards": Jsonb(reading.cards), "began": reading.began_at}
        found["INV-S3"] = max(found["INV-S3"], int(execute(WRONG_BATCHES, asked)[0][0]))
    counts = Counter(dict.fromkeys(all_checks(), 0))
    counts.update(reading.counts)
    counts.update(found)
    return replace(reading, counts=counts)


def _figures(reading: Reading) -> tuple[Jsonb, Jsonb]:
    return Jsonb(reading.counts), Jsonb(reading.cards)


@contextmanager
def _moment() -> Iterator[None]:
    """One moment of the database, in a short transaction that changes nothing."""
    with atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        execute("SET LOCAL statement_timeout = '10min'")
        yield
