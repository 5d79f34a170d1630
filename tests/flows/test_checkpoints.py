"""Checkpoints of the books: what they say, who may write them, and what is noticed when somebody does it better."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.config import Config
from core.custody.chains import checkpoints
from core.custody.rounds import run_alone
from core.fulfilment.totals import compare
from core.ledger.checkpoints import GENESIS, chain
from core.ledger.service import balance
from tests.builders import NOON, Shop, Sql
from tests.support.books import Books, move, wallet, world
from tests.support.vaults import desk_vault

HOUR = timedelta(hours=1)


@pytest.fixture
def books(shop: Shop, urls: dict[str, str], tmp_path: Path) -> Books:
    return Books(urls, tmp_path / "vault")


@pytest.fixture
def pair(shop: Shop) -> tuple[int, int]:
    return world(), wallet()


def test_a_checkpoint_is_made_each_hour_and_says_what_its_period_moved(
    books: Books, pair: tuple[int, int], sql: Sql
) -> None:
    move(*pair, 500)
    move(*pair, 200)

    made = [books.checkpoint(NOON + at) for at in (timedelta(0), HOUR - timedelta(seconds=1), HOUR, 2 * HOUR)]
    move(pair[1], pair[0], 50)
    made.append(books.checkpoint(NOON + 3 * HOUR))

    assert made == [1, 0, 1, 1, 1]
    kept = chain()
    assert [(one.number, one.transfers, dict(one.sums)) for one in kept] == [
        (1, 2, {"CNY": 700}),
        (2, 0, {}),
        (3, 0, {}),
        (4, 1, {"CNY": 50}),
    ]
    assert [one.previous_hash for one in kept] == [GENESIS, *(one.hash for one in kept[:-1])]
    assert {count for one in kept for count in one.counts.values()} == {0}
    assert set(kept[0].counts) >= {
        "INV-M1",
        "INV-M2",
        "INV-M3",
        "INV-M4",
        "INV-M5",
        "INV-M7",
        "INV-M8",
        "INV-M10",
        "INV-M13",
    }
    assert sql("SELECT account_id, number, balance FROM checkpoint_balance ORDER BY number, account_id") == sorted(
        [(pair[0], 1, -700), (pair[1], 1, 700), (pair[0], 4, -650), (pair[1], 4, 650)], key=lambda row: (row[1], row[0])
    )
    vouched = books.vouch()
    assert (vouched.checkpoints, vouched.first_bad) == (4, None)


def test_a_full_period_is_closed_before_its_hour_and_no_period_is_larger(
    books: Books, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHUNK", 3)
    books.checkpoint()
    for _ in range(8):
        move(*pair, 1)

    assert books.checkpoint(NOON + timedelta(minutes=1)) == 2
    assert [one.transfers for one in chain()] == [0, 3, 3]


def test_a_batch_that_is_finished_between_two_checkpoints_of_one_run_is_no_false_alarm(
    books: Books, pair: tuple[int, int], shop: Shop, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-S3: the second one seals the totals of the first, so it counts no batch either; the next hour's does."""
    monkeypatch.setattr(checkpoints, "CHUNK", 3)
    books.checkpoint()
    for _ in range(8):
        move(*pair, 1)
    write = books.vault._write

    def slowly(*said: Any, **more: Any) -> Any:
        if more["counted_before"]:
            shop.a_batch(cards=2)
            sql("UPDATE batch SET created_at = timestamptz 'epoch' + interval '2 hours'")
        return write(*said, **more)

    monkeypatch.setattr(books.vault, "_write", slowly)
    assert books.checkpoint(NOON + timedelta(minutes=1)) == 2
    assert compare(chain()[-1]).differing == ()

    monkeypatch.undo()
    assert books.checkpoint(NOON + 2 * HOUR) == 1
    assert compare(chain()[-1]).differing == ()
    assert chain()[-1].totals["INV-S3"]["rows"] == 2


def test_a_balance_is_its_last_mark_and_what_came_later(books: Books, pair: tuple[int, int], sql: Sql) -> None:
    """INV-M3: nothing before the last checkpoint is read again."""
    move(*pair, 500)
    books.checkpoint()
    before = balance(account_id=pair[0]), balance(account_id=pair[1])
    move(*pair, 30)
    other = wallet("2")
    move(pair[1], other, 7)
    after = [balance(account_id=one) for one in (*pair, other)]

    # Whoever deletes what was closed changes no balance that is asked for (and `verify --full` says so).
    sql("SET session_replication_role = replica; DELETE FROM transfer WHERE amount = 500", role="superuser")

    assert before == (-500, 500)
    assert after == [-530, 523, 7]
    assert [balance(account_id=one) for one in (*pair, other)] == after


def test_no_role_but_the_vaults_writes_a_checkpoint_and_none_changes_or_deletes_one(
    books: Books, pair: tuple[int, int], shop: Shop
) -> None:
    move(*pair, 500)
    books.checkpoint()
    before = shop.sql("SELECT * FROM checkpoint"), shop.sql("SELECT * FROM checkpoint_balance")
    copies = {
        "checkpoint": "INSERT INTO checkpoint SELECT number + 1, at, last_transfer_id, last_audit_id, transfers, sums,"
        " counts, totals, chunk_hash, lines_hash, balances_hash, previous_hash, hmac FROM checkpoint",
        "checkpoint_balance": "INSERT INTO checkpoint_balance VALUES (1, 2, 3)",
        "checkpoint_batch": "INSERT INTO checkpoint_batch VALUES (1, 2, 3)",
        "claim_quarter": "INSERT INTO claim_quarter VALUES ('party:1', 'party:2', 'CNY', 'epoch', 'sale', 1, 1, 1, 0)",
    }
    for table, copy in copies.items():
        changes = f"UPDATE {table} SET number = number", f"DELETE FROM {table}", f"TRUNCATE {table}"
        for role in ("shop", "worker", "panel", "vault", "direct"):
            may_add = role == "vault" and table != "claim_quarter"
            for statement in changes if may_add else (copy, *changes):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    shop.sql(statement, role=role)
    for statement in ("UPDATE checkpoint SET transfers = 9", "DELETE FROM checkpoint_balance"):
        with pytest.raises(psycopg.errors.CheckViolation):
            shop.sql(statement)
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.sql(copies["checkpoint"].replace("number + 1", "number + 6"), role="vault")

    assert (shop.sql("SELECT * FROM checkpoint"), shop.sql("SELECT * FROM checkpoint_balance")) == before


CHANGED = {
    "a figure": ("UPDATE checkpoint SET transfers = 9 WHERE number = 2", 2),
    "a count": ("""UPDATE checkpoint SET counts = '{"INV-M1": 1}' WHERE number = 1""", 1),
    "a time": ("UPDATE checkpoint SET at = at - interval '1 hour' WHERE number = 3", 3),
    "a hash": ("UPDATE checkpoint SET chunk_hash = lines_hash WHERE number = 1", 1),
    "an hmac": ("UPDATE checkpoint SET hmac = chunk_hash WHERE number = 2", 2),
    "a gap": ("DELETE FROM checkpoint WHERE number = 2", 3),
    "the end is gone": ("DELETE FROM checkpoint WHERE number = 3", 3),
    "all is gone": ("DELETE FROM checkpoint", 1),
}


@pytest.mark.parametrize("change", CHANGED)
def test_the_vault_names_the_first_checkpoint_that_is_not_as_it_wrote_it(
    books: Books, pair: tuple[int, int], sql: Sql, change: str
) -> None:
    for hour in range(3):
        move(*pair, 5)
        books.checkpoint(NOON + hour * HOUR)
    statement, first = CHANGED[change]
    sound = books.vouch()

    sql(f"SET session_replication_role = replica; {statement}", role="superuser")

    assert (sound.checkpoints, sound.first_bad) == (3, None)
    # What comes after a changed one names a hash that it no longer has: the changed one, or the next, is the first.
    assert books.vouch().first_bad in (first, first + 1)
    if change.endswith("is gone"):
        with pytest.raises(checkpoints.ChainBroken):
            books.checkpoint(NOON + 3 * HOUR)


def test_a_transfer_far_ahead_does_not_close_periods_that_honest_ones_would_fall_behind(
    books: Books, pair: tuple[int, int], sql: Sql
) -> None:
    """INV-M3: who has the tables themselves chooses a number; no period reaches it."""
    move(*pair, 5)
    books.checkpoint()
    sql(
        "INSERT INTO transfer (id, debit_id, credit_id, amount, currency, code, reference, at) OVERRIDING SYSTEM VALUE"
        " SELECT 9000000000000000000, debit_id, credit_id, 1, currency, code, reference, at FROM transfer"
    )
    move(*pair, 7)

    with books.as_vault(), pytest.raises(checkpoints.NumberAhead):
        checkpoints.horizon()  # first by itself: a checkpoint up to there would make periods without end
    with pytest.raises(checkpoints.NumberAhead):
        books.checkpoint(NOON + HOUR)

    assert [(one.transfers, one.last_transfer_id < 1000) for one in chain()] == [(1, True)]
    assert sql("SELECT max(id) < 1000 FROM transfer WHERE amount = 7") == [(True,)]


def test_another_vaults_key_makes_no_checkpoint_that_this_one_vouches_for(
    books: Books, urls: dict[str, str], pair: tuple[int, int], tmp_path: Path
) -> None:
    move(*pair, 5)
    Books(urls, tmp_path / "other", key=bytes([1] * 32)).checkpoint()

    vouched = books.vouch()

    assert (vouched.first_bad, vouched.reason) == (1, "this vault did not seal it")
    with pytest.raises(checkpoints.ChainBroken):
        books.checkpoint(NOON + HOUR)


def test_a_vault_killed_between_database_and_record_goes_on(
    books: Books, pair: tuple[int, int], tmp_path: Path
) -> None:
    books.checkpoint()
    move(*pair, 5)
    record = tmp_path / "vault" / "checkpoints.log"
    kept = record.read_bytes()
    books.checkpoint(NOON + HOUR)
    record.write_bytes(kept + b'{"number": 2, "ha')  # what a kill in mid-write leaves

    assert books.checkpoint(NOON + 2 * HOUR) == 1
    assert books.vouch().first_bad is None
    assert checkpoints.KeptChain(record).last() == (3, chain()[-1].hash)


def test_the_vault_answers_the_command_line_and_makes_them_by_itself(
    config: Config, books: Books, pair: tuple[int, int], sql: Sql
) -> None:
    move(*pair, 5)
    vault = desk_vault(config)
    none_yet = vault.client.vouch_for_books()

    (its_round,) = (one for one in vault.at_the_desk.opened().rounds() if one.name == "books.checkpoint")
    with books.as_vault():
        run_alone(its_round, now=NOON)

    made = sql("SELECT number, transfers FROM checkpoint")
    sound = vault.client.vouch_for_books()
    sql("SET session_replication_role = replica; UPDATE checkpoint SET transfers = 2", role="superuser")
    broken = vault.client.vouch_for_books()

    assert (none_yet.checkpoints, none_yet.first_bad) == (0, None)
    assert made == [(1, 1)]
    assert (sound.checkpoints, sound.first_bad) == (1, None)
    assert (broken.first_bad, broken.reason) == (1, "this vault did not seal it")
