"""What the database itself refuses of cards, tried with raw SQL as the owner (INV-S1, INV-S2, INV-S6, INV-T2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from core.ids import new_id
from core.stock.rules import CARD_TRANSITIONS, CardState
from tests.builders import Shop, Talker

Sql = Callable[..., list[tuple[Any, ...]]]


def a_held_card(shop: Shop) -> tuple[Any, Any, Talker]:
    listing, talker = shop.a_listing(), shop.a_shopper()
    shop.a_batch(cards=10)
    shop.place(talker, listing)
    card, line = shop.sql("SELECT id, line_id FROM card WHERE state = 'held'")[0]
    return card, line, talker


@pytest.mark.parametrize(
    "change",
    [
        "state = 'delivered', delivered_at = now(), opened_at = now()",  # delivered without a line
        "state = 'delivered'",
        "state = 'held'",
        "delivered_at = now()",
        "opened_at = now()",
        "line_id = gen_random_uuid()",
        "state = 'sold'",
        "state = 'claimed'",
        "contested = true",
    ],
)
def test_inv_s1_a_free_card_has_neither_line_nor_time(shop: Shop, sql: Sql, change: str) -> None:
    shop.a_listing()
    shop.a_batch(cards=1)

    with pytest.raises(psycopg.errors.CheckViolation):
        sql(f"UPDATE card SET {change}")

    assert shop.card_states() == {"free": 1}


def test_inv_s2_a_card_never_moves_from_line_to_line(shop: Shop, sql: Sql) -> None:
    card, _, talker = a_held_card(shop)
    shop.place(talker, shop.a_listing())
    other = sql("SELECT line_id FROM card WHERE state = 'held' AND id <> %s", [card])[0][0]

    with pytest.raises(psycopg.errors.CheckViolation, match="between two lines"):
        sql("UPDATE card SET line_id = %s WHERE id = %s", [other, card])


@pytest.mark.parametrize(
    "change",
    [
        "state = 'free', line_id = NULL",
        "state = 'free', line_id = NULL, opened_at = NULL",
        "opened_at = NULL",
        "state = 'held'",
        "state = 'withdrawn'",
    ],
)
def test_inv_s2_an_opened_card_keeps_its_line_for_ever(shop: Shop, sql: Sql, change: str) -> None:
    card, _, _ = a_held_card(shop)
    sql("UPDATE card SET state = 'claimed' WHERE id = %s", [card])
    sql("UPDATE card SET opened_at = now() WHERE id = %s", [card])

    with pytest.raises(psycopg.errors.CheckViolation):
        sql(f"UPDATE card SET {change} WHERE id = %s", [card])


@pytest.mark.parametrize("state", [state for state in CardState if state not in {CardState.VOID, CardState.DELIVERED}])
def test_inv_s6_a_delivered_card_is_never_anything_else_but_void(shop: Shop, sql: Sql, state: CardState) -> None:
    card, _, _ = a_held_card(shop)
    sql("UPDATE card SET state = 'claimed' WHERE id = %s", [card])
    sql("UPDATE card SET opened_at = now(), state = 'delivered', delivered_at = now() WHERE id = %s", [card])

    with pytest.raises(psycopg.errors.CheckViolation):
        sql("UPDATE card SET state = %s WHERE id = %s", [state.value, card])


def test_the_triggers_steps_are_those_of_the_documented_life() -> None:
    steps = {(one, other) for one, others in CARD_TRANSITIONS.items() for other in others}

    assert ("delivered", "free") not in steps
    assert len(steps) == 12


@pytest.mark.parametrize("one", list(CardState))
def test_no_step_beyond_the_documented_life(shop: Shop, sql: Sql, one: CardState) -> None:
    card, line, _ = a_held_card(shop)
    sql("ALTER TABLE card DISABLE TRIGGER card_sold_once")
    columns = {
        "free": "line_id = NULL",
        "held": "line_id = line_id",
        "claimed": "line_id = line_id",
        "delivered": "opened_at = now(), delivered_at = now()",
        "quarantined": "line_id = NULL",
        "withdrawn": "line_id = NULL",
        "void": "line_id = NULL",
    }
    sql(f"UPDATE card SET state = %s, {columns[one]} WHERE id = %s", [one.value, card])
    sql("ALTER TABLE card ENABLE TRIGGER card_sold_once")
    needs_line = {CardState.HELD, CardState.CLAIMED, CardState.DELIVERED}

    for other in set(CardState) - set(CARD_TRANSITIONS[one]) - {one}:
        has_line = "line_id = coalesce(line_id, %s)" if other in needs_line else "line_id = line_id"
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation)):
            sql(
                f"UPDATE card SET state = %s, {has_line} WHERE id = %s",
                [other.value, *([line] if other in needs_line else []), card],
            )


def test_cards_and_transfers_are_never_deleted(shop: Shop, sql: Sql) -> None:
    shop.a_listing()
    shop.a_batch(cards=1)

    with pytest.raises(psycopg.errors.CheckViolation):
        sql("DELETE FROM card")


def test_inv_t2_a_card_stays_with_a_line_of_its_own_sku(shop: Shop, sql: Sql) -> None:
    _, line, _ = a_held_card(shop)
    other = shop.a_batch("B1", cards=1)

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        sql("UPDATE card SET state = 'held', line_id = %s WHERE batch_no = %s", [line, other])


@pytest.mark.parametrize("role", ["shop", "worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT sealed FROM card_seal",
        "SELECT sealed_dek FROM batch_key",
        "UPDATE card SET opened_at = now()",
        "DELETE FROM transfer",
        "UPDATE transfer SET amount = 1",
        "DELETE FROM audit_entry",
        "TRUNCATE message",
        "UPDATE installation SET kind = 'demo'",
        "INSERT INTO card_seal DEFAULT VALUES",
        "UPDATE payment_event SET body = ''",
        "UPDATE shop_order_x SET seal = ''",
        "CREATE TABLE mine (id int)",
        "INSERT INTO batch DEFAULT VALUES",
    ],
)
def test_no_process_but_the_vault_reaches_sealed_columns_or_rewrites_the_past(
    sql: Sql, role: str, statement: str
) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
        sql(statement, role=role)


def test_a_hold_has_one_open_or_captured_row_per_line(shop: Shop, sql: Sql) -> None:
    a_held_card(shop)

    with pytest.raises(psycopg.errors.UniqueViolation):
        sql(
            "INSERT INTO hold SELECT %s, line_id, order_id, sku_id, quantity, stranger, 'open', created_at, expires_at,"
            " NULL FROM hold",
            [new_id()],
        )
