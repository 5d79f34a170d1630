"""`verify --full` finds what was changed after it was closed, names the first period, and goes on after a kill."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import db
from core.payments.moving import last_checkpoint, moving
from core.payments.service import reconcile_due
from core.reports import checks, full
from core.reports.full import Reading, find_reading, read_everything
from core.reports.vouching import standing
from core.vault.book_requests import Vouched
from core.vault.client import VaultAway, VaultCode, VaultRefused
from tests.builders import Shop, Sql
from tests.flows.test_verify import BREAKS
from tests.support.books import Books
from tests.support.crash import run_until
from tests.support.till import Till

Changing = Callable[[str], contextlib.AbstractContextManager[None]]

DAY = timedelta(days=1)
BEGAN = datetime.now(UTC)  # ids tell the machine's own time, so checkpoints here do too
LATER = BEGAN + 3 * DAY

TABLES = (
    *("account", "transfer", "payment", "payment_event", "refund", "batch", "card", "hold", "line_share"),
    *("shop_order", "order_line", "delivery", "checkpoint_balance", "claim_quarter"),
    *("supplier_account", "supplier_good", "supplier_request", "supplier_line"),
)


def read() -> Reading:
    return read_everything(again=True, now=LATER, told=lambda stage, done, of: None)


def go_on() -> Reading:
    return read_everything(again=False, now=LATER, told=lambda stage, done, of: None)


@pytest.fixture
def closed(shop: Shop, urls: dict[str, str], tmp_path: Path) -> Iterator[Books]:
    """A store with two delivered orders and a wallet; all closed by checkpoints, and two days later nothing is young.
    Connected as the command is: as worker.
    """
    shop.a_batch(cards=20)
    till = Till(shop)
    till.fill_wallet(shop.a_shopper(), 5000)
    for _ in range(2):
        till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 3))
    delivered(shop)
    till.wait(minutes=5)
    reconcile_due(now=till.now)
    books = Books(urls, tmp_path / "vault")
    for day in range(3):
        assert books.checkpoint(BEGAN + day * DAY) == 1
    db.connect(urls["worker"], size=2)
    yield books
    db.disconnect()


@pytest.fixture
def changing(sql: Sql) -> Changing:
    """Rows are changed behind every trigger within the block, and put back after it."""
    sql(";".join(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}" for table in TABLES), role="superuser")
    columns = dict(
        sql(
            "SELECT table_name::text, string_agg(column_name, ', ') FROM information_schema.columns"
            " WHERE table_name = ANY (%s) AND is_generated = 'NEVER' GROUP BY 1",
            [list(TABLES)],
        )
    )
    put_back = ";".join(
        f"DELETE FROM {one}; INSERT INTO {one} ({columns[one]}) OVERRIDING SYSTEM VALUE"
        f" SELECT {columns[one]} FROM kept_{one}"
        for one in TABLES
    )

    @contextlib.contextmanager
    def within(statement: str) -> Iterator[None]:
        sql("SET session_replication_role = replica; " + statement, role="superuser")
        yield
        sql(put_back, role="superuser")

    return within


def delivered(shop: Shop) -> None:
    """The orders that were paid are delivered, as the worker and the vault leave them."""
    shop.sql("UPDATE card SET opened_at = now() WHERE state = 'claimed'")
    shop.sql("INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id, detail)"
             " SELECT now() - interval '1 minute', 'system', 'cards.opened', 'line', line_id::text,"
             " jsonb_build_object('cards', jsonb_agg(id)) FROM card"
             " WHERE state = 'claimed' GROUP BY line_id")  # fmt: skip
    shop.sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE state = 'claimed'")
    shop.sql("UPDATE delivery SET state = 'delivered', delivered_at = now(), lease_until = NULL")
    shop.sql("UPDATE shop_order SET state = 'closed', ended_at = now() WHERE state = 'paid'")


def test_behind_a_checkpoint_verify_reads_nothing_that_has_ended(closed: Books) -> None:
    """What is asked of a store whose orders are all closed does not grow with them."""
    found = moving(last_checkpoint())

    assert {over: len(ids) for over, ids in found.items() if ids} == {}
    assert {one.invariant: one.violations for one in checks.verify() if one.violations} == {}


def test_a_whole_store_reads_clean_and_the_reading_is_kept(closed: Books) -> None:
    told: list[tuple[str, int, int]] = []

    reading = read_everything(again=False, now=LATER, told=lambda stage, done, of: told.append((stage, done, of)))

    assert (reading.is_clean, reading.upto) == (True, 3)
    assert set(reading.counts) == set(checks.all_checks())
    assert told == [
        *(("periods", number, 3) for number in (1, 2, 3)),
        *(("orders", 2, 0), ("events", 3, 0), ("payments", 3, 0), ("cards", 20, 0), ("books", 1, 1)),
    ]
    kept = find_reading()
    assert kept is not None
    assert (kept.ended_at, kept.clean_upto) == (LATER, 3)


NOT_HERE = {"INV-S5", "INV-O3", "INV-O9", "INV-K4", "INV-M11", "INV-M12"}
"""Broken in test_verify: on rows that have not ended, and on trade accounts, which this store has none of."""


def test_full_counts_what_the_whole_tables_show(closed: Books, sql: Sql, changing: Changing) -> None:
    """Every question, over rows that were closed long ago: the parts find as much as the invariant's meaning."""
    sql("ALTER TABLE shop_order DROP CONSTRAINT shop_order_paid_enough", role="superuser")
    found = {}
    for invariant in sorted(set(BREAKS) - NOT_HERE):
        statement = BREAKS[invariant].replace("'paid'", "'closed'").replace("CONSTRAINT", "CONSTRAINT IF EXISTS")
        with changing(statement):
            whole, counts = sql(checks.all_checks()[invariant])[0][0], read().counts
        guards = read().counts  # a constraint that is gone stays counted
        found[invariant] = (whole >= 1, counts[invariant] - guards[invariant] >= whole)

    assert found == dict.fromkeys(found, (True, True))
    assert len(found) >= 15


CHANGED = {
    "an amount": "UPDATE transfer SET amount = amount + 1 WHERE id = (SELECT min(id) FROM transfer)",
    "a reason": "UPDATE transfer SET code = 'release' WHERE id = (SELECT max(id) FROM transfer WHERE code = 'sale')",
    "a time": "UPDATE transfer SET at = at + interval '1 second' WHERE id = (SELECT min(id) FROM transfer)",
    "a transfer less": "DELETE FROM transfer WHERE id = (SELECT max(id) FROM transfer)",
    "a transfer more": "INSERT INTO transfer (id, debit_id, credit_id, amount, currency, code, reference, at)"
    " OVERRIDING SYSTEM VALUE SELECT -1, debit_id, credit_id, 1, currency, code, reference, at FROM transfer LIMIT 1",
    "a pair of transfers swapped": "UPDATE transfer t SET debit_id = o.debit_id, credit_id = o.credit_id,"
    " amount = o.amount FROM transfer o WHERE t.code = 'sale' AND o.code = 'sale' AND t.id <> o.id",
    "a frozen share": "UPDATE line_share SET reason = reason, amount_minor = -amount_minor",
    "a frozen line": "UPDATE order_line SET discount_minor = 1, total_minor = total_minor - 1",
    "a frozen total": "UPDATE shop_order SET total_minor = total_minor - 1",
    "a mark": "UPDATE checkpoint_balance SET balance = balance + 1",
    "a statement's figure": "UPDATE claim_quarter SET came = came + 1 WHERE came > 0",
    "a statement's figure less": "DELETE FROM claim_quarter WHERE went > 0 OR came > 0",
}


def test_a_period_that_was_changed_after_it_was_closed_is_named(closed: Books, changing: Changing) -> None:
    """A bug, or an owner of the database who knows what to switch off."""
    first_bad = {}
    for change, statement in CHANGED.items():
        with changing(statement):
            first_bad[change] = read().first_bad

    assert first_bad == dict.fromkeys(CHANGED, 1)
    assert read().first_bad is None


def test_a_card_moved_to_another_closed_line_is_found(closed: Books, sql: Sql) -> None:
    """INV-K4: the audit named each card of a line when it was opened."""
    swap = """
        SET session_replication_role = replica;
        UPDATE card c SET line_id = CASE c.line_id WHEN a.line_id THEN b.line_id ELSE a.line_id END
        FROM (SELECT id, line_id FROM card WHERE state = 'delivered' ORDER BY line_id LIMIT 1) AS a,
             (SELECT id, line_id FROM card WHERE state = 'delivered' ORDER BY line_id DESC LIMIT 1) AS b
        WHERE c.id IN (a.id, b.id)
    """

    sql(swap, role="superuser")

    assert +read().counts == Counter({"INV-K4": 2})


def test_a_killed_reading_goes_on_where_it_was_and_reads_each_row_once(
    closed: Books, urls: dict[str, str], sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 at any statement: what was read stays read, and the end is the same."""
    monkeypatch.setattr(full, "STEP", 5)
    whole = read()
    sql("UPDATE full_reading SET ended_at = NULL, stage = 'periods', position = '', counts = '{}', cards = '{}'")
    stages, at = [], 30

    while not run_until(go_on, url=urls["worker"], at=at):
        stages.append(sql("SELECT stage, position FROM full_reading")[0])
        at += 9  # so that it comes further each time
    db.connect(urls["worker"], size=2)

    assert stages == sorted(stages, key=lambda row: (list(full.Stage).index(full.Stage(row[0])), len(row[1]), row[1]))
    assert len({stage for stage, _ in stages}) > 2
    kept = find_reading()
    assert kept is not None
    assert (kept.counts, kept.first_bad, kept.clean_upto) == (whole.counts, None, 3)
    assert sum(kept.cards.values()) == 20


class VaultSays:
    """A vault with one answer."""

    def __init__(self, answer: Vouched | Exception) -> None:
        self.answer = answer

    def vouch_for_books(self) -> Vouched:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_what_the_vault_says_of_the_seals_is_told(closed: Books) -> None:
    sound = standing(VaultSays(Vouched(3, None, "")))
    away = standing(VaultSays(VaultAway(what="vault")))
    no_key = standing(None)
    refused = standing(VaultSays(VaultRefused(VaultCode.CLOSED, "no key file")))
    bad = standing(VaultSays(Vouched(3, 2, "this vault did not seal it")))

    assert (sound.wrong, sound.unseen) == ([], [])
    assert away.unseen == no_key.unseen == ["the vault is away: the seals of 3 checkpoints were not checked"]
    assert refused.unseen == ["the vault says no (no key file): the seals of 3 checkpoints were not checked"]
    assert bad.wrong == ["the vault does not vouch for checkpoint 2: this vault did not seal it"]


def test_a_broken_chain_is_told_without_the_vault(closed: Books, sql: Sql) -> None:
    sql("SET session_replication_role = replica; DELETE FROM checkpoint WHERE number = 2", role="superuser")

    assert standing(None).wrong == ["the chain of checkpoints is broken: 3 does not follow the one before it"]


def test_what_a_checkpoint_saw_is_told_until_a_full_reading_is_clean(
    shop: Shop, urls: dict[str, str], tmp_path: Path, sql: Sql
) -> None:
    books, wallet = Books(urls, tmp_path), "UPDATE account SET balance = balance {} 1 WHERE bounded"
    Till(shop).fill_wallet(shop.a_shopper(), 700)
    sql(wallet.format("+"))
    books.checkpoint()
    sql(wallet.format("-"))
    db.connect(urls["worker"], size=2)

    sound_again = [one for one in checks.verify() if one.violations]
    told = standing(None).wrong
    read()

    assert sound_again == []
    assert told == [
        "checkpoint 1 counted 1 of INV-M3: what was wrong then may have ended since; `verify --full` says what is"
        " wrong now"
    ]
    assert standing(None).wrong == []
