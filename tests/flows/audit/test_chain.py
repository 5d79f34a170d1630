"""Fault 98: an audit entry that was edited, deleted, inserted or cut off is named, by whatever rights it was done."""

from __future__ import annotations

import pytest

from core.clock import FixedClock
from core.custody.chains.auditing import Auditor
from core.custody.chains.chain import PART
from tests.bigaudit.measure import costs
from tests.builders import NOON, Sql
from tests.support.audits import UNGUARDED, chained, entries, first, verified

SWAP = """
UPDATE audit_entry a SET (object_id, detail) = (SELECT object_id, detail FROM audit_entry b WHERE b.id = 9 - a.id)
WHERE id IN (4, 5)
"""
SWAP_LINKS = """
UPDATE audit_link a SET link = (SELECT link FROM audit_link b WHERE b.entry_id = 9 - a.entry_id)
WHERE entry_id IN (4, 5)
"""


def test_every_entry_is_linked_and_a_whole_chain_verifies(auditor: Auditor, clock: FixedClock, sql: Sql) -> None:
    entries(7)

    assert chained(auditor, clock) == 7
    assert chained(auditor, clock) == 0
    assert sql("SELECT count(*), count(DISTINCT link) FROM audit_link") == [(7, 7)]
    found = verified(auditor)
    assert (found["entries"], found["broken"], found["first"], found["altered"]) == (7, 0, None, None)
    assert found["unlinked"] == [0, None, False]


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        ("UPDATE audit_entry SET detail = '{\"a\": 100}' WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET actor_id = gen_random_uuid() WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET actor_kind = 'system' WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET party_id = 3 WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET action = 'batch.unlocked' WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET object_kind = 'card' WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_entry SET object_id = '99' WHERE id = 4", ["edited", 4]),
        ("UPDATE audit_link SET link = sha256('x') WHERE entry_id = 4", ["edited", 4]),
        ("DELETE FROM audit_entry WHERE id = 4", ["deleted", 4]),
        ("DELETE FROM audit_link WHERE entry_id = 4", ["inserted", 4]),
        ("DELETE FROM audit_entry WHERE id = 4; DELETE FROM audit_link WHERE entry_id = 4", ["edited", 5]),
        (
            "INSERT INTO audit_entry (id, at, actor_kind, action, object_kind, object_id) OVERRIDING SYSTEM VALUE"
            " VALUES (-3, now(), 'system', 'a', 'b', 'c')",
            ["inserted", -3],
        ),
        # two entries change places, with and without their links
        (SWAP, ["edited", 4]),
        (SWAP + "; " + SWAP_LINKS, ["edited", 4]),
        ("DELETE FROM audit_entry WHERE id > 5", ["deleted", 6]),
        ("DELETE FROM audit_entry WHERE id > 5; DELETE FROM audit_link WHERE entry_id > 5", ["cut", 7]),
        ("TRUNCATE audit_entry", ["deleted", 1]),
        ("TRUNCATE audit_entry; TRUNCATE audit_link", ["cut", 7]),
    ],
)  # fmt: skip
def test_a_superusers_change_is_named_by_its_first_entry(
    auditor: Auditor, clock: FixedClock, sql: Sql, attack: str, named: list[str | int]
) -> None:
    entries(7)
    chained(auditor, clock)

    sql(UNGUARDED + attack, role="superuser")
    chained(auditor, clock)

    assert first(auditor) == named


def test_old_entries_are_read_again_by_themselves_and_what_is_broken_is_told(
    auditor: Auditor, clock: FixedClock, sql: Sql
) -> None:
    entries(30)
    chained(auditor, clock)
    assert auditor.read_again(NOON) == 30
    sql(UNGUARDED + "UPDATE audit_entry SET object_id = '99' WHERE id = 12", role="superuser")

    auditor.read_again(NOON)

    assert sql("SELECT kind, subject, detail->>'problem' FROM alert") == [
        ("audit_broken", "audit", "entry 12 was edited")
    ]
    assert auditor.answer({"act": "standing"}, lambda done, about: None)["first"] == ["edited", 12]


def test_a_long_chain_is_linked_and_read_in_parts_of_constant_memory(auditor: Auditor, urls: dict[str, str]) -> None:
    """`python -m tests.bigaudit` is the same with a million entries."""
    found = costs(auditor, urls["shop"], 3 * PART + 1)

    assert (found.entries, found.broken) == (3 * PART + 1, 0)
    assert found.memory < 20
