"""People of a party by its owner's hand: logins, roles, closing; one's own password and authenticator; lost phones."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from core.actor import OPERATOR
from core.errors import Invalid
from core.parties.rules import Role
from core.parties.service import create_staff
from core.secret import Secret
from core.vault.client import VaultCode, VaultRefused
from tests.builders import NOON, Shop
from tests.support.panel import LETTERS, PASSWORD, Browser, a_login, code_of
from tests.support.seated import a_seat
from tests.support.vaults import TestVault

Panel = Callable[[], Browser]
GIVEN = re.compile(r'class="letters">([a-z2-9-]{23})<')


def roles_of(shop: Shop, person: UUID) -> set[str]:
    return {role for (role,) in shop.sql("SELECT role FROM staff_role WHERE staff_id = %s", [person])}


def at(shop: Shop, person: UUID, act: str, party: int | None = None) -> str:
    return f"/people/{shop.merchant if party is None else party}/{person}/{act}"


def test_a_new_login_has_a_password_shown_once_that_its_person_changes_first(
    owner: Browser, panel: Panel, shop: Shop
) -> None:
    """INV-D2: until then nothing else opens; the password is in no table, no audit and on no second page."""
    values = {"name": "Fang", "email": "Fang@Demo.test", "roles": "support"}

    made = owner.post("/people/new", values)
    again = owner.post("/people/new", values)

    page = made.get_data(as_text=True)
    found = GIVEN.search(page)
    assert (made.status_code, again.status_code) == (200, 409)
    assert found is not None
    assert "in use already" in again.get_data(as_text=True)
    assert "fang@demo.test" in page
    assert found[1] not in str(shop.sql("SELECT * FROM staff")) + str(shop.sql("SELECT * FROM audit_entry"))
    fang = panel()
    fang.sign_in("fang@demo.test", found[1])
    assert [fang.get(path).location for path in ("/", "/orders/", "/sessions")] == ["/password"] * 3
    own = {"new": "four plain words here", "again": "four plain words here"}
    assert fang.post("/password", {"old": "not this one 1", **own}).status_code == 403
    assert fang.post("/password", {"old": found[1], "new": found[1], "again": found[1]}).status_code == 422
    assert fang.post("/password", {"old": found[1], **own}).status_code == 302
    assert fang.get("/orders/").status_code == 200
    assert panel().sign_in("fang@demo.test", found[1]).status_code == 403
    assert panel().sign_in("fang@demo.test", own["new"]).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"roles": "stock"},
        {"roles": "platform_owner"},
        {"roles": ""},
        {"email": "nobody"},
        {"email": "a@b\0.test"},
        {"name": "\u202e"},
        {"name": "x" * 10_000},
        {"email": ("x" * 400) + "@demo.test"},
    ],
)
def test_a_login_that_cannot_be_made_is_refused_in_words(owner: Browser, shop: Shop, wrong: dict[str, str]) -> None:
    """Faults 54, 56: never a 500, and nobody is there afterwards."""
    before = shop.count("staff"), shop.count("audit_entry")

    answer = owner.post("/people/new", {"name": "Fang", "email": "fang@demo.test", "roles": "support", **wrong})

    assert answer.status_code == 422
    assert (shop.count("staff"), shop.count("audit_entry")) == before


def test_an_owner_gives_and_takes_roles_and_both_are_written_down(owner: Browser, panel: Panel, shop: Shop) -> None:
    """INV-D2: they count from the next click; a role that the party's kind has not is none that can be given."""
    other = panel()
    fang = a_seat(other, shop, shop.merchant, "support", name="Fang")
    assert (other.get("/orders/").status_code, other.get("/goods/").status_code) == (200, 404)

    done = owner.client.post(at(shop, fang, "roles"), data=with_token(owner, shop, fang, ["catalog", "finance"]))
    refused = owner.client.post(at(shop, fang, "roles"), data=with_token(owner, shop, fang, ["stock", "owner"]))
    none = owner.client.post(at(shop, fang, "roles"), data=with_token(owner, shop, fang, []))

    assert (done.status_code, refused.status_code, none.status_code) == (302, 422, 409)
    assert roles_of(shop, fang) == {"catalog", "finance"}
    assert (other.get("/orders/").status_code, other.get("/goods/").status_code) == (200, 200)
    written = shop.sql(
        "SELECT action, detail->>'role' FROM audit_entry WHERE object_id = %s AND party_id = %s ORDER BY id",
        [str(fang), shop.merchant],
    )
    assert written == [
        ("staff.role_taken", "support"),
        ("staff.role_given", "catalog"),
        ("staff.role_given", "finance"),
    ]


def with_token(browser: Browser, shop: Shop, person: UUID, roles: list[str]) -> dict[str, object]:
    found = re.search(
        r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(at(shop, person, "roles")).get_data(as_text=True)
    )
    assert found is not None
    return {"csrf_token": found[1], "roles": roles}


def test_nobody_changes_the_own_roles_and_nobody_is_the_last_owner_to_go(
    owner: Browser, panel: Panel, shop: Shop
) -> None:
    mine, ((other,),) = owner.person, shop.sql("SELECT id FROM staff WHERE name = 'Zhou'")  # type: ignore[attr-defined]

    own = [owner.post(at(shop, mine, act), {"roles": "support"}).status_code for act in ("roles", "close", "password")]
    first = owner.post(at(shop, other, "roles"), {"roles": "support"}).status_code
    boss = panel()
    a_seat(boss, shop, shop.platform, "platform_owner")
    last = [boss.post(at(shop, mine, act), {"roles": "support"}).status_code for act in ("roles", "close")]

    assert (own, first, last) == ([403] * 3, 302, [409] * 2)
    assert (roles_of(shop, mine), roles_of(shop, other)) == ({"owner"}, {"support"})
    assert shop.sql("SELECT count(*) FROM staff WHERE disabled_at IS NOT NULL") == [(0,)]


def test_a_closed_login_is_out_at_once_and_opens_again_as_it_was(owner: Browser, panel: Panel, shop: Shop) -> None:
    """Fault 86: a session of a closed login opens nothing, also after the login is opened again."""
    fang = a_login("fang@demo.test", shop.merchant, Role.SUPPORT)
    there = panel()
    there.sign_in("fang@demo.test")
    assert there.get("/orders/").status_code == 200

    assert owner.post(at(shop, fang, "close")).status_code == 302
    assert there.get("/orders/").location.startswith("/sign-in")
    assert panel().sign_in("fang@demo.test").status_code == 403
    assert owner.post(at(shop, fang, "close")).status_code == 409
    assert owner.post(at(shop, fang, "reopen")).status_code == 302

    assert there.get("/orders/").location.startswith("/sign-in")
    assert panel().sign_in("fang@demo.test").status_code == 302


def test_a_login_that_another_party_needs_is_not_closed_by_one_of_them(
    owner: Browser, panel: Panel, shop: Shop
) -> None:
    """INV-T1: nor is its password replaced, which would open the other party; its roles here can be taken away."""
    fang = a_seat(panel(), shop, shop.merchant, "support", name="Fang")
    other = shop.a_party("other")
    shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, 'catalog')", [fang, other])

    answers = [owner.post(at(shop, fang, act)).status_code for act in ("close", "password")]
    foreign = owner.get(at(shop, fang, "roles", party=other)).status_code
    taken = owner.client.post(at(shop, fang, "roles"), data=with_token(owner, shop, fang, [])).status_code

    assert (answers, foreign, taken) == ([403, 403], 404, 302)
    assert shop.sql("SELECT party_id, role FROM staff_role WHERE staff_id = %s", [fang]) == [(other, "catalog")]


def test_whoever_has_a_say_over_money_gets_a_password_by_the_platform_only(
    owner: Browser, panel: Panel, shop: Shop
) -> None:
    """An owner would be two people else; the platform's owner hands over, and it shows for a day (books.md)."""
    fang = a_login("fang@demo.test", shop.merchant, Role.FINANCE)
    boss = panel()
    a_seat(boss, shop, shop.platform, "platform_owner")

    refused = owner.post(at(shop, fang, "password"))
    given = boss.post(at(shop, fang, "password"))

    assert (refused.status_code, given.status_code) == (403, 200)
    assert GIVEN.search(refused.get_data(as_text=True)) is None
    assert panel().sign_in("fang@demo.test", PASSWORD).status_code == 403
    rows = shop.sql("SELECT must_change, handed_over_at IS NOT NULL FROM staff WHERE id = %s", [fang])
    assert rows == [(True, True)]


def test_an_own_password_is_guessed_no_oftener_than_at_the_door(panel: Panel, shop: Shop) -> None:
    """Fault 96: whoever sits at somebody's open panel has five tries; other sessions end when it is changed."""
    a_login("mei@demo.test", shop.merchant, Role.SUPPORT)
    here, there = panel(), panel()
    here.sign_in("mei@demo.test")
    there.sign_in("mei@demo.test")
    own = {"new": "four plain words here", "again": "four plain words here"}

    unlike = here.post("/password", {"old": PASSWORD, "new": own["new"], "again": "four plain words"})
    short = here.post("/password", {"old": PASSWORD, "new": "short", "again": "short"})
    changed = here.post("/password", {"old": PASSWORD, **own})
    guesses = [here.post("/password", {"old": f"wrong {n}", **own}).status_code for n in range(6)]

    assert [answer.status_code for answer in (unlike, short, changed)] == [422, 422, 302]
    assert there.get("/").location == "/sign-in"
    assert here.get("/").status_code == 200
    assert guesses == [403] * 5 + [429]


def test_a_lost_phone_is_taken_away_by_the_platforms_owner_with_a_code_of_his_own(
    panel: Panel, shop: Shop, vault: TestVault
) -> None:
    """INV-K5: the vault judges the code; whoever has taken web over takes nobody's second factor away without one."""
    fang = a_login("fang@demo.test", shop.merchant, Role.OWNER)
    lost, boss = panel(), panel()
    lost.sign_in("fang@demo.test")
    old = lost.set_up_second()
    him = a_login("boss@demo.test", shop.platform, Role.PLATFORM_OWNER)
    boss.sign_in("boss@demo.test")
    letters = boss.set_up_second()
    code = code_of(letters, at=time.time() + 30)

    wrong = boss.post(at(shop, fang, "second"), {"code": "000000"})
    own = boss.get(at(shop, him, "second", party=shop.platform))
    assert (wrong.status_code, own.status_code) == (403, 404)
    for staff, by, said in ((fang, fang, code_of(old, at=time.time() + 30)), (him, him, code), (him, fang, code)):
        with pytest.raises(VaultRefused) as refused:
            vault.client.take_second_factor_away(staff, by, said)
        assert refused.value.vault_code is VaultCode.SECOND_REFUSED
    assert shop.count("staff_totp") == 2
    done = boss.post(at(shop, fang, "second"), {"code": code})

    assert done.status_code == 302
    assert shop.sql("SELECT staff_id FROM staff_totp") == [(him,)]
    assert lost.get("/").location == "/sign-in"
    again = panel()
    again.sign_in("fang@demo.test")
    assert again.get("/").location == "/second/begin"
    written = "SELECT actor_id, action FROM audit_entry WHERE object_id = %s AND action = 'staff.second_taken'"
    assert shop.sql(written, [str(fang)]) == [(him, "staff.second_taken")]


def test_the_old_authenticator_counts_until_the_new_one_has_shown_that_it_works(
    panel: Panel, shop: Shop, vault: TestVault
) -> None:
    """A code of the old one first; what was scanned and never confirmed locks nobody out."""
    mei = a_login("mei@demo.test", shop.merchant, Role.OWNER)
    browser = panel()
    browser.sign_in("mei@demo.test")
    old = browser.set_up_second()

    refused = browser.post("/second/replace", {"code": "000000"})
    shown = browser.post("/second/replace", {"code": code_of(old, at=time.time() + 30)}).get_data(as_text=True)
    found = LETTERS.search(shown)
    assert refused.status_code == 403
    assert found is not None
    assert found[1] != old
    wrong = browser.post("/second/replace", {"code": "000000", "step": "new"})
    assert wrong.status_code == 403
    assert "What you scanned still waits" in wrong.get_data(as_text=True)
    shop.sql("UPDATE staff_totp SET last_step = last_step - 1")
    vault.client.check_second_factor(mei, code_of(old, at=time.time() + 30))
    done = browser.post("/second/replace", {"code": code_of(found[1]), "step": "new"})

    assert done.status_code == 302
    vault.client.check_second_factor(mei, code_of(found[1], at=time.time() + 30))
    shop.sql("UPDATE staff_totp SET last_step = 0")
    with pytest.raises(VaultRefused):
        vault.client.check_second_factor(mei, code_of(old))


def test_no_login_is_made_with_a_password_that_signing_in_does_not_take(shop: Shop) -> None:
    """The command line's too: whoever typed one of 201 bytes could never sign in."""
    with pytest.raises(Invalid):
        create_staff(
            actor=OPERATOR,
            party_id=shop.merchant,
            email="mei@demo.test",
            name="Li Mei",
            password=Secret("x" * 201),
            roles=frozenset({Role.OWNER}),
            now=NOON,
        )
    assert shop.count("staff") == 0
