"""The books: what is added, what is refused, what is given back (INV-M1 to INV-M6)."""

from __future__ import annotations

import pytest

from core.db import atomic
from core.errors import NotFound
from core.ids import new_id
from core.ledger import holds
from core.ledger.checks import CHECKS
from core.ledger.rules import AccountKind, TransferCode
from core.ledger.service import (
    AlreadyReversed,
    BelowFloor,
    NewTransfer,
    balance,
    change_balances,
    open_account,
    post,
    reverse,
    stored_balance,
)
from tests.builders import NOON, Shop

CODE = TransferCode.TOP_UP


@pytest.fixture
def world(shop: Shop) -> int:
    return account(AccountKind.WORLD, "source:test")


@pytest.fixture
def wallet(shop: Shop) -> int:
    return account(AccountKind.WALLET, "shopper:1")


def account(kind: AccountKind, holder: str, currency: str = "CNY") -> int:
    return open_account(kind=kind, holder=holder, counterparty="party:1", currency=currency)


def move(debit: int, credit: int, amount: int, currency: str = "CNY") -> NewTransfer:
    return NewTransfer(debit, credit, amount, currency, CODE, new_id())


def wallet_says() -> int:
    return stored_balance(kind=AccountKind.WALLET, holder="shopper:1", counterparty="party:1", currency="CNY")


def violations(shop: Shop) -> dict[str, int]:
    found = {name: shop.sql(text)[0][0] for name, text in CHECKS.items()}
    return {name: count for name, count in found.items() if count}


def test_an_account_is_opened_once(shop: Shop, wallet: int) -> None:
    assert account(AccountKind.WALLET, "shopper:1") == wallet
    assert shop.sql("SELECT id, balance, floor FROM account") == [(wallet, 0, 0)]


def test_a_transfer_moves_the_stored_balance_and_the_recomputed_one(shop: Shop, world: int, wallet: int) -> None:
    """INV-M2, INV-M3: both books say the same."""
    post(transfers=[move(world, wallet, 700), move(wallet, world, 200)], now=NOON)

    assert (wallet_says(), balance(account_id=wallet), balance(account_id=world)) == (500, 500, -500)
    assert violations(shop) == {}


def test_amounts_of_one_account_are_summed_before_its_floor_is_judged(world: int, wallet: int) -> None:
    """INV-M4: what counts is where an account ends."""
    post(transfers=[move(wallet, world, 200), move(world, wallet, 200)], now=NOON)

    assert wallet_says() == 0


def test_below_its_floor_nothing_moves_at_all(shop: Shop, world: int, wallet: int) -> None:
    """INV-M4: the other transfers of the same step stay out too."""
    other = account(AccountKind.WALLET, "shopper:2")
    post(transfers=[move(world, wallet, 100)], now=NOON)
    before = shop.fingerprint()

    with pytest.raises(BelowFloor):
        post(transfers=[move(world, other, 50), move(wallet, world, 101)], now=NOON)

    assert shop.fingerprint() == before


def test_a_transfer_is_reversed_whole_and_once(shop: Shop, world: int, wallet: int) -> None:
    """INV-M6: a correction is a transfer of its own."""
    post(transfers=[move(world, wallet, 300)], now=NOON)
    first = shop.sql("SELECT id FROM transfer")[0][0]

    mirror = reverse(transfer_id=first, reason="typed twice", now=NOON)
    before = shop.fingerprint()
    with pytest.raises(AlreadyReversed):
        reverse(transfer_id=first, reason="again", now=NOON)

    assert (wallet_says(), balance(account_id=world)) == (0, 0)
    assert shop.sql("SELECT transfer_id, by_transfer_id FROM reversal") == [(first, mirror)]
    assert shop.fingerprint() == before
    assert violations(shop) == {}


def test_a_reversal_does_not_take_what_was_spent(shop: Shop, world: int, wallet: int) -> None:
    """INV-M4, INV-M6: a floor holds for corrections too."""
    post(transfers=[move(world, wallet, 300)], now=NOON)
    first = shop.sql("SELECT id FROM transfer")[0][0]
    post(transfers=[move(wallet, world, 1)], now=NOON)
    before = shop.fingerprint()

    with pytest.raises(BelowFloor):
        reverse(transfer_id=first, reason="too late", now=NOON)
    with pytest.raises(NotFound):
        reverse(transfer_id=0, reason="none", now=NOON)

    assert shop.fingerprint() == before


@pytest.mark.parametrize("expired", [False, True])
def test_held_money_is_settled_exactly_once(shop: Shop, world: int, wallet: int, expired: bool) -> None:
    """INV-M5: captured or released, never both."""
    held_in = account(AccountKind.WALLET_HOLD, "shopper:1")
    order = new_id()
    post(transfers=[move(world, wallet, 500)], now=NOON)
    with atomic():
        changes = holds.hold_money(
            account_id=wallet, held_in_id=held_in, order_id=order, amount=300, currency="CNY", now=NOON
        )
        change_balances(changes)
    aside = wallet_says()

    released = holds.release(order_ids=[order], expired=expired, now=NOON)
    again = holds.release(order_ids=[order], now=NOON)
    captured = holds.capture(order_id=order, now=NOON)

    assert (aside, released, again, captured) == (200, 1, 0, None)
    assert wallet_says() == 500
    assert violations(shop) == {}
