"""core.db: an error keeps its SQLSTATE and constraint and loses the row; retries come only where they help."""

import threading

import peewee
import psycopg
import pytest

from core import db

CANARY = "canary-7f3a-secret-value"
INSERT = (
    "INSERT INTO submission (merchant_id, caller, operation, key, request_hash, reference, created_at) "
    "VALUES (1, %s, 'test', 'k', '\\x00', gen_random_uuid(), now())"
)


def test_a_broken_constraint_is_named_and_the_row_is_not_quoted(store_db):
    db.execute(INSERT, (CANARY,))

    with pytest.raises(peewee.IntegrityError) as caught:
        db.execute(INSERT, (CANARY,))

    assert db.sqlstate(caught.value) == "23505"
    assert db.constraint(caught.value) == "submission_pkey"
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value.__dict__)


def test_a_value_that_is_no_number_is_not_quoted(store_db):
    with pytest.raises(peewee.DataError) as caught:
        db.execute("SELECT %s::text::integer", (CANARY,))

    assert db.sqlstate(caught.value) == "22P02"
    assert CANARY not in str(caught.value)


def test_two_transactions_in_reverse_lock_order_both_finish(store_db, sql):
    """Fault 10: PostgreSQL ends one of the two, and that one is tried again."""
    sql("INSERT INTO message_counter (conversation_id) VALUES (gen_random_uuid()), (gen_random_uuid())")
    first, second = (row[0] for row in sql("SELECT conversation_id FROM message_counter ORDER BY conversation_id"))
    both_hold_one, tries = threading.Barrier(2), []

    def add_one_to(order, name):
        def step():
            tries.append(name)
            db.changed("UPDATE message_counter SET last_seq = last_seq + 1 WHERE conversation_id = %s", (order[0],))
            if tries.count(name) == 1:
                both_hold_one.wait(5)
            db.changed("UPDATE message_counter SET last_seq = last_seq + 1 WHERE conversation_id = %s", (order[1],))

        with db.connection():
            db.in_transaction(step)

    threads = [
        threading.Thread(target=add_one_to, args=((first, second), "forward")),
        threading.Thread(target=add_one_to, args=((second, first), "backward")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sql("SELECT last_seq FROM message_counter") == [(2,), (2,)]
    assert len(tries) == 3


def test_a_refused_constraint_is_not_tried_again(store_db):
    tries = []

    def step():
        tries.append(1)
        db.execute(INSERT, ("one",))
        db.execute(INSERT, ("one",))

    with pytest.raises(peewee.IntegrityError):
        db.in_transaction(step)

    assert len(tries) == 1
    assert db.execute("SELECT count(*) FROM submission") == [(0,)]


def test_connections_that_the_server_closed_are_replaced_once(store_db, sql):
    """Fault 8: after a restart of the database the first work meets a stale connection and succeeds."""
    db.execute("SELECT 1")
    sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename = 'keystall_shop'",
        role="superuser",
    )

    assert db.in_transaction(lambda: db.execute("SELECT 41 + 1")) == [(42,)]


def test_a_pooled_connection_is_used_again_without_a_word_to_the_server(store_db, monkeypatch):
    said, execute, here = [], psycopg.Cursor.execute, threading.get_ident()

    def heard(cursor, statement, *rest, **named):
        if threading.get_ident() == here:  # another thread makes databases for the next tests
            said.append(statement)
        return execute(cursor, statement, *rest, **named)

    first = _backend()
    monkeypatch.setattr(psycopg.Cursor, "execute", heard)

    assert _backend() == first
    assert said == ["SELECT pg_backend_pid()"]


def test_a_pooled_connection_whose_server_process_ended_is_not_given_out(store_db, sql):
    first = _backend()

    assert sql("SELECT pg_terminate_backend(%s, 5000)", [first], role="superuser") == [(True,)]

    assert _backend() != first


def _backend():
    """The server's process behind the connection that the pool gives out."""
    with db.connection():
        return db.execute("SELECT pg_backend_pid()")[0][0]
