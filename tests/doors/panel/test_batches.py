"""Batches in the panel: where their cards are, off sale and on again, recalled; and cards that two parties brought."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import db
from core.parties.rules import Role
from core.stock.contested_wishes import carry_out_wish, wishes_due
from tests.builders import Shop
from tests.support.imports import bring, codes
from tests.support.panel import Browser, a_login
from tests.support.vaults import DeskVault

Panel = Callable[[], Browser]


@pytest.fixture
def keeper(panel: Panel, shop: Shop) -> Browser:
    """Somebody who keeps the stock of a supplier."""
    a_login("stock@demo.test", shop.a_party("brand1", "supplier"), Role.STOCK)
    browser = panel()
    browser.sign_in("stock@demo.test")
    return browser


@pytest.fixture
def operator(panel: Panel, shop: Shop) -> Browser:
    """Somebody who does the platform's daily work, in a store with a merchant."""
    assert shop.merchant
    a_login("desk@demo.test", shop.platform, Role.PLATFORM_OPERATOR)
    browser = panel()
    browser.sign_in("desk@demo.test")
    browser.set_up_second()
    return browser


def counts(page: str) -> list[str]:
    return re.findall(r'class="count">(\d+)<', page)


def a_supplied_batch(shop: Shop, cards: int = 5) -> UUID:
    brand = shop.a_party("brand1", "supplier")
    no = shop.a_batch("A1", cards=cards, owner=brand, supplier=brand, terms="consigned")
    return UUID(str(shop.sql("SELECT id FROM batch WHERE no = %s", [no])[0][0]))


def state(shop: Shop, batch: UUID) -> Any:
    return shop.sql("SELECT state, reason FROM batch WHERE id = %s", [batch])[0]


def test_a_batch_is_taken_off_sale_and_put_back_by_who_took_it(keeper: Browser, operator: Browser, shop: Shop) -> None:
    batch = a_supplied_batch(shop)
    details = f"/batches/details/?id={batch}"

    said = keeper.get(f"/batches/{batch}/lock").get_data(as_text=True)
    assert "Cards that stop being sold at once: 5. Held by unpaid orders, and still held: 0." in said
    assert keeper.post(f"/batches/{batch}/lock", {"reason": "copies found"}).location == details
    assert state(shop, batch) == ("locked", "copies found")
    assert keeper.post(f"/batches/{batch}/lock", {"reason": "again"}).status_code == 409
    assert keeper.post(f"/batches/{batch}/unlock", {"reason": "mended"}).status_code == 302
    assert state(shop, batch)[0] == "selling"

    assert operator.post(f"/batches/{batch}/lock", {"reason": "stolen"}).status_code == 302
    assert "The platform has locked it: ask there." in keeper.get(details).get_data(as_text=True)
    assert keeper.post(f"/batches/{batch}/unlock", {"reason": "mine"}).status_code == 409
    assert state(shop, batch) == ("locked", "stolen")
    assert operator.post(f"/batches/{batch}/unlock", {"reason": "it was not"}).status_code == 302
    assert shop.sql("SELECT action FROM audit_entry WHERE object_kind = 'batch' ORDER BY id") == [
        ("batch.locked",),
        ("batch.selling",),
        ("batch.locked",),
        ("batch.selling",),
    ]


def test_a_reason_is_asked_for_and_junk_is_a_sentence(keeper: Browser, shop: Shop) -> None:
    """Fault 56: blanks, NUL, 100 kB: a sentence, and the batch stays on sale."""
    batch = a_supplied_batch(shop)

    for reason, status in (("", 422), ("  ", 422), ("a\0b", 422), ("x" * 501, 422), ("y" * 100_000, 413)):
        assert keeper.post(f"/batches/{batch}/lock", {"reason": reason}).status_code == status, reason[:5]
    assert state(shop, batch) == ("selling", None)
    assert keeper.post(f"/batches/{batch}/lock", {"reason": "e\u0301 😀\u202e"}).status_code == 302
    assert state(shop, batch) == ("locked", "e\u0301 😀\u202e")


def test_a_recall_says_whom_it_concerns_and_is_the_owners_and_the_platforms(
    keeper: Browser, operator: Browser, shop: Shop
) -> None:
    batch = a_supplied_batch(shop)
    shop.an_offer(shop.a_party("brand1"), shop.merchant, price_micro=3_000_000)
    shop.a_listing("A1")
    shop.place(shop.a_shopper(), shop.a_listing("A1"), 2)

    page = operator.get(f"/batches/{batch}/recall").get_data(as_text=True)
    refused = [keeper.get(f"/batches/{batch}/{act}").status_code for act in ("recall", "buyers")]
    buyers = operator.get(f"/batches/{batch}/buyers").get_data(as_text=True)
    own = keeper.get(f"/batches/details/?id={batch}").get_data(as_text=True)

    assert "Orders that have or wait for its cards: 1." in page
    assert "Cards held for unpaid orders: 2." in page
    assert refused == [404, 404]
    assert "ord_" in buyers
    assert counts(own) == ["3", "2", "0"]
    assert "ord_" not in own  # INV-T3: a supplier is told of no order
    assert operator.post(f"/batches/{batch}/recall", {"reason": "copies"}).status_code == 302
    assert state(shop, batch) == ("recalled", "copies")


def test_a_foreign_batch_is_one_that_is_not_there(keeper: Browser, shop: Shop) -> None:
    """INV-T1: a merchant's batch, and one that a merchant has bought of this very supplier: not theirs to lock."""
    own = shop.a_batch("A1")
    bought = shop.a_batch("A1", terms="owned", supplier=shop.a_party("brand1"))
    ids = [shop.sql("SELECT id FROM batch WHERE no = %s", [no])[0][0] for no in (own, bought)]
    mine, before = a_supplied_batch(shop), shop.fingerprint()

    for one in (*ids, uuid4()):
        for act in ("lock", "unlock"):
            assert keeper.get(f"/batches/{one}/{act}").status_code == 404
            assert (
                keeper.post(f"/batches/{one}/{act}", {"reason": "x"}, shown=f"/batches/{mine}/lock").status_code == 404
            )
    assert shop.fingerprint() == before
    assert counts(keeper.get(f"/batches/details/?id={ids[1]}").get_data(as_text=True)) == []


def test_cards_that_two_parties_brought_are_seen_and_decided_by_the_platform_alone(
    keeper: Browser, operator: Browser, shop: Shop, vault: DeskVault
) -> None:
    """INV-T4: neither party sees that there is another copy, before or after the decision."""
    shop.a_sku("B1")
    shop.a_party("agent1", "supplier")
    first = bring(vault, shop, codes(count=4), by="agent1").batch
    later = bring(vault, shop, codes(count=4), by="brand1").batch
    shop.sql("UPDATE party SET names = jsonb_build_object('en', 'House of ' || code)")
    own = [keeper.get(f"/batches/details/?id={later}").get_data(as_text=True)]

    listed = operator.get("/contested/").get_data(as_text=True)
    decide = operator.get(f"/contested/{later}").get_data(as_text=True)
    assert all(f"House of {code}" in page for code in ("brand1", "agent1") for page in (listed, decide))
    assert (
        operator.post(f"/contested/{later}", {"given_to": "later", "reason": "bought from a thief"}).status_code == 302
    )
    assert operator.post(f"/contested/{later}", {"given_to": "earlier", "reason": "x"}).status_code == 409
    wish = shop.sql("SELECT id FROM contested_wish")[0][0]
    assert carry_out(vault, wish)
    decided = operator.get("/contested/").get_data(as_text=True)
    own.append(keeper.get(f"/batches/details/?id={later}").get_data(as_text=True))

    assert ("agent1" in listed, "on sale 4, held 0, sold 0" in listed) == (True, True)
    assert "4 decided; 0 held and 0 sold could not be given" in decided
    assert [counts(page) for page in own] == [["4", "0", "0"]] * 2
    assert not any("ontested" in page or "agent1" in page or str(first) in page for page in own)
    assert shop.sql("SELECT DISTINCT action, party_id FROM audit_entry WHERE action LIKE 'contested%%' ORDER BY 1") == [
        ("contested.decided", shop.platform),
        ("contested.wished", shop.platform),
    ]
    assert [keeper.get(path).status_code for path in ("/contested/", f"/contested/{later}")] == [404, 404]
    assert operator.get(f"/contested/{later}").status_code == 404  # nothing of it waits any more
    assert shop.sql(
        "SELECT p.code, c.state, count(*) FROM card c JOIN party p ON p.id = c.owner_id GROUP BY 1, 2 ORDER BY 1"
    ) == [("agent1", "void", 4), ("brand1", "free", 4)]


def test_a_decision_that_no_operator_sealed_is_not_carried_out(operator: Browser, shop: Shop, vault: DeskVault) -> None:
    """Whoever writes rows with the shop's password, and who has lost the role since, decides nothing."""
    shop.a_sku("B1")
    shop.a_party("agent1", "supplier")
    bring(vault, shop, codes(count=4), by="agent1")
    shop.a_party("brand1", "supplier")
    later = bring(vault, shop, codes(count=4), by="brand1").batch
    operator.post(f"/contested/{later}", {"given_to": "later", "reason": "a good one"})
    wish = shop.sql("SELECT id FROM contested_wish")[0][0]

    assert wishes_due(now=shop.sql("SELECT now() + interval '2 minutes'")[0][0]) == 0  # it waits in the queue already
    shop.sql("UPDATE contested_wish SET given_to = 'earlier'")
    assert carry_out(vault, wish)

    assert shop.sql("SELECT state, decided FROM contested_wish") == [("refused", None)]
    assert shop.sql("SELECT DISTINCT state FROM card WHERE contested") == [("quarantined",)]


def carry_out(vault: DeskVault, wish: UUID) -> bool:
    """As the worker does, with its rights."""

    class AsWorker:
        def carry_out_wish(self, one: UUID, /) -> Any:
            try:
                return vault.client.carry_out_wish(one)
            finally:
                become("worker")

    def become(role: str) -> None:
        db.disconnect()
        db.connect(getattr(vault.config.database.roles, role), size=24)

    try:
        return carry_out_wish(wish_id=wish, vault=AsWorker(), now=db.database_now())
    finally:
        become("shop")
