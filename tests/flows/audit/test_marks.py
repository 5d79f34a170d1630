"""Fault 98: what the vault wrote down outside the database shows a cut tail, a restored backup, and its own loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import FixedClock
from core.custody.chains.auditing import Auditor, AuditRefused
from tests.builders import Sql
from tests.support.audits import UNGUARDED, Opening, chained, entries, first, verified


def test_control_without_the_files_outside_a_cut_tail_would_not_show(
    auditor: Auditor, open_auditor: Opening, folder: Path, clock: FixedClock, sql: Sql
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
    auditor: Auditor, open_auditor: Opening, clock: FixedClock, sql: Sql
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
    auditor: Auditor, open_auditor: Opening, clock: FixedClock, sql: Sql
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
    auditor: Auditor, open_auditor: Opening, folder: Path, clock: FixedClock, sql: Sql
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
    auditor: Auditor, open_auditor: Opening, folder: Path, clock: FixedClock, sql: Sql, lost: str
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
    auditor: Auditor, open_auditor: Opening, folder: Path, clock: FixedClock
) -> None:
    entries(2)
    chained(auditor, clock)
    auditor.chainer.mark(clock.now())
    with (folder / "audit.marks").open("a") as file:
        file.write('{"at":"2026-03-')

    again = open_auditor()
    again.chainer.mark(clock.now())

    assert (verified(again)["altered"], verified(again)["marks"]) == (None, 2)
