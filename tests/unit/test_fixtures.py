"""What every other test stands on: fresh databases, the roles' logins, a crash at a chosen step."""

import pytest

from core import db
from core.errors import error_id
from tests.support import crash

INSERT = (
    "INSERT INTO submission (merchant_id, caller, operation, key, request_hash, reference, created_at) "
    "VALUES (1, 'test', 'test', %s, '\\x00', gen_random_uuid(), now())"
)


@pytest.mark.parametrize("run", ["first", "second"])
def test_each_test_starts_with_an_empty_database_of_its_own(store_db, run):
    before = db.execute("SELECT count(*) FROM submission")

    db.execute(INSERT, (run,))

    assert before == [(0,)]


@pytest.mark.parametrize("role", ["shop", "panel", "worker", "vault", "direct", "owner"])
def test_each_role_has_a_login_of_its_own(sql, role):
    assert sql("SELECT current_user::text, usesuper FROM pg_user WHERE usename = current_user", role=role) == [
        (f"keystall_{role}", False)
    ]


def test_valkey_answers(valkey):
    valkey.set("test:fixtures", error_id())

    assert valkey.get("test:fixtures").startswith(b"err_")


def test_a_crash_before_the_commit_leaves_nothing_and_the_last_run_leaves_all(urls, sql):
    def two_rows_in_one_transaction():
        with db.atomic():
            db.execute(INSERT, ("first",))
            db.execute(INSERT, ("second",))

    seen = []
    for _ in crash.at_every_step(two_rows_in_one_transaction, url=urls["shop"]):
        seen.append(sql("SELECT count(*) FROM submission")[0][0])

    assert len(seen) >= 3
    assert set(seen) == {0}
    assert sql("SELECT key FROM submission ORDER BY key") == [("first",), ("second",)]


def test_work_that_fails_in_the_child_is_told_from_a_crash(urls, capfd):
    def broken():
        db.execute("SELECT nonsense")

    with pytest.raises(AssertionError, match="failed in the child"):
        crash.run_until(broken, url=urls["shop"], at=100)

    assert "42703" in capfd.readouterr().err


def test_the_settings_of_a_test_lead_to_its_database_and_to_real_keys(config, sql):
    public = config.secret(config.vault.public_key).reveal()

    assert len(public) > 1000
    assert sql("SELECT kind, octet_length(sandbox_public_key), opening_budget_per_hour FROM installation") == [
        ("test", 32, 1_000_000)
    ]
    assert config.vault_socket.is_relative_to(config.data_dir)
