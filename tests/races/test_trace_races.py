"""Several questions about cards in the same moment: an hour never has more of them than its budget."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from core import db
from core.custody.staff import tracing_by_code
from core.custody.staff.tracing_by_code import spend
from tests.builders import NOON, Shop
from tests.races.racing import at_once

USED = "SELECT used FROM trace_budget WHERE subject = 'party 1'"
HASTY = """
INSERT INTO trace_budget AS b (subject, hour, used) VALUES (%(subject)s, %(hour)s, 1)
ON CONFLICT (subject, hour) DO UPDATE SET used = b.used + 1 RETURNING %(most)s
"""


@pytest.fixture
def as_vault(urls: dict[str, str], shop: Shop) -> Iterator[Shop]:
    """The store connected as the vault, which alone may count."""
    db.connect(urls["vault"], size=8)
    yield shop
    db.disconnect()


def test_of_eight_questions_at_once_only_as_many_are_answered_as_are_left(as_vault: Shop) -> None:
    said = at_once([partial(spend, "party 1", 3, now=NOON)] * 8)

    assert sorted(said) == [False] * 5 + [True] * 3
    assert as_vault.sql(USED) == [(3,)]


def test_control_looked_at_before_it_is_counted_all_eight_pass(as_vault: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    met = threading.Barrier(8, timeout=20)

    def look_first(subject: str, most: int) -> bool:
        used = db.execute("SELECT coalesce(max(used), 0) FROM trace_budget WHERE subject = %s", (subject,))[0][0]
        met.wait()
        return used < most and spend(subject, most, now=NOON)

    monkeypatch.setattr(tracing_by_code, "SPEND", HASTY)

    assert at_once([partial(look_first, "party 1", 3)] * 8) == [True] * 8
    assert as_vault.sql(USED) == [(8,)]
