"""The import wizard: a file is sealed while it arrives, seen before it is imported, watched, taken back, reported."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import Any
from uuid import uuid4

import pytest
import werkzeug.formparser
from structlog.testing import capture_logs

from admin.arriving import ADDRESSES
from admin.declared import declared_for
from core.conversations.brought_files import carry_out_taking_back, looks_due
from core.custody.imports import looking, restocking
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.brought import CANARY, ROWS, a_body, a_csv, file_of, look, post_body, send
from tests.support.panel import TOKEN, Browser, a_login, address_of
from tests.support.restock import Worker
from tests.support.vaults import DeskVault

Panel = Callable[[], Browser]


@contextmanager
def nothing_is_written_in_clear(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No temporary file is made by whoever reads the request, and no log has a canary."""
    spooled: list[object] = []

    def spools(*args: Any, **named: Any) -> Any:
        spooled.append(args)
        return SpooledTemporaryFile(*args, **named)

    monkeypatch.setattr(werkzeug.formparser, "SpooledTemporaryFile", spools)
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        yield
    assert spooled == []
    assert CANARY not in caplog.text + str(logs)


@pytest.fixture
def keeper(panel: Panel, shop: Shop) -> Browser:
    """Somebody who keeps the stock of a supplier."""
    a_login("stock@demo.test", shop.a_party("brand1", "supplier"), Role.STOCK)
    shop.a_sku("A1")
    browser = panel()
    browser.sign_in("stock@demo.test")
    return browser


def test_a_file_is_sealed_while_it_arrives_seen_before_it_is_imported_and_imported_once(
    keeper: Browser, shop: Shop, vault: DeskVault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What arrives lies in the database, sealed, and nowhere else: no temporary file, no log, no page has a secret."""
    sku, raw = shop.a_sku("A1"), a_csv([*ROWS, ROWS[0], "", "SHORT-1"], beside="x" * 4000)
    assert len(raw) > 750_000  # more than werkzeug keeps in memory

    with nothing_is_written_in_clear(monkeypatch, caplog):
        file = file_of(send(keeper, sku, raw))
        assert look(vault, file)
        waiting = keeper.get(f"/imports/{file}/").get_data(as_text=True)
        assert keeper.get(f"/imports/{file}/standing").headers["HX-Refresh"] == "true"
        assert shop.count("batch") == 0
        assert shop.sql(
            f"SELECT count(*), count(*) FILTER (WHERE position('{CANARY}' IN encode(sealed, 'escape')) > 0)"
            " FROM upload_chunk"
        ) == [(4, 0)]
        assert [keeper.post(f"/imports/{file}/").status_code for _ in range(2)] == [302, 302]
        running = keeper.get(f"/imports/{file}/standing")
        assert ("HX-Refresh" in running.headers, "It begins in a moment" in running.get_data(as_text=True)) == (
            False,
            True,
        )
        assert Worker(vault).carries_out() == 1
        done, report = (keeper.get(f"/imports/{file}/{rest}").get_data(as_text=True) for rest in ("", "report.csv"))

    assert shop.count("upload_chunk") == 0
    for page in (waiting, done, report):
        assert CANARY not in page
    assert (
        re.findall(r'class="count">(\d+)<', waiting) == re.findall(r'class="count">(\d+)<', done) == ["201", "1", "1"]
    )
    assert all(
        said in waiting for said in ("UTF-8", "comma", "卡密", "2031-05-01 – 2031-05-09", "AAAA**********", "14")
    )
    assert "there is no card secret in it" in waiting
    assert report.startswith("\ufeffRow,Reason,Shape\r\n")
    assert report.count("\r\n") == 2
    assert shop.sql(
        "SELECT p.code, b.terms, b.state, b.card_count, b.source_name FROM batch b JOIN party p ON p.id = b.owner_id"
    ) == [("brand1", "consigned", "selling", 201, "cards.csv")]
    told = "SELECT action FROM audit_entry WHERE object_kind IN ('file', 'restock') ORDER BY id"
    assert shop.sql(told) == [("file.brought",), ("restock.asked",)]


def test_an_imported_file_says_that_its_cards_can_be_sold_until_their_batch_is_locked(
    keeper: Browser, shop: Shop, vault: DeskVault
) -> None:
    file = file_of(send(keeper, shop.a_sku("A1"), a_csv(ROWS)))
    assert look(vault, file)
    keeper.post(f"/imports/{file}/")
    assert Worker(vault).carries_out() == 1
    [(batch,)] = shop.sql("SELECT id FROM batch")
    done = keeper.get(f"/imports/{file}/").get_data(as_text=True)

    assert keeper.post(f"/batches/{batch}/lock", {"reason": "copies found"}).status_code == 302
    locked = keeper.get(f"/imports/{file}/").get_data(as_text=True)

    assert ["They can be sold now." in page for page in (done, locked)] == [True, False]


def test_bodies_that_come_piece_by_piece_are_those_of_the_routes_that_seal_files(keeper: Browser) -> None:
    """Two lists say the same: what the frame lets through unread, and what the panel seals as it comes."""
    rules = list(keeper.app.url_map.iter_rules())
    declared = {rule.endpoint: declared_for(keeper.app, rule.endpoint) for rule in rules}
    sealing = [endpoint for endpoint, one in declared.items() if one is not None and one.takes_files]

    assert sealing == ["imports.bring"]
    assert [rule.endpoint for rule in rules if ADDRESSES.fullmatch(address_of(rule))] == sealing


def test_two_uploads_of_one_file_and_one_form_sent_twice(keeper: Browser, shop: Shop, vault: DeskVault) -> None:
    """A form that is sent twice is one file; the same cards once more are duplicates, and import nothing."""
    sku, raw = shop.a_sku("A1"), a_csv(ROWS[:3])
    again = str(uuid4())
    first, twin = (file_of(send(keeper, sku, raw, submission=again)) for _ in range(2))
    look(vault, first)
    keeper.post(f"/imports/{first}/")
    Worker(vault).carries_out()

    second = file_of(send(keeper, sku, raw))
    look(vault, second)
    page = keeper.get(f"/imports/{second}/").get_data(as_text=True)
    answer = keeper.post(f"/imports/{second}/")

    assert first == twin != second
    assert re.findall(r'class="count">(\d+)<', page) == ["0", "3", "0"]
    assert "There is no new card in it." in page
    assert answer.status_code == 409
    assert shop.sql("SELECT count(*), sum(card_count) FROM batch") == [(1, 3)]


def test_a_tab_closed_in_the_middle_leaves_nothing_that_counts(keeper: Browser, shop: Shop) -> None:
    """A body that breaks off is no file: nothing can be looked at or imported, and room is made for the next."""
    sku, raw = shop.a_sku("A1"), a_csv(ROWS, beside="x" * 4000)
    page = keeper.get(f"/imports/new/{sku}").get_data(as_text=True)
    token = TOKEN.search(page)
    assert token is not None
    body = a_body({"csrf_token": token[1] or token[2]}, raw[:600_000])

    for _ in range(5):  # more often than files may arrive at once
        assert post_body(keeper, sku, body).status_code == 400

    assert shop.sql("SELECT count(*), bool_or(complete) FROM upload") == [(5, False)]
    assert shop.count("brought_file") == 0
    assert file_of(send(keeper, sku, raw))


def test_an_import_is_left_before_it_begins_and_taken_back_while_it_runs(
    keeper: Browser, shop: Shop, vault: DeskVault
) -> None:
    """Cancel at any moment: while it is looked at, before the yes, and once the import was asked for."""
    sku = shop.a_sku("A1")
    early, late = (file_of(send(keeper, sku, a_csv(ROWS[:3]))) for _ in range(2))

    left = keeper.post(f"/imports/{early}/leave")
    assert (left.status_code, look(vault, early)) == (302, False)
    assert "left" in keeper.get("/imports/").get_data(as_text=True)

    look(vault, late)
    keeper.post(f"/imports/{late}/")
    assert "All of them go again" in keeper.get(f"/imports/{late}/leave").get_data(as_text=True)
    assert keeper.post(f"/imports/{late}/leave").status_code == 302
    assert carry_out_taking_back(restock_id=shop.sql("SELECT id FROM restock")[0][0], vault=vault.client)
    Worker(vault).carries_out()

    page = keeper.get(f"/imports/{late}/").get_data(as_text=True)
    assert "It was taken back: none of its cards is there" in page
    assert (shop.count("card"), shop.count("batch")) == (0, 0)
    assert shop.sql("SELECT state, problem FROM restock") == [("refused", "cancelled")]
    assert keeper.post(f"/imports/{late}/leave", shown=f"/imports/{late}/leave").status_code == 409


def test_what_a_killed_worker_left_is_asked_for_again(keeper: Browser, shop: Shop, vault: DeskVault) -> None:
    """The worker died with the look in its hands: the sweep asks again, and a second look changes nothing."""
    file = file_of(send(keeper, shop.a_sku("A1"), a_csv(ROWS[:3])))
    shop.sql("DELETE FROM keystall_task")
    later = shop.sql("SELECT now() + interval '2 minutes'")[0][0]

    assert looks_due(now=later) == 1
    assert [look(vault, file) for _ in range(2)] == [True, True]
    shop.sql("DELETE FROM keystall_task")
    assert looks_due(now=later) == 0
    assert shop.sql("SELECT state, added FROM file_look") == [("looked", 3)]


def test_a_file_without_a_header_asks_which_column_holds_the_secrets(
    keeper: Browser, shop: Shop, vault: DeskVault
) -> None:
    sku = shop.a_sku("A1")
    raw = "\n".join(f"{n},{row}" for n, row in enumerate(ROWS[:4])).encode("utf-16")  # one of its rows says 2
    first = file_of(send(keeper, sku, raw))
    look(vault, first)
    asked = keeper.get(f"/imports/{first}/").get_data(as_text=True)

    again = re.search(r'name="submission" value="([^"]+)"', asked)
    assert again is not None
    values = {"column": "2", "submission": again[1]}
    second = file_of(keeper.post(f"/imports/{first}/column", values, shown=f"/imports/{first}/"))
    look(vault, second)
    seen = keeper.get(f"/imports/{second}/").get_data(as_text=True)

    assert "say which column holds the secrets" in asked
    assert re.findall(r'class="count">(\d+)<', seen) == ["4", "0", "0"]
    assert "UTF-16" in seen
    assert CANARY not in asked + seen


def test_the_rows_of_a_file_are_counted_once_and_bounded_where_they_are_looked_at(
    keeper: Browser, shop: Shop, vault: DeskVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look counts for the quota of who is not vetted, the import of the same file does not, nor is it bounded again;
    a file with more rows than a party may have looked at in a day is refused before its first."""
    monkeypatch.setattr(restocking, "MOST_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(looking, "ROWS_A_DAY", 7)
    file = file_of(send(keeper, shop.a_sku("A1"), a_csv(ROWS[:3])))
    look(vault, file)
    counted = shop.sql("SELECT rows FROM import_quota")
    keeper.post(f"/imports/{file}/")
    Worker(vault).carries_out()

    more = file_of(send(keeper, shop.a_sku("A1"), a_csv(ROWS[3:10])))
    look(vault, more)

    assert "As much as one party may bring in a day has come" in keeper.get(f"/imports/{more}/").get_data(as_text=True)
    assert counted == shop.sql("SELECT rows FROM import_quota") == [(3,)]
    assert shop.sql("SELECT card_count FROM batch") == [(3,)]
