"""Fault 106 for pick-up codes: who writes the database, with web's login or the owner's, gets no card by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from core import db
from core.clock import DatabaseClock
from core.fulfilment.pickup_codes import PickupCodes
from core.ids import new_id
from core.members.confirmed import confirmed_contact
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.client import PickedUp, VaultCode
from core.vault.pickups import PickupUse, pickup_key, seal_use, use_key
from tests.builders import Talker
from tests.support.exchange import Exchange

Sql = Callable[..., list[tuple[Any, ...]]]
REFUSED = VaultCode.PICKUP_REFUSED

FORBIDDEN = {
    "web reads codes": ("shop", "SELECT * FROM pickup_code"),
    "web makes a code": ("shop", "INSERT INTO pickup_code SELECT * FROM pickup_code"),
    "web moves a code": ("shop", "UPDATE pickup_code SET order_id = order_id"),
    "web gives a code its tries back": ("shop", "UPDATE pickup_code SET wrong = 0"),
    "web reads what is typed elsewhere": ("shop", "SELECT sealed_code FROM pickup_wish"),
    "web moves a wish": ("shop", "UPDATE pickup_wish SET conversation_id = conversation_id"),
    "web notes a use": ("shop", "INSERT INTO pickup_use SELECT * FROM pickup_use"),
    "web takes a use away": ("shop", "DELETE FROM pickup_use"),
    "web reads who used what": ("shop", "SELECT code_id, seal FROM pickup_use"),
    "web forgets wrong codes": ("shop", "UPDATE pickup_guess SET wrong = 0"),
    "worker reads hashes": ("worker", "SELECT code_hash FROM pickup_code"),
    "worker reads what is typed": ("worker", "SELECT sealed_code FROM pickup_wish"),
    "worker gives tries back": ("worker", "UPDATE pickup_code SET wrong = 0"),
    "worker notes a use": ("worker", "INSERT INTO pickup_use SELECT * FROM pickup_use"),
    "worker takes a use away": ("worker", "DELETE FROM pickup_use"),
    "vault rewrites a use": ("vault", "UPDATE pickup_use SET order_id = order_id"),
    "vault takes a use away": ("vault", "DELETE FROM pickup_use"),
    "panel reads codes": ("panel", "SELECT * FROM pickup_code"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_no_role_may_do_with_codes(desk: Exchange, sql: Sql, name: str) -> None:
    role, statement = FORBIDDEN[name]

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(statement, role=role)


MADE = """
INSERT INTO pickup_code (id, order_id, part_hash, code_hash, made_at, expires_at, contact_id, contact_identity_id,
    contact_chat, contact_hash, contact_confirmed_at, contact_seal, proof)
SELECT gen_random_uuid(), %(victim)s, part_hash, code_hash, made_at, expires_at, contact_id, contact_identity_id,
       contact_chat, contact_hash, contact_confirmed_at, contact_seal, proof FROM pickup_code
WHERE order_id = %(own)s
"""
ALTERED = {
    "a row of one's own for another order": f"{MADE}; DELETE FROM pickup_code WHERE order_id = %(own)s",
    "a code moved to another order": "UPDATE pickup_code SET order_id = %(victim)s WHERE order_id = %(own)s",
    "another order's proof beside it": "UPDATE pickup_code SET order_id = %(victim)s, proof = (SELECT proof FROM"
    " pickup_code WHERE order_id = %(victim)s) WHERE order_id = %(own)s",
    "a longer life": "UPDATE pickup_code SET expires_at = expires_at + interval '1 day' WHERE order_id = %(own)s",
    "a life begun later": "UPDATE pickup_code SET made_at = made_at + interval '1 hour' WHERE order_id = %(own)s",
    "another number": "UPDATE pickup_code SET id = gen_random_uuid() WHERE order_id = %(own)s",
    "another code's hash": "UPDATE pickup_code SET code_hash = sha256('x') WHERE order_id = %(own)s",
}


@pytest.mark.parametrize("name", ALTERED)
def test_fault_106_a_code_that_was_not_minted_as_it_stands_is_none(
    desk: Exchange, sql: Sql, other: Talker, name: str
) -> None:
    """Fault 106: written as the owner of the tables, which no process is; nobody's cards are opened."""
    victim, own = desk.delivered(1), desk.delivered(1)
    desk.code(victim)
    code = desk.code(own)
    for statement in ALTERED[name].split(";"):
        sql(statement, {"victim": victim.order, "own": own.order})
    before = desk.left()

    assert desk.exchange(other, code) is REFUSED
    assert desk.left() == before
    assert desk.reads(other, victim) is VaultCode.OTHER_READER


def test_fault_106_a_mint_with_any_key_at_hand_makes_no_code(desk: Exchange, other: Talker) -> None:
    """Fault 106: web's keys and guesses; only the worker's own key makes codes."""
    sale, config = desk.delivered(), desk.config
    desk.code(sale)  # so that there is a confirmed address
    secrets = (config.secrets.seal_key, config.secrets.session_key, config.secrets.inbox_key, config.secrets.act_key)
    for raw in (*(config.secret(one).reveal() for one in secrets), b"guess" * 8):
        mint = PickupCodes(Secret(pickup_key(raw)), desk_clock())
        contact = confirmed_contact(shopper_id=sale.talker.shopper_id, kind="email")
        about = {"order_id": sale.order, "merchant_id": sale.talker.merchant_id, "contact": contact}
        with desk.as_worker(), mint.for_message(**about) as minted:
            minted.may_have_arrived = True
        code = minted.text()
        desk.counter.shop.sql("DELETE FROM pickup_guess")
        before = desk.left()
        assert desk.exchange(other, code) is REFUSED
        assert desk.left() == before


def desk_clock() -> DatabaseClock:
    return DatabaseClock(db.database_now)


def test_fault_106_a_use_that_was_taken_away_leaves_the_code_used(desk: Exchange, sql: Sql, other: Talker) -> None:
    """Fault 106: the audit still has it, and so has the vault's log on disk."""
    sale, thief = desk.delivered(), desk.counter.shop.a_shopper()
    code = desk.code(sale)
    desk.exchange(other, code)
    sql("DELETE FROM pickup_use")
    before = desk.left()

    assert desk.exchange(thief, code) is REFUSED
    assert desk.exchange(other, code) is REFUSED  # who had it asks the shop: nobody can tell any more who that was
    assert desk.left() == before
    assert desk.reads(other, sale) is VaultCode.OTHER_READER


USED = """
INSERT INTO pickup_use (code_id, order_id, conversation_id, identity_id, chat_address, used_at, seal)
VALUES (gen_random_uuid(), %(order)s, %(conversation)s, %(identity)s, %(address)s, now(), %(seal)s)
"""
USES = {
    "one that was only written": USED,
    "another chat's, turned to one's own": "UPDATE pickup_use SET conversation_id = %(conversation)s,"
    " identity_id = %(identity)s, chat_address = %(address)s",
    "one's own, turned to another order": "UPDATE pickup_use SET order_id = %(order)s, identity_id = %(identity)s,"
    " chat_address = %(address)s, conversation_id = %(conversation)s",
}


@pytest.mark.parametrize("name", USES)
def test_fault_106_a_use_that_the_vault_did_not_seal_lets_nobody_read(
    desk: Exchange, sql: Sql, other: Talker, name: str
) -> None:
    sale, bought, thief = desk.delivered(1), desk.delivered(1), desk.counter.shop.a_shopper()
    is_thiefs_own = name == "one's own, turned to another order"
    desk.exchange(thief if is_thiefs_own else other, desk.code(bought if is_thiefs_own else sale))
    named = {"order": sale.order, "conversation": thief.conversation_id, "identity": thief.identity_id}
    sql(USES[name], named | {"address": f"web:{thief.identity_id}", "seal": b"s" * 32})
    before = desk.left()

    assert desk.reads(thief, sale) is VaultCode.OTHER_READER
    assert desk.left() == before


def test_fault_106_the_workers_key_seals_no_use(desk: Exchange, sql: Sql) -> None:
    """Fault 106: who has taken over the worker mints codes, which are audited; it cannot note a use without one."""
    sale, thief, config = desk.delivered(1), desk.counter.shop.a_shopper(), desk.config
    at, chat = desk_clock().now(), Side(thief.identity_id, f"web:{thief.identity_id}")
    use = PickupUse(new_id(), sale.order, thief.conversation_id, chat, at)
    for raw in (config.secret(config.secrets.worker_key).reveal(), config.secret(config.secrets.seal_key).reveal()):
        seal = seal_use(use_key(raw), use)
        sql("DELETE FROM pickup_use")
        row = [use.code, use.order, use.conversation, chat.identity_id, chat.chat_address, at, seal]
        sql("INSERT INTO pickup_use VALUES (%s, %s, %s, %s, %s, %s, %s)", row)
        assert desk.reads(thief, sale) is VaultCode.OTHER_READER


def copied(desk: Exchange, wish: Any, thief: Talker) -> Any:
    """The sealed code of somebody's wish in a wish of one's own."""
    copy = new_id()
    desk.counter.shop.sql(
        "INSERT INTO pickup_wish SELECT %s, %s, sealed_code, now() FROM pickup_wish WHERE id = %s",
        [copy, thief.conversation_id, wish],
    )
    return copy


def turned(desk: Exchange, wish: Any, thief: Talker) -> Any:
    """Somebody's wish, turned to one's own chat."""
    desk.counter.shop.sql("UPDATE pickup_wish SET conversation_id = %s WHERE id = %s", [thief.conversation_id, wish])
    return wish


def readdressed(desk: Exchange, wish: Any, thief: Talker) -> Any:
    """The conversation in which somebody typed it, turned to one's own private chat."""
    desk.counter.shop.sql(
        "UPDATE conversation SET chat_address = 'web:666'"
        " WHERE id = (SELECT conversation_id FROM pickup_wish WHERE id = %s)",
        [wish],
    )
    return wish


def renumbered(desk: Exchange, wish: Any, thief: Talker) -> Any:
    """The same wish once more, in the same chat."""
    copy = new_id()
    desk.counter.shop.sql("UPDATE pickup_wish SET id = %s WHERE id = %s", [copy, wish])
    return copy


@pytest.mark.parametrize("trick", [copied, turned, readdressed, renumbered])
def test_fault_106_what_somebody_typed_counts_in_that_wish_and_chat_only(
    desk: Exchange, other: Talker, trick: Callable[[Exchange, Any, Talker], Any]
) -> None:
    sale, thief = desk.delivered(), desk.counter.shop.a_shopper()
    wish = trick(desk, desk.types(other, desk.code(sale)), thief)
    before = desk.left()

    assert desk.exchanged(wish) is REFUSED
    assert desk.left() == before
    assert desk.guesses() == {}
    assert desk.reads(thief, sale) is VaultCode.OTHER_READER


def test_fault_106_a_chat_that_picked_up_and_was_turned_elsewhere_reads_nothing_there(
    desk: Exchange, sql: Sql, other: Talker
) -> None:
    sale = desk.delivered()
    desk.exchange(other, desk.code(sale))
    sql("UPDATE conversation SET chat_address = 'web:666' WHERE id = %s", [other.conversation_id])

    assert desk.reads(other, sale) is VaultCode.OTHER_READER


def test_fault_106_a_code_opens_no_order_that_was_altered_and_no_line_that_was_not_delivered(
    desk: Exchange, sql: Sql, other: Talker
) -> None:
    """Fault 106: the code is one proof, the order's own seal and what was opened before are still asked for."""
    sale, on_its_way = desk.delivered(), desk.counter.sell(1)
    assert desk.exchange(other, desk.code(sale)) == PickedUp(sale.order, (sale.delivery,))
    sql("UPDATE delivery SET order_id = %s WHERE id = %s", [sale.order, on_its_way.delivery])
    sql("UPDATE order_line SET quantity = 1, discount_minor = 0, total_minor = 1500 WHERE id = %s", [sale.line])
    before = desk.left()

    assert desk.reads(other, on_its_way) is VaultCode.OTHER_READER
    assert desk.reads(other, sale) is VaultCode.ORDER_ALTERED
    assert desk.left() == before
