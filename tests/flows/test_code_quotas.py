"""Codes that are asked for at once are counted all; who has bought nothing leaves enough for those who have."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.db import connection
from core.members import code_quotas, contacts
from core.members.code_quotas import TooManyCodes
from core.members.contacts import ContactKind, ask_confirmation
from tests.builders import KEYS, NOON, Shop, Talker

Ask = Callable[..., bool]


@pytest.fixture
def ask() -> Ask:
    """Ask for a code; whether one comes."""

    def asked(who: Talker, address: str, network: str = "") -> bool:
        with connection():
            here = {"conversation_id": who.conversation_id, "chat": f"web:{who.identity_id}"}
            wish = {"kind": ContactKind.EMAIL, "address": address, "network": network, "seal_key": KEYS.seal}
            try:
                ask_confirmation(actor=who.actor, now=NOON, **here, **wish)
            except TooManyCodes:
                return False
            return True

    return asked


@pytest.mark.parametrize("turns", ["both", "of the address", "of the shop", "none"])
def test_codes_asked_for_at_once_are_counted_one_after_another(
    shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch, turns: str
) -> None:
    """One address in one shop. Without a turn (the control) all count before any is written."""
    enqueue = contacts.enqueue

    def slowly(*given: Any) -> None:
        time.sleep(0.1)
        enqueue(*given)

    monkeypatch.setattr(contacts, "enqueue", slowly)
    if turns in ("of the address", "none"):
        monkeypatch.setattr(code_quotas, "TURN_OF_MERCHANT", "SELECT %s::bigint")
    if turns in ("of the shop", "none"):
        monkeypatch.setattr(code_quotas, "TURN_OF_ADDRESS", "SELECT %s::text")
    people = [shop.a_shopper() for _ in range(8)]
    for who in people[:4]:
        assert ask(who, "victim@example.com")

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda who: ask(who, "victim@example.com"), people[4:]))

    assert (sent == 1) is (turns != "none")
    assert shop.count("contact_code") == shop.count("keystall_task") == 4 + sent


def test_one_address_is_counted_in_all_shops_at_once(shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn of the shop does not help here, that of the address does."""
    enqueue = contacts.enqueue

    def slowly(*given: Any) -> None:
        time.sleep(0.1)
        enqueue(*given)

    monkeypatch.setattr(contacts, "enqueue", slowly)
    monkeypatch.setattr(code_quotas, "PER_ADDRESS_PER_DAY", 1)
    people = [shop.a_shopper(), shop.a_shopper(merchant=shop.a_party("other"))]

    with ThreadPoolExecutor(2) as pool:
        sent = sum(pool.map(lambda who: ask(who, "victim@example.com"), people))

    assert sent == 1
    assert shop.count("contact_code") == 1


def test_guests_leave_enough_of_the_shops_codes_for_customers(
    shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_quotas, "PER_MERCHANT_PER_HOUR", 6)
    monkeypatch.setattr(code_quotas, "GUESTS_PER_HOUR", 3)
    guests = [shop.a_shopper(paid_orders=0) for _ in range(5)]
    customers = [shop.a_shopper(paid_orders=1) for _ in range(4)]

    by_guests = [ask(who, f"guest{number}@example.com") for number, who in enumerate(guests)]
    by_customers = [ask(who, f"customer{number}@example.com") for number, who in enumerate(customers)]

    assert by_guests == [True, True, True, False, False]
    assert by_customers == [True, True, True, False]
    assert shop.count("contact_code") == 6


def test_guests_of_one_network_leave_some_for_other_guests(
    shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_quotas, "GUESTS_OF_NETWORK_PER_HOUR", 2)
    guests = [shop.a_shopper(paid_orders=0) for _ in range(7)]
    networks = ["one", "one", "one", "other", "", "", ""]

    sent = [
        ask(who, f"a{n}@example.com", network) for n, (who, network) in enumerate(zip(guests, networks, strict=True))
    ]

    assert sent == [True, True, False, True, True, True, True]
    assert ask(shop.a_shopper(paid_orders=1), "customer@example.com", "one")
    assert shop.sql("SELECT network, count(*)::int FROM contact_code GROUP BY 1 ORDER BY 1") == [
        ("", 3), ("one", 3), ("other", 1)
    ]  # fmt: skip
