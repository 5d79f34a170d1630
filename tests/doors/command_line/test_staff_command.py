"""`staff add`: a login with roles at a party, its password never on the command line."""

from __future__ import annotations

import pytest

from core.config import Config
from tests.builders import Shop
from tests.support.command_line import Command

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
        (("--role", "cook"), "a long enough one", "--role is one or more of owner, catalog, stock, orders, finance"),
        (("--role", "platform_owner"), "a long enough one", "have no roles of the platform"),
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
