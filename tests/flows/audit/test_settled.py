"""Ids are given in one order and committed in another: each entry is linked once, in its place, and nobody waits."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest

from core import db
from core.clock import FixedClock
from core.custody.chains import auditing
from core.custody.chains import chainer as chaining
from core.custody.chains.auditing import Auditor
from core.custody.chains.chainer import ChainWaits
from tests.builders import Sql
from tests.support.audits import INSERT, Opening, chained, entries, first, verified


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
    monkeypatch.setattr("core.custody.chains.chain.writers", frozenset)
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
    auditor: Auditor, open_auditor: Opening, clock: FixedClock, sql: Sql
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
