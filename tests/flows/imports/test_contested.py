"""Cards that two parties brought: the first stays on sale, nobody hears of it, and the platform decides."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core.custody.imports import contesting
from core.ids import Prefix, public
from core.stock.contested import open_contests
from core.vault.client import VaultCode, VaultRefused
from core.vault.stock_requests import Decided, StockRequests
from tests.builders import Shop
from tests.races.racing import Beside
from tests.support.imports import bought, bring, codes, without_orders
from tests.support.vaults import DeskVault


def brought_twice(
    vault: DeskVault, shop: Shop, *, first: str = "brand1", second: str = "agent1", cards: int = 10
) -> Any:
    """The same cards by two parties; returns the batch of the later ones."""
    bring(vault, shop, codes(count=cards), by=first)
    report = bring(vault, shop, codes(count=cards), by=second)
    assert (report.added, report.duplicates, report.refused) == (cards, 0, 0)
    return report.batch


def decide(vault: DeskVault, batch: Any, give: str, card: Any = None) -> Decided:
    return StockRequests(vault.client).decide_contested(batch=batch, card=card, given_to=give, reason="checked")


def states(sql: Any) -> list[tuple[Any, ...]]:
    """Per party: state, whether contested, how many."""
    return sql(  # type: ignore[no-any-return]
        "SELECT p.code, c.state, c.contested, count(*)::int FROM card c JOIN party p ON p.id = c.owner_id"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )


def test_fault_67_the_platform_hears_of_a_copy_and_nobody_else(vault: DeskVault, shop: Shop, sql: Any) -> None:
    batch = brought_twice(vault, shop)

    (found,) = open_contests()
    assert (found.later, found.later_owner, found.earlier_owner) == (batch, "agent1", "brand1")
    assert (found.cards, found.on_sale, found.held, found.sold) == (10, 10, 0, 0)
    assert sql("SELECT kind, subject, detail FROM alert") == [
        ("cards_contested", public(Prefix.BATCH, batch), {"cards": 10})
    ]
    told = sql("SELECT detail FROM audit_entry WHERE action = 'batch.imported' ORDER BY id")
    assert told == [({"added": 10, "duplicates": 0, "refused": 0},)] * 2


def test_inv_s7_given_to_the_earlier_the_later_copies_are_void(vault: DeskVault, shop: Shop, sql: Any) -> None:
    batch = brought_twice(vault, shop)

    assert decide(vault, batch, "earlier") == Decided(10, 0, 0)
    assert states(sql) == [("agent1", "void", True, 10), ("brand1", "free", False, 10)]
    assert open_contests() == []
    assert sql("SELECT given_to, decided, reason, finished_at IS NOT NULL FROM contested_decision") == [
        ("earlier", 10, "checked", True)
    ]
    assert sql("SELECT detail FROM audit_entry WHERE action = 'contested.decided'") == [
        ({"given_to": "earlier", "cards": 10, "held": 0, "sold": 0},)
    ]
    again = [bring(vault, shop, codes(count=10), by=code).duplicates for code in ("brand1", "agent1")]
    assert again == [10, 10]


def test_inv_s7_given_to_the_later_the_first_copies_are_void_and_the_later_on_sale(
    vault: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contesting, "CARDS", 4)
    batch = brought_twice(vault, shop)
    last = sql("SELECT max(pos) FROM card")[0][0]

    assert decide(vault, batch, "later") == Decided(10, 0, 0)
    assert states(sql) == [("agent1", "free", False, 10), ("brand1", "void", True, 10)]
    assert sql("SELECT count(*)::int FROM card WHERE state = 'free' AND pos > %s", [last]) == [(10,)]
    assert sql("SELECT contested, count(*)::int FROM card_seal GROUP BY 1 ORDER BY 1") == [(False, 10), (True, 10)]
    third = bring(vault, shop, codes(count=10))
    assert (third.added, third.duplicates) == (10, 0)
    assert shop.card_states() == {"free": 10, "void": 10, "quarantined": 10}


def test_one_card_may_be_decided_by_itself(vault: DeskVault, shop: Shop, sql: Any) -> None:
    batch = brought_twice(vault, shop)
    card = sql("SELECT id FROM card WHERE contested LIMIT 1")[0][0]

    assert decide(vault, batch, "later", card) == Decided(1, 0, 0)
    assert states(sql) == [
        ("agent1", "free", False, 1),
        ("agent1", "quarantined", True, 9),
        ("brand1", "free", False, 9),
        ("brand1", "void", True, 1),
    ]


def test_what_is_held_waits_and_what_was_sold_stays_sold(vault: DeskVault, shop: Shop, sql: Any) -> None:
    batch = brought_twice(vault, shop, first="demo", cards=5)
    shop.place(shop.a_shopper(), shop.a_listing("B1"), 2)
    sold = sql("SELECT id FROM card WHERE state = 'held' ORDER BY id LIMIT 1")[0][0]
    sql("UPDATE card SET state = 'claimed' WHERE id = %s", [sold])
    sql("UPDATE card SET opened_at = now() WHERE id = %s", [sold])
    sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE id = %s", [sold])

    assert decide(vault, batch, "later") == Decided(3, 1, 1)
    assert states(sql) == [
        ("agent1", "free", False, 3),
        ("agent1", "quarantined", True, 2),
        ("demo", "delivered", False, 1),
        ("demo", "held", False, 1),
        ("demo", "void", True, 3),
    ]
    (left,) = open_contests()
    assert (left.cards, left.held, left.sold) == (2, 1, 1)
    assert decide(vault, batch, "earlier") == Decided(2, 0, 0)


@pytest.mark.parametrize("give", ["earlier", "later"])
def test_a_decision_about_nothing_is_refused_and_changes_nothing(vault: DeskVault, shop: Shop, give: str) -> None:
    batch = bring(vault, shop, codes()).batch
    before = shop.fingerprint()

    with pytest.raises(VaultRefused, match="nothing of it is contested") as refused:
        decide(vault, batch, give)
    assert refused.value.vault_code is VaultCode.CONTEST_REFUSED
    with pytest.raises(VaultRefused, match="earlier or the later"):
        decide(vault, batch, "nobody")
    assert shop.fingerprint() == before


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def _through_or_waiting(shop: Shop, buying: Beside) -> None:
    end = time.monotonic() + 30
    while not buying.has_ended() and not shop.sql(WAITING, role="superuser")[0][0] and time.monotonic() < end:
        time.sleep(0.01)


def sold_while_it_is_given_away(
    vault: DeskVault, shop: Shop, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """A shopper wants the only card in the moment before it is void: cards held, and what became of both copies."""
    without_orders(shop)
    batch = brought_twice(vault, shop, first="demo", cards=1)
    changed, buying = contesting.changed, list[Beside]()

    def with_a_buyer(statement: str, params: Any) -> int:
        if statement == contesting._QUARANTINE:
            buying.append(Beside(lambda: bought(urls["shop"], shop)))
            _through_or_waiting(shop, buying[0])
        return changed(statement, params)

    monkeypatch.setattr(contesting, "changed", with_a_buyer)
    decide(vault, batch, "later")
    return buying[0].result(), ", ".join(f"{row[0]} {row[1]}" for row in states(shop.sql))


def test_inv_s2_a_card_is_not_sold_and_given_away_at_once(
    vault: DeskVault, shop: Shop, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sold_while_it_is_given_away(vault, shop, urls, monkeypatch) == (0, "agent1 free, demo void")


def test_control_without_the_batchs_lock_it_is_sold_and_given_away(
    vault: DeskVault, shop: Shop, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contesting, "LOCK_BATCH", "SELECT %s")
    monkeypatch.setattr(contesting, "_EARLIER", contesting._EARLIER.replace("FOR UPDATE", ""))

    assert sold_while_it_is_given_away(vault, shop, urls, monkeypatch) == (1, "agent1 free, demo held")
