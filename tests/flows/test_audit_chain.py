"""Fault 98: an audit entry that was edited, deleted, inserted or cut off is named, by whatever rights it was done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import db
from core.actor import OPERATOR
from core.audit.service import append
from core.clock import FixedClock
from core.config import Config
from core.custody import auditing
from core.custody import chainer as chaining
from core.custody.auditing import Auditor, AuditRefused
from core.custody.chainer import ChainWaits
from core.custody.keys import open_vault
from core.custody.rounds import run_alone
from ops.installation import Kind, mark
from ops.wiring import key_source
from tests.builders import NOON

Sql = Callable[..., list[tuple[Any, ...]]]
UNGUARDED = "SET session_replication_role = replica; "  # what only a superuser may: the append-only triggers are off

SWAP = """
UPDATE audit_entry a SET (object_id, detail) = (SELECT object_id, detail FROM audit_entry b WHERE b.id = 9 - a.id)
WHERE id IN (4, 5)
"""
SWAP_LINKS = """
UPDATE audit_link a SET link = (SELECT link FROM audit_link b WHERE b.entry_id = 9 - a.entry_id)
WHERE entry_id IN (4, 5)
"""
INSERT = (
    "INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id) VALUES (now(), 'a', 'slow', 'c', 'd')"
)


@pytest.fixture
def folder(config: Config) -> Path:
    found = config.data_dir / "vault"
    found.mkdir()
    return found


@pytest.fixture
def open_auditor(config: Config, folder: Path, clock: FixedClock) -> Iterator[Callable[[], Auditor]]:
    """Opens the auditor of this store's vault, again where a test restarts it."""
    mark(config.database.url, Kind.TEST, config)
    db.connect(config.database.roles.vault, size=6)
    vault = open_vault(config, key_source(config))
    yield lambda: Auditor(vault, folder, clock.now)
    db.disconnect()


@pytest.fixture
def auditor(open_auditor: Callable[[], Auditor], clock: FixedClock) -> Auditor:
    """An auditor whose first round is done: the files outside begin with it."""
    found = open_auditor()
    chained(found, clock)
    return found


def chained(auditor: Auditor, clock: FixedClock) -> int:
    """One round of the chainer, as the vault's thread runs it."""
    done = run_alone(auditor.rounds()[0], now=clock.move(timedelta(seconds=1)))
    assert done is not None
    return done


def entries(count: int, *, start: int = 0) -> None:
    for place in range(start, start + count):
        append(
            actor=OPERATOR, action="batch.locked", object_kind="batch", object_id=place, detail={"a": place}, now=NOON
        )


def verified(auditor: Auditor, **asked: Any) -> dict[str, Any]:
    return auditor.answer({"act": "verify", **asked}, lambda done, about: None)


def first(auditor: Auditor, **asked: Any) -> list[Any] | None:
    found: list[Any] | None = verified(auditor, **asked)["first"]
    return found


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
    auditor: Auditor, clock: FixedClock, sql: Sql, attack: str, named: list[Any]
) -> None:
    entries(7)
    chained(auditor, clock)

    sql(UNGUARDED + attack, role="superuser")
    chained(auditor, clock)

    assert first(auditor) == named


def test_control_without_the_files_outside_a_cut_tail_would_not_show(
    auditor: Auditor, open_auditor: Callable[[], Auditor], folder: Path, clock: FixedClock, sql: Sql
) -> None:
    entries(7)
    chained(auditor, clock)
    sql(UNGUARDED + "DELETE FROM audit_entry WHERE id > 5; DELETE FROM audit_link WHERE entry_id > 5", role="superuser")
    for file in folder.iterdir():
        file.unlink()

    fresh = open_auditor()

    assert (verified(fresh)["broken"], verified(fresh)["entries"]) == (0, 5)
    chained(fresh, clock)  # but that the files are gone, does
    assert first(fresh) == ["cut", 5]


def test_an_edited_tail_whose_links_were_taken_away_is_not_linked_as_if_it_were_new(
    auditor: Auditor, open_auditor: Callable[[], Auditor], clock: FixedClock, sql: Sql
) -> None:
    entries(7)
    chained(auditor, clock)
    sql(UNGUARDED + "DELETE FROM audit_link WHERE entry_id > 5", role="superuser")
    sql(UNGUARDED + "UPDATE audit_entry SET object_id = '99' WHERE id = 6", role="superuser")

    chained(open_auditor(), clock)  # links both again

    assert sql("SELECT count(*) FROM audit_link") == [(7,)]
    assert first(auditor) == ["cut", 7]
    assert sql("SELECT kind, subject FROM alert") == [("audit_broken", "audit")]
    assert sql("SELECT count(*) FROM keystall_task") == [(1,)]


def test_a_restored_dump_shows_although_its_own_chain_is_whole(auditor: Auditor, clock: FixedClock, sql: Sql) -> None:
    """Fault 98, 100: after the restore the shop goes on, and new entries take the numbers of those that were lost."""
    entries(7)
    chained(auditor, clock)
    sql(UNGUARDED + "DELETE FROM audit_entry WHERE id > 4; DELETE FROM audit_link WHERE entry_id > 4", role="superuser")
    sql("ALTER TABLE audit_entry ALTER id RESTART WITH 5")
    chained(auditor, clock)
    entries(5, start=50)
    chained(auditor, clock)

    assert first(auditor) == ["cut", 7]
    assert auditor.answer({"act": "standing"}, lambda done, about: None)["first"] == ["cut", 7]


def test_what_a_person_has_looked_at_is_not_named_again_but_what_is_new_is(
    auditor: Auditor, open_auditor: Callable[[], Auditor], clock: FixedClock, sql: Sql
) -> None:
    entries(7)
    chained(auditor, clock)
    sql(UNGUARDED + "UPDATE audit_entry SET object_id = '99' WHERE id = 4", role="superuser")
    sql(UNGUARDED + "DELETE FROM audit_entry WHERE id > 6; DELETE FROM audit_link WHERE entry_id > 6", role="superuser")
    chained(auditor, clock)

    assert verified(auditor)["broken"] == 2
    accepted = auditor.answer({"act": "accept", "reason": "restored from last night"}, lambda done, about: None)

    assert accepted["broken"] == 2
    assert verified(auditor)["broken"] == 0
    chained(auditor, clock)
    assert sql("SELECT action, detail->>'reason' FROM audit_entry ORDER BY id DESC LIMIT 1") == [
        ("audit.accepted", "restored from last night")
    ]
    sql(UNGUARDED + "UPDATE audit_entry SET object_id = '99' WHERE id = 2", role="superuser")
    assert first(open_auditor()) == ["edited", 2]
    with pytest.raises(AuditRefused, match="say why"):
        auditor.answer({"act": "accept", "reason": " "}, lambda done, about: None)


def test_a_line_that_was_kept_elsewhere_shows_a_cut_although_the_vaults_own_files_were_put_back_too(
    auditor: Auditor, open_auditor: Callable[[], Auditor], folder: Path, clock: FixedClock, sql: Sql
) -> None:
    entries(3)
    chained(auditor, clock)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    entries(4)
    chained(auditor, clock)
    line = auditor.answer({"act": "mark"}, lambda done, about: None)["line"]
    sql(UNGUARDED + "DELETE FROM audit_entry WHERE id > 3; DELETE FROM audit_link WHERE entry_id > 3", role="superuser")
    for file in folder.iterdir():
        file.unlink()
    for name, content in before.items():
        (folder / name).write_bytes(content)
    put_back = open_auditor()

    assert first(put_back) is None
    assert first(put_back, copies=[line]) == ["cut", 7]
    with pytest.raises(AuditRefused, match="line 1 is not as this vault wrote it"):
        verified(put_back, copies=[line.replace('"entry":7', '"entry":3')])


@pytest.mark.parametrize("lost", ["audit.marks", "audit.head", "a line", "the last line", "a letter"])
def test_marks_that_somebody_changed_or_took_away_are_said(
    auditor: Auditor, open_auditor: Callable[[], Auditor], folder: Path, clock: FixedClock, sql: Sql, lost: str
) -> None:
    for _ in range(3):
        entries(2)
        chained(auditor, clock)
        auditor.chainer.mark(clock.now())
    lines = (folder / "audit.marks").read_text().splitlines(keepends=True)
    kept = {
        "a line": [lines[0], lines[2]],
        "the last line": lines[:2],
        "a letter": [lines[0], lines[1].replace('"entry":4', '"entry":2'), lines[2]],
    }
    if lost in kept:
        (folder / "audit.marks").write_text("".join(kept[lost]))
    else:
        (folder / lost).unlink()

    again = open_auditor()
    chained(again, clock)

    assert verified(again)["altered"] is not None
    assert sql("SELECT kind, subject FROM alert") == [("audit_broken", "audit.marks")]
    again.answer({"act": "accept", "reason": "the disk was mended"}, lambda done, about: None)
    chained(again, clock)
    assert (verified(again)["altered"], verified(again)["broken"]) == (None, 0)


def test_a_line_that_a_crash_cut_short_is_dropped_and_written_anew(
    auditor: Auditor, open_auditor: Callable[[], Auditor], folder: Path, clock: FixedClock
) -> None:
    entries(2)
    chained(auditor, clock)
    auditor.chainer.mark(clock.now())
    with (folder / "audit.marks").open("a") as file:
        file.write('{"at":"2026-03-')

    again = open_auditor()
    again.chainer.mark(clock.now())

    assert (verified(again)["altered"], verified(again)["marks"]) == (None, 2)


def test_a_lower_id_that_is_committed_later_stands_in_its_place(
    auditor: Auditor, clock: FixedClock, urls: dict[str, str]
) -> None:
    """The order of ids is not the order of commits: the chain waits for who began before."""
    with psycopg.connect(urls["shop"]) as slow:
        slow.execute(INSERT)
        entries(3)

        assert chained(auditor, clock) == 0
        slow.commit()
        assert chained(auditor, clock) == 4
    assert verified(auditor)["broken"] == 0


def test_control_without_the_wait_the_late_entry_would_never_be_linked(
    auditor: Auditor, clock: FixedClock, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.custody.chain.writers", frozenset)
    with psycopg.connect(urls["shop"]) as slow:
        slow.execute(INSERT)
        entries(3)
        chained(auditor, clock)
        slow.commit()
    chained(auditor, clock)

    assert first(auditor) == ["inserted", 1]


def test_nobody_who_writes_waits_for_the_chainer_and_it_waits_for_nobody_who_began_after_it(
    auditor: Auditor, clock: FixedClock, urls: dict[str, str]
) -> None:
    """A chain head in every transaction, or a lock for the chainer's sake, would cost the shop its speed."""
    with psycopg.connect(urls["shop"]) as slow, psycopg.connect(urls["shop"]) as later:
        slow.execute("SET lock_timeout = '1ms'")
        slow.execute(INSERT)
        assert chained(auditor, clock) == 0  # its aim stands before any entry is there
        entries(2)
        chained(auditor, clock)
        later.execute(INSERT)
        slow.commit()

        assert chained(auditor, clock) == 3
        later.execute(INSERT)
        later.commit()
    assert chained(auditor, clock) == 2


def test_entries_that_a_hanging_transaction_keeps_back_are_said_after_ten_seconds(
    auditor: Auditor, clock: FixedClock, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaining, "LONGEST_LAG", 0.0)
    monkeypatch.setattr(auditing, "CATCH_UP", 0.0)
    with psycopg.connect(urls["shop"]) as hanging:
        entries(1)
        hanging.execute(INSERT)
        entries(1)
        with pytest.raises(ChainWaits):
            chained(auditor, clock)

        assert verified(auditor)["unlinked"] == [2, 1, False]
        clock.move(timedelta(seconds=11))
        assert verified(auditor)["unlinked"] == [2, 1, True]
    chained(auditor, clock)
    assert chained(auditor, clock) == 0
    assert verified(auditor)["unlinked"] == [0, None, False]


def test_two_vaults_at_once_make_one_chain(
    auditor: Auditor, open_auditor: Callable[[], Auditor], clock: FixedClock, sql: Sql
) -> None:
    entries(3000)
    ends: list[int | str] = []

    def link(one: Auditor) -> None:
        with db.connection():
            try:
                ends.append(one.chainer.link_new(clock.now()))
            except Exception as error:  # noqa: BLE001 - one of the two may lose
                ends.append(type(error).__name__)

    threads = [threading.Thread(target=link, args=(one,)) for one in (auditor, open_auditor())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chained(auditor, clock)

    assert sql("SELECT count(*) FROM audit_link") == [(3000,)]
    assert 3000 in ends
    assert verified(auditor)["broken"] == 0


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
