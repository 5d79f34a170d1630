"""Fault 106 for the addresses that pick-up codes go to: who may have an order's code, whatever the rows say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.fulfilment.pickup_codes import may_get_code
from core.members.confirmed import ConfirmedContact, confirmed_contact
from core.vault.client import PickedUp, VaultCode
from tests.builders import Talker
from tests.support.binding import Binder
from tests.support.exchange import ADDRESS, Exchange
from tests.support.pickups import confirmed
from tests.support.sales import Sale

Sql = Callable[..., list[tuple[Any, ...]]]
REFUSED = VaultCode.PICKUP_REFUSED

REDIRECTED = {
    "another address": "UPDATE contact SET address = 'thief@example.com' WHERE shopper_id = %(victim)s",
    "another moment": "UPDATE contact SET confirmed_at = confirmed_at + interval '1 s' WHERE shopper_id = %(victim)s",
    "the thief's own in its place": "UPDATE contact SET (id, address, identity_id, chat_address, confirmed_at, seal) ="
    " (SELECT gen_random_uuid(), address, identity_id, chat_address, confirmed_at, seal FROM contact"
    " WHERE shopper_id = %(thief)s) WHERE shopper_id = %(victim)s",
    "the thief's own, said to be the victim's": "UPDATE contact SET identity_id = %(identity)s,"
    " chat_address = %(chat)s, shopper_id = %(victim)s WHERE shopper_id = %(thief)s",
    "the thief's own, moved": "UPDATE contact SET shopper_id = %(victim)s WHERE shopper_id = %(thief)s",
    "a new one": "INSERT INTO contact (id, shopper_id, merchant_id, kind, address, identity_id, chat_address,"
    " confirmed_at, created_at, seal) SELECT gen_random_uuid(), %(victim)s, merchant_id, kind, 'thief@example.com',"
    " %(identity)s, %(chat)s, now(), now(), seal FROM contact WHERE shopper_id = %(thief)s",
}


@pytest.mark.parametrize("name", REDIRECTED)
@pytest.mark.parametrize("is_put_back", [False, True])
def test_fault_106_a_code_that_went_where_somebody_wrote_it_should_is_none(
    desk: Exchange, sql: Sql, other: Talker, name: str, is_put_back: bool
) -> None:
    """Fault 106: with web's login; also when the row is as it was by the time that the code is typed."""
    sale, thief = desk.delivered(1), desk.counter.shop.a_shopper()
    confirmed(desk.counter.shop, thief, email="thief@example.com")
    if "victim's" not in name and name not in ("a new one", "the thief's own, moved"):
        confirmed(desk.counter.shop, sale.talker, email=ADDRESS)
    kept = sql("SELECT * FROM contact")
    named = {"victim": sale.talker.shopper_id, "thief": thief.shopper_id, "identity": sale.talker.identity_id}
    sql(REDIRECTED[name], named | {"chat": f"web:{sale.talker.identity_id}"}, role="shop")
    code = desk.code_to(sale.talker.shopper_id, sale)
    if is_put_back:
        sql("DELETE FROM contact")
        for row in kept:
            sql(f"INSERT INTO contact VALUES ({', '.join(['%s'] * len(row))})", list(row))
    before = desk.left()

    assert desk.exchange(other, code) is REFUSED
    assert desk.left() == before
    assert desk.reads(other, sale) is VaultCode.OTHER_READER


@pytest.mark.parametrize(
    "column", ["contact_id", "contact_identity_id", "contact_chat", "contact_hash", "contact_confirmed_at"]
)
def test_fault_106_where_a_code_went_is_part_of_its_proof(desk: Exchange, sql: Sql, other: Talker, column: str) -> None:
    """Fault 106: as the owner of the tables; control: as it stands it works."""
    sale = desk.delivered(1)
    code = desk.code(sale)
    ((value,),) = sql(f"SELECT {column}::text FROM pickup_code")
    values = {"contact_chat": "'web:666'", "contact_hash": "sha256('x')", "contact_confirmed_at": "now()"}
    sql(f"UPDATE pickup_code SET {column} = {values.get(column, 'gen_random_uuid()')}")
    assert desk.exchange(other, code) is REFUSED

    kind = {"contact_chat": "text", "contact_hash": "bytea", "contact_confirmed_at": "timestamptz"}.get(column, "uuid")
    sql(f"UPDATE pickup_code SET {column} = %s::{kind}", [value])
    assert desk.exchange(other, code) == PickedUp(sale.order, (sale.delivery,))


def test_fault_106_the_account_that_ordered_is_read_from_the_orders_seal(
    desk: Exchange, sql: Sql, other: Talker
) -> None:
    """Fault 106: the order is the thief's for as long as the code is exchanged, and its buyer's again after that."""
    sale, thief = desk.delivered(1), desk.counter.shop.a_shopper()
    confirmed(desk.counter.shop, thief, email="thief@example.com")
    code = desk.code_to(thief.shopper_id, sale)
    turned = "UPDATE shop_order SET shopper_id = %s, identity_id = %s, chat_address = %s WHERE id = %s"
    sql(turned, [thief.shopper_id, thief.identity_id, f"web:{thief.identity_id}", sale.order])
    before = desk.left()

    assert desk.exchange(other, code) is REFUSED
    assert desk.left() == before


def test_a_bound_accounts_address_gets_codes_that_work_where_it_may_read(desk: Exchange, sql: Sql) -> None:
    """What was ordered before, after thirty days; what is ordered since, at once; after unbinding, nothing."""
    shop = desk.counter.shop
    binder, buyer = Binder(shop), shop.a_shopper()
    friend, third = binder.a_shopper(age=1), shop.a_shopper()
    before = desk.delivered(1, talker=buyer)
    confirmed(shop, friend, email="friend@example.com")
    binder.now = datetime.now(UTC)
    kept = binder.bind(buyer, friend)
    since = desk.delivered(1, talker=binder.as_now(buyer))

    assert desk.exchange(third, desk.code_to(kept, before)) is REFUSED
    assert desk.exchange(third, desk.code_to(kept, since)) == PickedUp(since.order, (since.delivery,))
    code = desk.code_to(kept, since)
    binder.now = datetime.now(UTC)
    leaver = next(one for one in (buyer, friend) if one.shopper_id != kept)
    binder.let_go(leaver, said_by=leaver)
    assert desk.exchange(shop.a_shopper(), code) is REFUSED
    assert sql("SELECT shopper_id FROM contact") == [(binder.as_now(friend).shopper_id,)]


def test_a_message_has_no_code_that_the_vault_would_refuse(desk: Exchange) -> None:
    """What the worker sees in the tables: the address of a bound account, for orders of before and since."""
    shop = desk.counter.shop
    binder, buyer = Binder(shop), shop.a_shopper()
    friend, stranger = binder.a_shopper(age=1), shop.a_shopper()
    before = desk.delivered(1, talker=buyer)
    confirmed(shop, buyer, email=ADDRESS)
    confirmed(shop, stranger, email="stranger@example.com")
    own, foreign = (confirmed_contact(shopper_id=one.shopper_id, kind="email") for one in (buyer, stranger))
    confirmed(shop, friend, email="friend@example.com")
    bound_at = binder.now = datetime.now(UTC)
    kept = binder.bind(buyer, friend)
    bound = confirmed_contact(shopper_id=kept, kind="email")
    since = desk.delivered(1, talker=binder.as_now(buyer))
    assert own
    assert foreign
    assert bound

    def may(sale: Sale, contact: ConfirmedContact, *, days: int = 0) -> bool:
        return may_get_code(order_id=sale.order, contact=contact, now=bound_at + timedelta(days=days))

    assert bound.sealed.by.identity_id == friend.identity_id  # confirmed last
    assert [may(before, own), may(since, own), may(since, bound), may(before, bound, days=30)] == [True] * 4
    assert [may(before, bound), may(before, bound, days=29), may(since, foreign, days=60)] == [False] * 3
