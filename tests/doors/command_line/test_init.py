"""`init`: keys, schema and the first operator, made once; nothing that exists is replaced."""

import psycopg
import pytest
from argon2 import PasswordHasher

from core.config import Config
from ops.installation import Kind, find_installation
from ops.store import be_of_kind, bring_up_to_date
from tests.support.command_line import Command

PASSWORD = "correct horse battery staple"


def test_init_makes_the_keys_the_schema_and_the_first_operator(
    command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", PASSWORD)

    status, out, err = command(fresh, "init", "--email", "Boss@Shop.test")

    assert (status, err) == (0, "")
    assert out.count("made ") == 16
    assert PASSWORD not in out
    found = find_installation(fresh.database.url)
    assert found is not None
    assert found.kind is Kind.PRODUCTION
    with psycopg.connect(fresh.database.url) as connection:
        (row,) = connection.execute(
            "SELECT email, name, password_hash, role, kind FROM staff JOIN staff_role ON staff_id = staff.id"
            " JOIN party ON party.id = party_id"
        ).fetchall()
    assert (row[0], row[1], row[3], row[4]) == ("boss@shop.test", "Boss", "platform_owner", "platform")
    assert PasswordHasher().verify(str(row[2]), PASSWORD)


def test_init_again_changes_nothing(command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", PASSWORD)
    command(fresh, "init", "--email", "boss@shop.test")
    before = {path: path.read_bytes() for path in fresh.keys_dir.iterdir()}

    status, out, _ = command(fresh, "init", "--email", "other@shop.test")

    assert (status, out) == (0, "An operator account is there already; it was left as it is.\n")
    assert {path: path.read_bytes() for path in fresh.keys_dir.iterdir()} == before


@pytest.mark.parametrize(
    ("password", "email", "sentence"),
    [
        (None, "boss@shop.test", "the operator's password is missing: set KEYSTALL_OPERATOR_PASSWORD"),
        (PASSWORD, "boss", "'boss' is not an e-mail address: give one with --email"),
    ],
)
def test_init_refuses_a_poor_account(
    command: Command,
    fresh: Config,
    monkeypatch: pytest.MonkeyPatch,
    password: str | None,
    email: str,
    sentence: str,
) -> None:
    if password is not None:
        monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", password)

    status, _, err = command(fresh, "init", "--email", email)

    assert status == 2
    assert err.startswith(f"keystall: {sentence}")
    with psycopg.connect(fresh.database.url) as connection:
        assert connection.execute("SELECT count(*) FROM staff").fetchone() == (0,)


def test_init_with_a_short_password_makes_nothing(
    command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYSTALL_OPERATOR_PASSWORD", "short")

    answer = command(fresh, "init", "--email", "boss@shop.test")

    said = "keystall: the operator's password is too short: use 12 characters or more\n"
    assert answer == (2, "", said)
    assert not fresh.keys_dir.exists()
    with psycopg.connect(fresh.database.url) as connection:
        assert connection.execute("SELECT to_regclass('staff')").fetchone() == (None,)


def test_init_makes_no_new_vault_key_once_cards_were_sealed(
    command: Command, fresh: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)
    lost = [fresh.keys_dir / "fingerprint.key", fresh.keys_dir / "session.key"]
    for path in lost:
        path.unlink()
    monkeypatch.setattr("ops.store.has_cards", lambda url: True)

    status, _, err = command(fresh, "init")

    assert status == 2
    assert err == (
        "keystall: vault.fingerprint_key is missing, but cards were sealed with it: "
        "put it back from your copy of the keys\n"
    )
    assert not any(path.exists() for path in lost)
