"""The second factor: who must have one does nothing before; the vault alone makes and checks it; a code counts once."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from core.config import Config
from core.parties.rules import Role
from core.vault.client import VaultCode, VaultRefused
from tests.builders import Shop
from tests.support.panel import Browser, a_login, code_of
from tests.support.vaults import TestVault

Panel = Callable[[], Browser]


@pytest.fixture
def owner(panel: Panel, shop: Shop) -> Browser:
    """The owner of a merchant, password typed."""
    a_login("owner@demo.test", shop.merchant, Role.OWNER)
    browser = panel()
    browser.sign_in("owner@demo.test")
    return browser


def test_an_owner_does_nothing_before_a_second_factor_is_set_up(owner: Browser, shop: Shop) -> None:
    refused = [owner.get(path).location for path in ("/", "/sessions")]
    unchanged = owner.post("/sessions/end", {"session": "others"}, shown="/second/begin")

    assert refused == ["/second/begin"] * 2
    assert unchanged.location == "/second/begin"
    assert shop.sql("SELECT count(*) FROM staff_totp") == [(0,)]


def test_who_has_set_it_up_is_asked_for_it_each_time(owner: Browser, panel: Panel, shop: Shop) -> None:
    letters = owner.set_up_second()
    assert owner.get("/").status_code == 200

    again = panel()
    again.sign_in("owner@demo.test")

    assert again.get("/").location == "/second"
    wrong = again.post("/second", {"code": "000000"})
    assert (wrong.status_code, again.get("/").location) == (403, "/second")
    right = again.post("/second", {"code": code_of(letters, at=time.time() + 30)})
    assert (right.status_code, again.get("/").status_code) == (302, 200)


def test_the_secret_from_before_the_second_factor_opens_nothing_after(owner: Browser, panel: Panel) -> None:
    """Fault 86: a session gets another secret when it proves more."""
    before = owner.client.get_cookie("keystall_staff")
    assert before is not None

    owner.set_up_second()

    thief = panel()
    thief.client.set_cookie("keystall_staff", before.value)
    assert thief.get("/").location == "/sign-in"


def test_a_seed_is_shown_once_and_a_confirmed_one_is_never_replaced(owner: Browser, shop: Shop) -> None:
    owner.set_up_second()

    assert owner.get("/second/begin").status_code == 404
    assert owner.client.post("/second/begin", data={}).status_code in {400, 404}
    assert shop.sql("SELECT count(*) FROM staff_totp WHERE confirmed_at IS NOT NULL") == [(1,)]


def test_a_wrong_first_code_leaves_what_was_scanned_and_offers_to_start_over(owner: Browser) -> None:
    first = owner.post("/second/begin").get_data(as_text=True)
    assert "letters" in first

    wrong = owner.post("/second/begin", {"code": "000000"})

    assert wrong.status_code == 403
    text = wrong.get_data(as_text=True)
    assert "Start over" in text
    assert 'class="letters"' not in text
    assert owner.get("/").location == "/second/begin"


def test_a_code_counts_once(vault: TestVault, shop: Shop, owner: Browser) -> None:
    letters = owner.set_up_second()
    ((staff,),) = shop.sql("SELECT staff_id FROM staff_totp")
    code = code_of(letters, at=time.time() + 30)

    vault.client.check_second_factor(staff, code)

    with pytest.raises(VaultRefused) as again:
        vault.client.check_second_factor(staff, code)
    assert again.value.vault_code is VaultCode.SECOND_REFUSED


def test_after_five_wrong_codes_the_right_one_waits_too(vault: TestVault, shop: Shop, owner: Browser) -> None:
    """Fault 96: a taken-over web guesses five times a quarter of an hour."""
    letters = owner.set_up_second()
    ((staff,),) = shop.sql("SELECT staff_id FROM staff_totp")
    for _ in range(5):
        with pytest.raises(VaultRefused):
            vault.client.check_second_factor(staff, "12345")

    with pytest.raises(VaultRefused) as blocked:
        vault.client.check_second_factor(staff, code_of(letters, at=time.time() + 30))

    assert blocked.value.vault_code is VaultCode.TOO_OFTEN
    shop.sql("UPDATE staff_totp SET blocked_until = now() - interval '1 second'")
    vault.client.check_second_factor(staff, code_of(letters, at=time.time() + 30))


def test_a_seed_that_was_given_to_another_person_opens_nothing(vault: TestVault, shop: Shop, owner: Browser) -> None:
    """INV-K2: whoever writes the table as its owner cannot give somebody a seed that he knows."""
    letters = owner.set_up_second()
    fang: UUID = a_login("fang@demo.test", shop.merchant, Role.OWNER)
    shop.sql(
        "INSERT INTO staff_totp (staff_id, sealed, made_at, confirmed_at)"
        " SELECT %s, sealed, made_at, confirmed_at FROM staff_totp",
        [fang],
    )

    with pytest.raises(VaultRefused):
        vault.client.check_second_factor(fang, code_of(letters, at=time.time() + 30))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE staff_totp SET confirmed_at = NULL",
        "DELETE FROM staff_totp",
        "SELECT sealed FROM staff_totp",
        "INSERT INTO staff_totp (staff_id, sealed, made_at) SELECT id, 'x', now() FROM staff",
    ],
)
def test_webs_own_password_neither_reads_nor_writes_seeds(owner: Browser, shop: Shop, statement: str) -> None:
    """INV-K5, fault 106."""
    owner.set_up_second()

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.sql(statement, role="shop")


def test_a_vault_that_is_away_says_so_and_lets_nobody_in(
    owner: Browser, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 72."""
    from core.vault.client import VaultAway

    letters = owner.set_up_second()
    again = panel()
    again.sign_in("owner@demo.test")

    def away(*said: object) -> None:
        raise VaultAway()

    monkeypatch.setattr(type(again.app.extensions["panel"].vault), "check_second_factor", away)
    answer = again.post("/second", {"code": code_of(letters, at=time.time() + 30)})

    assert answer.status_code == 503
    assert "does not answer" in answer.get_data(as_text=True)
    assert again.get("/").location == "/second"


def test_a_second_factor_follows_the_vaults_key(vault: TestVault, shop: Shop, owner: Browser, config: Config) -> None:
    """INV-K3: after a rotation the code still counts, and the old version is not needed for it."""
    from core.vault.key_requests import KeyRequests

    letters = owner.set_up_second()
    ((staff, before),) = shop.sql("SELECT staff_id, sealed FROM staff_totp")

    KeyRequests(vault.client).rotate()

    ((after,),) = shop.sql("SELECT sealed FROM staff_totp")
    assert bytes(after) != bytes(before)
    vault.client.check_second_factor(staff, code_of(letters, at=time.time() + 30))
