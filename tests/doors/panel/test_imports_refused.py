"""The import wizard says no: to strangers, to forged rows, to junk, and while the database is full."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from core import db
from core.parties.rules import Role
from tests.builders import Shop
from tests.support.brought import ROWS, a_csv, file_of, look, send
from tests.support.panel import Browser, a_login
from tests.support.restock import Worker
from tests.support.vaults import DeskVault

Panel = Callable[[], Browser]


@pytest.fixture
def keeper(panel: Panel, shop: Shop) -> Browser:
    """Somebody who keeps the stock of a supplier."""
    a_login("stock@demo.test", shop.a_party("brand1", "supplier"), Role.STOCK)
    shop.a_sku("A1")
    browser = panel()
    browser.sign_in("stock@demo.test")
    return browser


def test_a_look_that_nobody_of_the_panel_sealed_sees_nothing(keeper: Browser, shop: Shop, vault: DeskVault) -> None:
    """Whoever writes rows with the shop's password learns nothing of what a party brought."""
    file = file_of(send(keeper, shop.a_sku("A1"), a_csv(ROWS[:3])))
    shop.sql("UPDATE brought_file SET seal = decode(repeat('00', 32), 'hex')")

    look(vault, file)

    assert shop.sql("SELECT state, problem, added, found -> 'shapes' FROM file_look") == [("refused", "lost", 0, None)]


def test_a_foreign_file_is_one_that_is_not_there(keeper: Browser, panel: Panel, shop: Shop, vault: DeskVault) -> None:
    """INV-T1: another supplier and a merchant get the same 404 as for nothing, and change nothing."""
    file = file_of(send(keeper, shop.a_sku("A1"), a_csv(ROWS[:3])))
    look(vault, file)
    a_login("goods@demo.test", shop.merchant, Role.CATALOG)
    other = panel()
    other.sign_in("goods@demo.test")
    before = shop.fingerprint()

    for address in ("", "standing", "leave", "report.csv"):
        answers = [other.get(f"/imports/{one}/{address}").status_code for one in (file, uuid4())]
        assert answers == [404, 404], address
    for address in ("", "leave", "column"):
        values = {"column": "1", "submission": "x"}
        assert other.post(f"/imports/{file}/{address}", values, shown="/imports/new/1").status_code == 404, address
    assert shop.fingerprint() == before
    assert "cards.csv" not in other.get("/imports/").get_data(as_text=True)


def test_a_database_that_is_away_while_a_file_arrives_is_said_and_keeps_nothing(
    keeper: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 14: the disk of the database is full in the middle of a file."""
    from core.vault import arriving

    def full(*_: object) -> None:
        raise db.OutcomeUnknown("could not extend file: No space left on device")

    sku, kept = shop.a_sku("A1"), arriving.execute
    monkeypatch.setattr(
        arriving, "execute", lambda sql, *values: full() if "upload_chunk" in sql else kept(sql, *values)
    )

    answer = send(keeper, sku, a_csv(ROWS[:3]))

    assert answer.status_code == 503
    assert "Nothing was changed" in answer.get_data(as_text=True)
    assert shop.count("brought_file") == 0


def test_junk_beside_a_file_is_a_sentence_and_changes_nothing(panel: Panel, shop: Shop, vault: DeskVault) -> None:
    """Fault 55, 56: costs that are none, columns and file names of other signs: never a 500, nothing is imported."""
    a_login("goods@demo.test", shop.merchant, Role.CATALOG)
    seller = panel()
    seller.sign_in("goods@demo.test")
    sku = shop.a_sku("A1")
    file = file_of(send(seller, sku, a_csv(ROWS[:3]), name="\u202egpj.csv \u00e9\U0001f600.csv"))
    look(vault, file)
    before = shop.fingerprint()

    for cost in ("NaN", "Infinity", "-5", "1e30", "1.0000001", "３.２０", "1" * 40, "x" * 41):
        answer = seller.post(f"/imports/{file}/", {"unit_cost": cost})
        assert answer.status_code == 422, cost
    for column, status in (("", 422), ("a\0b", 422), ("x" * 201, 422), ("y" * 100_000, 413)):
        values = {"column": column, "submission": "once"}
        assert seller.post(f"/imports/{file}/column", values, shown=f"/imports/{file}/").status_code == status
    assert shop.fingerprint() == before

    assert seller.post(f"/imports/{file}/", {"unit_cost": "3.200001"}).status_code == 302
    Worker(vault).carries_out()
    assert shop.sql("SELECT source_name, terms, unit_cost_micro FROM batch") == [
        ("gpj.csv \u00e9\U0001f600.csv", "own", 3_200_001)
    ]
    for address in ("abc", "00000000-0000-7000-8000-00000000000g", "%00", "9" * 40):
        assert seller.get(f"/imports/{address}/").status_code == 404, address
        assert seller.get(f"/imports/new/{address}").status_code == 404, address
    assert send_nothing(seller, sku) == 422
    assert seller.get("/imports/new?q=%00%F0%9F%98%80" + "z" * 500).status_code == 200


def send_nothing(browser: Browser, sku: int) -> int:
    """The form without a file: a sentence."""
    answer = browser.post(f"/imports/new/{sku}", {"submission": "once"})
    assert "Choose a file first." in answer.get_data(as_text=True)
    return answer.status_code
