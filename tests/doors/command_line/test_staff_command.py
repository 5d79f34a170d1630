"""`staff add`: a login with roles at a party, its password never on the command line."""

from __future__ import annotations

import pytest

from core import db
from core.config import Config
from core.vault.client import VaultClient, VaultRefused
from tests.builders import Shop
from tests.support.command_line import Command
from tests.support.vault_keys import with_own_keys
from tests.support.vaults import vault_process

ADD = ("staff", "add", "--email", "stock@maker.test", "--party", "maker", "--role", "stock")


@pytest.fixture(autouse=True)
def maker(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("KEYSTALL_STAFF_PASSWORD", "a long enough one")
    return shop.a_party("maker", "supplier")


def test_a_login_is_made_with_its_roles(command: Command, config: Config, shop: Shop, maker: int) -> None:
    said = command(config, *ADD, "--role", "owner")

    assert said == (0, "stock@maker.test is stock, owner of maker\n", "")
    roles = "SELECT r.role, r.party_id, s.name FROM staff_role r JOIN staff s ON s.id = r.staff_id ORDER BY 1"
    assert shop.sql(roles) == [("owner", maker, "stock"), ("stock", maker, "stock")]


@pytest.mark.parametrize(
    ("changed", "password", "says"),
    [
        (
            ("--role", "cook"),
            "a long enough one",
            "--role is one or more of owner, finance; a merchant's also catalog, support",
        ),
        (("--role", "platform_owner"), "a long enough one", "the people of this party have no such role"),
        ((), "short", "the password is too short: use 12 characters or more"),
        (("--email", "nobody"), "a long enough one", "--email is no e-mail address"),
        (("--party", "nobody"), "a long enough one", "there is no party 'nobody'"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_changes_nothing(
    command: Command, config: Config, shop: Shop, monkeypatch: pytest.MonkeyPatch,
    changed: tuple[str, ...], password: str, says: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("KEYSTALL_STAFF_PASSWORD", password)
    before = shop.fingerprint()

    status, out, error = command(config, *ADD, *changed)

    assert (status, out) == (2, "")
    assert says in error
    assert error.count("\n") == 1
    assert shop.fingerprint() == before


def test_the_same_login_twice_is_refused(command: Command, config: Config, shop: Shop) -> None:
    command(config, *ADD)
    before = shop.fingerprint()

    status, _, error = command(config, *ADD)

    assert status == 2
    assert "exists already" in error
    assert shop.fingerprint() == before


def test_a_lost_phone_is_taken_away_by_whoever_has_the_machine(command: Command, config: Config, shop: Shop) -> None:
    """For the platform's only owner, whom nobody else can help; web has no key for it (INV-K5)."""
    keyed = with_own_keys(config)
    person = shop.sql(
        "INSERT INTO staff (id, email, name, password_hash, created_at)"
        " VALUES (gen_random_uuid(), 'boss@maker.test', 'Zhou', '$argon2id$none', now()) RETURNING id"
    )[0][0]
    shop.sql(
        "INSERT INTO staff_totp (staff_id, sealed, made_at, confirmed_at) VALUES (%s, 'x', now(), now())", [person]
    )
    ask = ("staff", "lost-phone", "--email", "Boss@maker.test")

    away = command(keyed, *ask)
    with vault_process(keyed):
        db.connect(keyed.database.roles.shop, size=1)
        done, again = command(keyed, *ask), command(keyed, *ask)
        with pytest.raises(VaultRefused):
            VaultClient(keyed.vault_socket).forget_second_factor(person)

    assert away[0] == again[0] == 2
    assert "the vault does not answer" in away[2]
    assert "has no second factor" in again[2]
    assert done == (0, "Boss@maker.test sets a new second factor up at the next sign-in; all sessions are ended\n", "")
    assert shop.count("staff_totp") == 0
    written = shop.sql("SELECT actor_kind, action FROM audit_entry WHERE object_id = %s", [str(person)])
    assert written == [("operator", "staff.second_taken")]
