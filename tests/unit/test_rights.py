"""What each database role may do: a stolen login gets no sealed column, no schema, nobody else's work."""

import psycopg
import pytest

from core.work import QUEUE

STORE_ROLES = ("shop", "panel", "worker", "vault", "direct")
SEALED = ("card_seal", "batch_key")


@pytest.fixture
def tables(sql):
    return [name for (name,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


@pytest.mark.parametrize("role", STORE_ROLES)
def test_no_process_owns_empties_or_references_a_table(sql, tables, role):
    forbidden = [
        (table, right)
        for table in tables
        for right in ("TRUNCATE", "TRIGGER", "REFERENCES")
        if sql("SELECT has_table_privilege(%s, %s, %s)", (f"keystall_{role}", table, right)) == [(True,)]
    ]

    assert forbidden == []
    assert sql("SELECT count(*) FROM pg_tables WHERE tableowner = %s", (f"keystall_{role}",)) == [(0,)]
    assert sql("SELECT has_schema_privilege(%s, 'public', 'CREATE')", (f"keystall_{role}",)) == [(False,)]


@pytest.mark.parametrize("role", ["shop", "panel", "worker", "direct"])
@pytest.mark.parametrize("table", SEALED)
def test_only_the_vault_reads_sealed_columns(sql, role, table):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(f"SELECT * FROM {table}", role=role)

    assert sql(f"SELECT count(*) FROM {table}", role="vault") == [(0,)]


@pytest.mark.parametrize("role", ["shop", "worker"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM transfer", "UPDATE transfer SET amount = 1", "DELETE FROM audit_entry"]
)
def test_no_process_rewrites_the_books_or_the_audit(sql, role, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(statement, role=role)


@pytest.mark.parametrize("role", ["shop", "worker", "panel"])
def test_only_the_vault_brings_cards_into_the_world(sql, role):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(
            "INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask) VALUES (gen_random_uuid(),1,1,1,'free','')",
            role=role,
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("UPDATE card SET opened_at = now()", role=role)


def test_the_web_role_adds_work_but_takes_none(sql):
    sql("INSERT INTO keystall_task (queue, data) VALUES (%s, '\\x7b7d')", (QUEUE,), role="shop")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("DELETE FROM keystall_task", role="shop")
    assert sql("SELECT count(*) FROM keystall_task") == [(1,)]


def test_the_vault_reads_no_passwords_of_people(sql):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql("SELECT password_hash FROM staff", role="vault")


def test_the_role_that_listens_reads_nothing(sql, tables):
    readable = [
        table
        for table in tables
        if sql("SELECT has_any_column_privilege('keystall_direct', %s, 'SELECT')", (table,)) == [(True,)]
    ]

    assert readable == []


def test_nobody_marks_a_database_again(sql):
    for role in STORE_ROLES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql("UPDATE installation SET kind = 'demo'", role=role)

    assert sql("SELECT kind FROM installation") == [("test",)]
