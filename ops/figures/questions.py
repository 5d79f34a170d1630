"""All questions to the tables, and what their answers are as figures."""

from __future__ import annotations

from collections.abc import Iterator

import peewee
import structlog
from playhouse.pool import MaxConnectionsExceeded

from channels.figures import Family, gauge
from core import db
from ops.figures import running, selling
from ops.figures.asked import Question

QUESTIONS: tuple[Question, ...] = (
    *selling.ORDERS, *running.WORK, *selling.MONEY, *selling.STOCK, *selling.CHATS, *running.VAULT, *running.BOOKS,
    *running.DATABASE,
)  # fmt: skip
"""In the order in which they are asked."""

PATIENCE = "SET LOCAL statement_timeout = '2s'"
"""A figure is never worth more than this: what takes longer is left out, and said."""

log = structlog.get_logger()


def answers() -> Iterator[Family]:
    """The figures of every question that was answered in time, and how many were not."""
    failed = 0
    with db.connection():
        for question in QUESTIONS:
            try:
                with db.atomic():
                    db.execute(PATIENCE)
                    rows = db.execute(question.sql)
            except (peewee.PeeweeException, MaxConnectionsExceeded) as error:
                failed += 1
                log.warning("a figure was not read", figure=question.figures[0].name, problem=type(error).__name__)
                if db.is_away(error) and db.sqlstate(error) is None:
                    failed += len(QUESTIONS) - QUESTIONS.index(question) - 1
                    break
                continue
            yield from _families(question, rows)
    yield gauge("keystall_figures_unanswered", "Questions to the tables that were not answered in time.", failed)


def _families(question: Question, rows: list[tuple[object, ...]]) -> Iterator[Family]:
    first = len(question.labels)
    for place, asked in enumerate(question.figures):
        pairs = {tuple(map(str, row[:first])): row[first + place] for row in rows}
        values = {key: float(value) for key, value in pairs.items() if value is not None}  # type: ignore[arg-type]
        yield gauge(asked.name, asked.meaning, values, question.labels)
