"""The vault's own looks at bindings: what is sealed is followed, what was only written is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.config import Config
from core.custody.keychain.keys import OpenVault, open_vault
from core.custody.openings.merged import parts_of
from core.custody.openings.readers import bindings_of, reads
from core.ids import new_id
from core.payments.service import pay_from_wallet
from core.vault.bindings import Side
from core.vault.client import VaultCode, VaultRefused
from ops.processes.vault_wiring import key_source
from tests.builders import NOON, Talker
from tests.support.binding import Binder
from tests.support.sales import Counter, a_counter, account, fill_wallet
from tests.support.vaults import desk_vault

Sql = Callable[..., list[tuple[Any, ...]]]
TOTAL = 1500


@pytest.fixture
def counter(store_db: Any, sql: Sql, config: Config) -> Counter:
    return a_counter(desk_vault(config), sql)


@pytest.fixture
def binder(counter: Counter) -> Binder:
    return Binder(counter.shop, datetime.now(UTC))


@pytest.fixture
def old(binder: Binder) -> Talker:
    return binder.a_shopper(age=2)


@pytest.fixture
def young(binder: Binder) -> Talker:
    return binder.a_shopper(age=1)


def as_vault(config: Config, look: Callable[[OpenVault], Any]) -> Any:
    """What the vault's process sees, with its rights and keys."""
    db.disconnect()
    db.connect(config.database.roles.vault, size=2)
    try:
        return look(open_vault(config, key_source(config)))
    finally:
        db.disconnect()
        db.connect(config.database.roles.shop, size=24)


def side(talker: Talker) -> Side:
    return Side(talker.identity_id, f"web:{talker.identity_id}")


def may(config: Config, order: UUID, buyer: Talker, reader: Talker | Side, *, days: int = 0) -> bool:
    """Whether the vault lets `reader` read what `buyer` ordered, so many days from now."""
    who = reader if isinstance(reader, Side) else side(reader)
    now = datetime.now(UTC) + timedelta(days=days)
    return bool(as_vault(config, lambda vault: reads(vault, order=order, buyer=side(buyer), reader=who, now=now)))


def topped_up(counter: Counter, talker: Talker, minor: int = 5000) -> None:
    """A wallet filled by an authentic notice."""
    fill_wallet(counter, talker, counter.pay(talker, None, minor, booked="wallet"))
    wallet = account(counter, "wallet", f"shopper:{talker.shopper_id}", talker.merchant_id)
    counter.shop.sql("UPDATE account SET balance = balance + %s WHERE id = %s", [minor, wallet])


def paid_from_wallet(counter: Counter, talker: Talker, *, quantity: int = 1) -> UUID:
    """An order paid from the wallet, its delivery taken by a worker."""
    order = counter.shop.place(talker, counter.listing, quantity).order_id
    pay_from_wallet(actor=talker.actor, order_id=order, submission_id=str(new_id()), now=NOON)
    sql = "UPDATE delivery SET state = 'sending' WHERE order_id = %s RETURNING id"
    delivery: UUID = counter.shop.sql(sql, [order])[0][0]
    return delivery


def opens(counter: Counter, delivery: UUID) -> int | VaultCode:
    """How many cards the vault opens, or why not."""
    try:
        return len(counter.vault.client.open_delivery(delivery).cards)
    except VaultRefused as refusal:
        return refusal.vault_code


def test_a_bound_chat_reads_what_is_ordered_from_then_on_and_in_thirty_days_what_was_before(
    binder: Binder, old: Talker, young: Talker, counter: Counter, config: Config
) -> None:
    before = counter.shop.place(young, counter.listing).order_id
    binder.now = datetime.now(UTC) + timedelta(milliseconds=5)
    assert not may(config, before, young, old)
    binder.bind(old, young)
    while datetime.now(UTC) <= binder.now:
        pass
    after = counter.shop.place(binder.as_now(young), counter.listing).order_id

    assert may(config, before, young, young)
    assert (may(config, before, young, old), may(config, before, young, old, days=29)) == (False, False)
    assert may(config, before, young, old, days=31)
    assert may(config, after, young, old)
    binder.now = datetime.now(UTC) + timedelta(seconds=1)
    binder.let_go(young, said_by=old)
    assert not may(config, after, young, old, days=31)
    assert may(config, after, young, young)


FORGERIES = {
    "a row that somebody wrote": "INSERT INTO binding (id, merchant_id, kept_shopper_id, kept_identity_id,"
    " kept_address, merged_identity_id, merged_address, bound_at, seal) SELECT gen_random_uuid(), merchant_id,"
    " kept_shopper_id, kept_identity_id, kept_address, %(attacker)s, %(chat)s, bound_at, seal FROM binding",
    "a row with another's seal, all else the same": "INSERT INTO binding (id, merchant_id, kept_shopper_id,"
    " kept_identity_id, kept_address, merged_identity_id, merged_address, bound_at, seal) SELECT gen_random_uuid(),"
    " merchant_id, kept_shopper_id, kept_identity_id, kept_address, %(attacker)s, %(chat)s,"
    " bound_at - interval '60 days', sha256('x') FROM binding",
}


@pytest.mark.parametrize("statement", FORGERIES.values(), ids=FORGERIES)
def test_fault_106_a_row_that_was_only_written_binds_nobody(
    binder: Binder, old: Talker, young: Talker, counter: Counter, config: Config, sql: Sql, statement: str
) -> None:
    """Fault 106, as the web's own role."""
    binder.bind(old, young)
    attacker = binder.a_shopper()
    order = counter.shop.place(old, counter.listing).order_id

    named = {"attacker": attacker.identity_id, "chat": f"web:{attacker.identity_id}"}
    sql(statement, named, role="shop")

    assert not may(config, order, old, attacker, days=400)
    assert len(as_vault(config, lambda vault: bindings_of(vault, old.identity_id))) == 1


def test_fault_106_a_bound_identity_whose_chat_was_turned_elsewhere_reads_nothing_there(
    binder: Binder, old: Talker, young: Talker, counter: Counter, config: Config
) -> None:
    """Fault 106: the conversation's address points to the attacker's chat; the sealed one does not."""
    binder.bind(old, young)
    order = counter.shop.place(binder.as_now(old), counter.listing).order_id

    assert not may(config, order, old, Side(young.identity_id, "telegram:1:666"), days=400)
    assert not may(config, order, old, Side(old.identity_id, "telegram:1:666"), days=400)


def test_fault_106_no_other_time_of_the_order_counts_than_the_one_in_its_number(
    binder: Binder, old: Talker, young: Talker, counter: Counter, config: Config, sql: Sql
) -> None:
    """Fault 106: the tables say that it was placed after the binding."""
    order = counter.shop.place(young, counter.listing).order_id
    binder.now = datetime.now(UTC) + timedelta(seconds=1)
    binder.bind(old, young)

    sql("UPDATE shop_order SET placed_at = now() + interval '1 hour'")

    assert not may(config, order, young, old)


def test_an_order_paid_from_a_wallet_opens_after_its_shopper_became_part_of_another(
    binder: Binder, old: Talker, young: Talker, counter: Counter, sql: Sql
) -> None:
    topped_up(counter, young)
    first = paid_from_wallet(counter, young)
    assert opens(counter, first) == 1
    on_its_way = paid_from_wallet(counter, young)

    binder.bind(old, young)
    later = paid_from_wallet(counter, binder.as_now(old))

    assert (opens(counter, on_its_way), opens(counter, later)) == (1, 1)
    assert sql("SELECT used_for FROM evidence_use WHERE evidence LIKE 'notice:%'") == [(f"wallet:{young.shopper_id}",)]


def test_two_filled_wallets_pay_together_over_two_mergers(
    binder: Binder, old: Talker, young: Talker, counter: Counter, sql: Sql
) -> None:
    oldest = binder.a_shopper(age=3)
    for talker in (old, young, oldest):
        topped_up(counter, talker, TOTAL)
    spent = [paid_from_wallet(counter, young), paid_from_wallet(counter, old)]
    assert opens(counter, spent[0]) == 1

    binder.bind(old, young)
    binder.bind(oldest, young)
    whole = paid_from_wallet(counter, binder.as_now(young))

    assert [opens(counter, one) for one in (*spent, whole)] == [1, 1, 1]
    assert {used for (used,) in sql("SELECT used_for FROM evidence_use WHERE evidence LIKE 'notice:%'")} == {
        f"wallet:{talker.shopper_id}" for talker in (old, young, oldest)
    }


def test_an_order_paid_from_the_shared_wallet_opens_after_its_account_was_let_go(
    binder: Binder, old: Talker, young: Talker, counter: Counter
) -> None:
    topped_up(counter, old)
    binder.bind(old, young)
    on_its_way = paid_from_wallet(counter, binder.as_now(young))
    binder.now = datetime.now(UTC) + timedelta(seconds=1)

    binder.let_go(young, said_by=old)
    own = paid_from_wallet(counter, binder.as_now(old))

    assert (opens(counter, on_its_way), opens(counter, own)) == (1, 1)


def test_fault_106_a_forged_merger_lends_nobody_a_wallet(
    binder: Binder, old: Talker, young: Talker, counter: Counter, config: Config, sql: Sql
) -> None:
    """Fault 106: an unfunded wallet spends what a row says it spends; another's money does not cover for it."""
    topped_up(counter, old)
    empty = account(counter, "wallet", f"shopper:{young.shopper_id}", young.merchant_id)
    sql("UPDATE account SET balance = 5000 WHERE id = %s", [empty])
    delivery = paid_from_wallet(counter, young)
    assert opens(counter, delivery) is VaultCode.UNPAID
    row = "INSERT INTO binding (id, merchant_id, kept_shopper_id, merged_shopper_id, kept_identity_id, kept_address,"
    row += " merged_identity_id, merged_address, bound_at, seal) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now(),"
    row += " sha256('x'))"
    sides = [side(old).identity_id, side(old).chat_address, side(young).identity_id, side(young).chat_address]
    sql(row, [new_id(), old.merchant_id, old.shopper_id, young.shopper_id, *sides], role="shop")

    assert opens(counter, delivery) is VaultCode.UNPAID
    assert as_vault(config, lambda vault: parts_of(vault, young.shopper_id)) == {young.shopper_id}


def test_fault_106_a_notice_that_one_wallet_was_filled_with_fills_no_other(
    binder: Binder, old: Talker, young: Talker, counter: Counter, sql: Sql
) -> None:
    """Fault 106: a transfer that somebody wrote brings the same money into a second wallet."""
    topped_up(counter, old)
    assert opens(counter, paid_from_wallet(counter, old)) == 1
    payment = sql("SELECT payment_id FROM payment_event")[0][0]
    fill_wallet(counter, young, payment)
    sql("UPDATE account SET balance = 5000 WHERE holder = %s AND kind = 'wallet'", [f"shopper:{young.shopper_id}"])

    assert opens(counter, paid_from_wallet(counter, young)) is VaultCode.UNPAID
    fill_wallet(counter, old, payment)  # nor the same one twice
    sql("UPDATE account SET balance = 6500 WHERE holder = %s AND kind = 'wallet'", [f"shopper:{old.shopper_id}"])
    assert opens(counter, paid_from_wallet(counter, old, quantity=3)) is VaultCode.UNPAID
