"""What ended before a checkpoint is counted again: what is gone, came in behind it, or says something else is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import db
from core.db import atomic, execute
from core.fulfilment.totals import COUNTED, compare
from core.ledger.checkpoints import chain, latest
from core.payments.service import reconcile_due
from core.reports.checks import all_checks, verify
from core.reports.vouching import recount, standing
from tests.builders import Shop, Sql
from tests.flows.test_verify_full import delivered
from tests.support.books import Books
from tests.support.till import Till

BEGAN = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def books(shop: Shop, urls: dict[str, str], tmp_path: Path) -> Iterator[Books]:
    """Two delivered orders, sealed by three checkpoints and long ended; connected as the command is: as worker."""
    shop.a_batch(cards=9)
    shop.sql("UPDATE batch SET created_at = timestamptz 'epoch' + interval '2 hours'")  # before any id of its cards
    till = Till(shop)
    till.fill_wallet(shop.a_shopper(), 5000)
    for _ in range(2):
        till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 3))
    delivered(shop)
    till.wait(minutes=5)
    reconcile_due(now=till.now)
    books = Books(urls, tmp_path / "vault")
    for day in range(3):
        books.checkpoint(BEGAN + day * DAY)
    db.connect(urls["worker"], size=2)
    yield books
    db.disconnect()


ONE_LINE = "line_id = (SELECT min(id::text)::uuid FROM order_line)"
ONE_ORDER = "(SELECT min(order_id::text)::uuid FROM order_line WHERE id = (SELECT min(id::text)::uuid FROM order_line))"
CHANGES = {
    "a sold card is on sale again": (
        f"UPDATE card SET state = 'free', line_id = NULL, opened_at = NULL, delivered_at = NULL WHERE {ONE_LINE}",
        ["INV-S1", "INV-S2"],
    ),
    "a sold card keeps its time and is on sale": (
        "ALTER TABLE card DROP CONSTRAINT card_one_state; UPDATE card SET state = 'free' WHERE opened_at IS NOT NULL",
        ["INV-S1", "INV-S2"],
    ),
    "cards of two lines change places": (
        """
        UPDATE card c SET line_id = CASE c.line_id WHEN a.line_id THEN b.line_id ELSE a.line_id END
        FROM (SELECT id, line_id FROM card WHERE state = 'delivered' ORDER BY line_id LIMIT 1) AS a,
             (SELECT id, line_id FROM card WHERE state = 'delivered' ORDER BY line_id DESC LIMIT 1) AS b
        WHERE c.id IN (a.id, b.id)
        """,
        ["INV-S1", "INV-S2"],
    ),
    "free cards are gone": ("DELETE FROM card WHERE state = 'free'", ["INV-S3"]),
    "an order was never paid": (
        f"UPDATE shop_order SET state = 'expired', paid_at = NULL WHERE id = {ONE_ORDER}",
        ["INV-M7", "INV-O2"],
    ),
    "an order cost less": ("UPDATE shop_order SET total_minor = total_minor - 1", ["INV-O2"]),
    "a line had fewer cards": (
        "UPDATE order_line SET quantity = 2, total_minor = total_minor - list_price_minor",
        ["INV-M7"],
    ),
    "a line was never delivered": (f"DELETE FROM delivery WHERE {ONE_LINE}", ["INV-O3"]),
    "a hold ended otherwise": ("UPDATE hold SET state = 'released'", ["INV-S5"]),
    "a payment was of another order": ("UPDATE payment SET order_id = NULL", ["INV-M8"]),
    "a gateway's event is gone": ("DELETE FROM payment_event", ["INV-M13"]),
    "a refund came in behind": (
        "INSERT INTO refund (id, merchant_id, to_wallet, amount_minor, currency, state, reason, created_at, ended_at)"
        " SELECT gen_random_uuid(), merchant_id, true, 1, currency, 'succeeded', '', paid_at, paid_at FROM shop_order",
        ["INV-M10"],
    ),
}


def test_what_is_changed_behind_a_checkpoint_is_told_by_the_totals_that_it_sealed(
    books: Books, urls: dict[str, str]
) -> None:
    """INV-S1, INV-S2, INV-S3, INV-S5, INV-O2, INV-O3, INV-M7, INV-M8, INV-M10, INV-M13: rows nobody reads again."""
    sound, last = recount(), latest()
    assert last is not None
    db.connect(urls["superuser"], size=2)  # an owner of the database, who switches triggers and foreign keys off
    execute("SET session_replication_role = replica")
    found = {}
    for change, (statement, _) in CHANGES.items():
        with contextlib.suppress(UndoneError), atomic():
            execute(statement)
            found[change] = sorted(one.invariant for one in compare(last).differing)
            raise UndoneError

    assert (sound.wrong, sound.unseen, sound.violations) == ([], [], {})
    assert found == {change: told for change, (_, told) in CHANGES.items()}


class UndoneError(Exception):
    """Puts everything back."""


def test_a_checkpoint_counts_every_data_invariant_and_seals_totals(books: Books, sql: Sql) -> None:
    first, _, last = chain()

    assert set(first.counts) == set(all_checks())
    assert set(first.totals) == set(last.totals) == set(COUNTED)
    assert [first.totals[name]["rows"] for name in ("INV-O3", "INV-S1", "INV-S2", "INV-S3")] == [0, 0, 0, 9]
    assert {name: total["rows"] for name, total in last.totals.items() if total["rows"]} == {
        "INV-M7": 2, "INV-M8": 3, "INV-M13": 3, "INV-O2": 2, "INV-O3": 2,
        "INV-S1": 6, "INV-S2": 6, "INV-S3": 9, "INV-S5": 2,
    }  # fmt: skip
    assert last.totals["INV-M13"]["CNY"] == 5000 + sum(row[0] for row in sql("SELECT paid_minor FROM shop_order"))
    sql(
        "SET session_replication_role = replica;"
        """ UPDATE checkpoint SET totals = jsonb_set(totals, '{INV-S2,rows}', '5') WHERE number = 3""",
        role="superuser",
    )
    assert books.vouch().first_bad == 3
    db.connect(books.urls["worker"], size=2)
    assert recount().violations == {"INV-S2": 1}


def test_the_next_checkpoint_does_not_seal_what_was_changed_as_if_it_had_always_been_so(books: Books, sql: Sql) -> None:
    """INV-S2: told by every `verify`, until a full reading found nothing."""
    swap, _ = CHANGES["cards of two lines change places"]
    sql("SET session_replication_role = replica; " + swap, role="superuser")

    books.checkpoint(BEGAN + 3 * DAY)
    db.connect(books.urls["worker"], size=2)

    assert recount().violations == {}
    assert {name: count for name, count in chain()[-1].counts.items() if count} == {"INV-S1": 1, "INV-S2": 1}
    assert [sentence.split(": ")[0] for sentence in standing(None).wrong] == [
        "checkpoint 4 counted 1 of INV-S1",
        "checkpoint 4 counted 1 of INV-S2",
    ]
    assert {one.invariant for one in verify() if one.violations} == set()


def test_where_there_is_no_time_to_count_it_is_said_what_was_not_counted(books: Books) -> None:
    said = recount(seconds=0.0)

    assert (said.wrong, said.violations) == ([], {})
    assert said.unseen == [
        "0 s were too short to count these again; `verify --full` reads them: "
        + ", ".join(counted.what for counted in COUNTED.values())
    ]
