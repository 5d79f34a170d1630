"""Who did what is written in the deed's own transaction, and nobody rewrites it."""

from uuid import uuid4

import psycopg
import pytest

from core import db
from core.actor import OPERATOR, Actor, ActorKind
from core.audit.service import append
from core.db import StoreDatabase
from tests.builders import NOON, Sql

ENTRY = "SELECT at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail FROM audit_entry"


def test_an_entry_names_who_did_what_to_which_object(store_db: StoreDatabase, sql: Sql) -> None:
    staff, order = uuid4(), uuid4()

    append(
        actor=Actor(ActorKind.STAFF, id=staff, party_id=7),
        action="order.cancelled",
        object_kind="order",
        object_id=order,
        detail={"lines": 2},
        now=NOON,
    )
    append(actor=OPERATOR, action="batch.locked", object_kind="batch", object_id=12, party_id=9, now=NOON)

    assert sql(ENTRY + " ORDER BY id") == [
        (NOON, "staff", staff, 7, "order.cancelled", "order", str(order), {"lines": 2}),
        (NOON, "operator", None, 9, "batch.locked", "batch", "12", {}),
    ]


def test_a_deed_that_is_rolled_back_leaves_no_entry(store_db: StoreDatabase, sql: Sql) -> None:
    with db.atomic() as deed:
        append(actor=OPERATOR, action="batch.locked", object_kind="batch", object_id=12, now=NOON)
        deed.rollback()

    assert sql(ENTRY) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'nothing'",
        "UPDATE audit_entry SET detail = '{}'",
        "DELETE FROM audit_entry",
    ],
)
def test_not_even_the_owner_of_the_tables_changes_or_removes_an_entry(
    store_db: StoreDatabase, sql: Sql, statement: str
) -> None:
    append(actor=OPERATOR, action="batch.locked", object_kind="batch", object_id=12, detail={"a": 1}, now=NOON)
    before = sql(ENTRY)

    with pytest.raises(psycopg.errors.CheckViolation):
        sql(statement)
    assert sql(ENTRY) == before


@pytest.mark.parametrize("role", ["shop", "worker", "vault"])
def test_whoever_writes_an_entry_does_not_choose_its_number(store_db: StoreDatabase, sql: Sql, role: str) -> None:
    """One far ahead would leave the honest ones behind the chain's head."""
    wanted = "INSERT INTO audit_entry (id, at, actor_kind, action, object_kind, object_id) OVERRIDING SYSTEM VALUE"

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(wanted + " VALUES (1000000, now(), 'system', 'a', 'order', '1')", role=role)
    assert sql(ENTRY) == []
