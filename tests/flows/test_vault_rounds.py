"""What the vault does by itself: each round once however many vaults run, and again after a failure."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import db
from core.clock import FixedClock
from core.custody.rounds import LONGEST_CLAIM, Round, Rounds, run_alone
from tests.builders import NOON

Sql = Callable[..., list[tuple[Any, ...]]]
LATEST = "SELECT name, done_at, next_at FROM vault_round ORDER BY name"


@pytest.fixture
def as_vault(urls: dict[str, str]) -> Iterator[None]:
    db.connect(urls["vault"], size=4)
    yield
    db.disconnect()


class Runs:
    """A round that notes when it ran; `fails` makes the next run raise."""

    def __init__(self, name: str = "books.hourly", every: float = 3600) -> None:
        self.at: list[datetime] = []
        self.fails = False
        self.round = Round(name, every, self.run)

    def run(self, now: datetime) -> int:
        self.at.append(now)
        if self.fails:
            raise ZeroDivisionError("a value that no log may have")
        return 1


def test_a_round_is_done_once_in_its_time_whichever_vault_looks(as_vault: None, sql: Sql) -> None:
    here, there = Runs(), Runs()

    assert [run_alone(one.round, now=NOON) for one in (here, there)] == [1, None]
    assert run_alone(there.round, now=NOON + timedelta(minutes=59)) is None
    assert run_alone(there.round, now=NOON + timedelta(hours=1)) == 1

    assert (here.at, there.at) == ([NOON], [NOON + timedelta(hours=1)])
    assert sql(LATEST) == [("books.hourly", NOON + timedelta(hours=1), NOON + timedelta(hours=2))]


def test_while_one_vault_is_at_a_round_no_other_begins_it(as_vault: None) -> None:
    other, found = Runs(), []
    slow = Round("books.hourly", 3600, lambda now: found.append(run_alone(other.round, now=now)) or 1)

    assert run_alone(slow, now=NOON) == 1
    assert found == [None]
    assert other.at == []


def test_what_a_killed_vault_began_is_begun_again_before_its_next_hour(as_vault: None, sql: Sql) -> None:
    run = Runs()
    sql("INSERT INTO vault_round VALUES ('books.hourly', %s)", [NOON + timedelta(seconds=LONGEST_CLAIM)])

    assert run_alone(run.round, now=NOON + timedelta(seconds=LONGEST_CLAIM - 1)) is None
    assert run_alone(run.round, now=NOON + timedelta(seconds=LONGEST_CLAIM)) == 1


def test_a_due_time_from_a_clock_that_jumped_holds_nothing_up(as_vault: None, sql: Sql) -> None:
    sql("INSERT INTO vault_round VALUES ('books.hourly', %s)", [NOON + timedelta(days=400)])

    assert run_alone(Runs().round, now=NOON) == 1


def test_a_round_that_fails_is_logged_without_its_words_and_tried_again_and_the_others_go_on(
    as_vault: None, sql: Sql, clock: FixedClock
) -> None:
    bad, good = Runs("audit.chained", 0.01), Runs("books.hourly")
    bad.fails = True
    rounds = Rounds([bad.round, good.round], clock=clock)

    with capture_logs() as logs:
        rounds.run_due()
    failed = next(entry for entry in logs if entry["event"] == "a round failed")

    assert (failed["round"], failed["kind"], failed["error_id"][:4]) == ("audit.chained", "ZeroDivisionError", "err_")
    assert "no log may have" not in str(logs)
    assert len(good.at) == 1
    assert sql("SELECT name FROM vault_round WHERE done_at IS NULL") == [("audit.chained",)]
    bad.fails = False
    while len(bad.at) < 2:
        rounds.run_due()
    assert sql("SELECT name FROM vault_round WHERE done_at IS NULL") == []


def test_rounds_end_when_they_are_stopped_and_none_begins_after(as_vault: None, clock: FixedClock) -> None:
    run = Runs("audit.chained", 0.01)
    rounds = Rounds([run.round], clock=clock)
    rounds.start()
    while not run.at:
        clock.move(timedelta(seconds=1))

    rounds.stop(wait_seconds=5)
    count = len(run.at)
    rounds.run_due()

    assert len(run.at) == count


def test_a_rekeying_that_goes_on_for_hours_keeps_neither_the_audit_nor_the_books_waiting(
    as_vault: None, clock: FixedClock
) -> None:
    """Fault 98: what was not linked yet could be changed unnoticed, for as long as another round takes."""
    begun, over = threading.Event(), threading.Event()

    def for_hours(now: datetime) -> int:
        begun.set()
        return int(over.wait(60))

    audit, books = Runs("audit.chained", 1), Runs("books.checkpoint", 60)
    rounds = Rounds([Round("keys", 20, for_hours), audit.round, books.round], clock=clock)
    rounds.start()
    assert begun.wait(10)
    try:
        for _ in range(1000):
            if len(audit.at) >= 3 and books.at:
                break
            clock.move(timedelta(seconds=2))
            time.sleep(0.01)
        assert not over.is_set()
        assert (len(audit.at) >= 3, len(books.at) >= 1) == (True, True)
    finally:
        over.set()
        rounds.stop(wait_seconds=5)
