"""Signing in to the panel: the same answer for whatever is wrong, few tries, sessions that end when they should."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from core.parties import signing_in
from core.parties.rules import Role
from core.secret import Secret
from tests.builders import Shop
from tests.support.panel import ERROR_ID, PASSWORD, Browser, a_login

Panel = Callable[[], Browser]


def test_whoever_knows_the_password_comes_in(panel: Panel, shop: Shop) -> None:
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()

    answer = browser.sign_in(" Mei@Demo.test ")

    assert (answer.status_code, answer.location) == (302, "/")
    cookie = next(said for said in answer.headers.getlist("Set-Cookie") if said.startswith("keystall_staff="))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Li Mei" in browser.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("mei@demo.test", "wrong"),
        ("nobody@demo.test", PASSWORD),
        ("mei@demo.test", ""),
        ("", ""),
        ("mei@demo.test", "x" * 500),
        ("mei@demo.test\0", PASSWORD),
        ("mei@demo.test", f"{PASSWORD}\0"),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(panel: Panel, shop: Shop, email: str, password: str) -> None:
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()

    answer = browser.sign_in(email, password)

    assert answer.status_code == 403
    assert "Address or password is wrong." in answer.get_data(as_text=True)
    assert browser.get("/").location == "/sign-in"
    assert shop.count("staff_session") == 0


def test_a_closed_login_and_one_without_a_party_are_told_nothing_else(panel: Panel, shop: Shop) -> None:
    a_login("closed@demo.test", shop.merchant, Role.CATALOG)
    a_login("alone@demo.test", shop.merchant, Role.CATALOG)
    shop.sql("UPDATE staff SET disabled_at = now() WHERE email = 'closed@demo.test'")
    shop.sql("DELETE FROM staff_role USING staff s WHERE s.id = staff_id AND s.email = 'alone@demo.test'")

    said = {
        panel().sign_in(f"{who}@demo.test").get_data(as_text=True).count("Address or password is wrong.")
        for who in ("closed", "alone")
    }

    assert said == {1}


@pytest.mark.parametrize("change", ["password_hash = '$argon2id$another'", "disabled_at = now()"])
def test_a_password_that_is_taken_away_while_it_is_tried_begins_no_session(
    panel: Panel, shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Fault 86: whoever gave it another one, or closed it, has just ended all sessions of this login."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    verified = signing_in.verify

    def changed_meanwhile(kept: str, password: Secret) -> bool:
        fits = verified(kept, password)
        shop.sql(f"UPDATE staff SET {change}")
        return fits

    monkeypatch.setattr(signing_in, "verify", changed_meanwhile)

    assert panel().sign_in("mei@demo.test").status_code == 403
    assert shop.count("staff_session") == 0


def test_the_sixth_try_is_not_even_looked_at(panel: Panel, shop: Shop) -> None:
    """Fault 96: guessing ends after five wrong tries, also with the right password then; another address goes on."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    a_login("fang@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()

    answers = [browser.sign_in("mei@demo.test", f"wrong {n}").status_code for n in range(5)]
    blocked = browser.sign_in("mei@demo.test")

    assert answers == [403] * 5
    assert blocked.status_code == 429
    assert "Wait 15 min," in blocked.get_data(as_text=True)
    assert panel().sign_in("fang@demo.test").status_code == 302
    shop.sql("UPDATE sign_in_try SET blocked_until = now() - interval '1 second', since = since - interval '1 hour'")
    assert browser.sign_in("mei@demo.test").status_code == 302


def test_guesses_that_are_tried_at_once_are_not_more_than_five(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 96: the right one among many comes too late, once five wrong ones were counted beside it."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    verified, place = signing_in.verify, signing_in.From("a test", "192.0.2")
    sign_in = partial(signing_in.sign_in, email="mei@demo.test", came_from=place, now=datetime.now(UTC))

    def beside_others(kept: str, password: Secret) -> bool:
        monkeypatch.setattr(signing_in, "verify", verified)
        for n in range(5):
            with pytest.raises(signing_in.WrongSignIn):
                sign_in(password=Secret(f"wrong {n}"))
        return verified(kept, password)

    monkeypatch.setattr(signing_in, "verify", beside_others)

    with pytest.raises(signing_in.TooManyTries):
        sign_in(password=Secret(PASSWORD))
    assert shop.count("staff_session") == 0


def test_a_form_from_elsewhere_signs_nobody_in(panel: Panel, shop: Shop) -> None:
    """Fault 85: without its token, with a foreign Origin or a foreign page behind it."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    values = {"email": "mei@demo.test", "password": PASSWORD}

    answers = [
        panel().client.post("/sign-in", data=values),
        panel().client.post("/sign-in", data=values, headers={"Origin": "https://evil.example"}),
        panel().client.post("/sign-in", data=values, headers={"Sec-Fetch-Site": "cross-site"}),
        panel().client.post("/sign-in", data=values, headers={"Origin": "null"}),
        panel().client.post("/sign-in", data=values, headers={"Origin": "http://["}),
        panel().client.post("/sign-in", data=values, headers={"Origin": "http://localhost@evil.example"}),
    ]

    assert [answer.status_code for answer in answers] == [400, 403, 403, 403, 403, 403]
    assert all(ERROR_ID.search(answer.get_data(as_text=True)) for answer in answers)
    assert shop.count("staff_session") == 0


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "evil",
        "",
        "//[",
        "/a%0D%0AX: y",
        "/%09/evil.example",
    ],
)
def test_signing_in_leads_to_the_panel_and_nowhere_else(panel: Panel, shop: Shop, wanted: str) -> None:
    """Fault 87: an address that leads elsewhere leads to the first page."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)

    assert panel().sign_in("mei@demo.test", path=f"/sign-in?next={wanted}").location == "/"


def test_signing_in_goes_on_where_somebody_wanted_to_go(panel: Panel, shop: Shop) -> None:
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()

    asked = browser.get("/sessions?x=1")

    assert asked.location == "/sign-in?next=/sessions?x%3D1"
    assert browser.sign_in("mei@demo.test", path=asked.location).location == "/sessions?x=1"


def test_signing_out_ends_every_copy_of_the_cookie(panel: Panel, shop: Shop) -> None:
    """Fault 86: a cookie that was copied before opens nothing after."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser, thief = panel(), panel()
    browser.sign_in("mei@demo.test")
    cookie = browser.client.get_cookie("keystall_staff")
    assert cookie is not None
    thief.client.set_cookie("keystall_staff", cookie.value)
    assert thief.get("/sessions").status_code == 200

    browser.post("/sign-out", shown="/sessions")

    assert thief.get("/sessions").location.startswith("/sign-in")


def test_a_cookie_that_somebody_planted_becomes_nobodys_session(panel: Panel, shop: Shop) -> None:
    """Fault 86: signing in makes a secret of its own, whatever the browser showed before."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.client.set_cookie("keystall_staff", "A" * 43)

    browser.sign_in("mei@demo.test")

    cookie = browser.client.get_cookie("keystall_staff")
    assert cookie is not None
    assert cookie.value != "A" * 43
    assert cookie.value.encode() not in str(shop.sql("SELECT * FROM staff_session")).encode()


@pytest.mark.parametrize(
    "how",
    [
        "seen_at = now() - interval '30 minutes 1 second', created_at = now() - interval '1 hour'",
        "ends_at = now(), created_at = now() - interval '12 hours'",
    ],
)
def test_a_session_ends_by_itself(panel: Panel, shop: Shop, how: str) -> None:
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.sign_in("mei@demo.test")
    assert browser.get("/").status_code == 200

    shop.sql(f"UPDATE staff_session SET {how}")

    assert browser.get("/").location == "/sign-in"


def test_roles_are_read_with_each_page(panel: Panel, shop: Shop) -> None:
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    browser = panel()
    browser.sign_in("mei@demo.test")

    shop.sql("DELETE FROM staff_role USING staff s WHERE s.id = staff_id AND s.email = 'mei@demo.test'")

    assert browser.get("/").location == "/sign-in"


def test_an_unknown_address_takes_as_long_as_a_known_one(panel: Panel, shop: Shop) -> None:
    """Fault 95: the time tells nobody which addresses have a login (compared with generous room)."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)

    def taken(email: str) -> float:
        browser = panel()
        browser.get("/sign-in")
        began = time.process_time()
        browser.sign_in(email, "wrong wrong wrong")
        return time.process_time() - began

    taken("warm@demo.test")
    assert 0.3 < taken("mei@demo.test") / taken("nobody@demo.test") < 3


def test_ones_own_sessions_can_be_ended_and_nobody_elses(panel: Panel, shop: Shop) -> None:
    """Fault 82: another person's session is one that is not there."""
    a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    a_login("fang@demo.test", shop.merchant, Role.CATALOG)
    here, there, other = panel(), panel(), panel()
    here.sign_in("mei@demo.test")
    there.sign_in("mei@demo.test")
    other.sign_in("fang@demo.test")
    ((foreign,),) = shop.sql(
        "SELECT s.id FROM staff_session s JOIN staff f ON f.id = s.staff_id WHERE f.email = 'fang@demo.test'"
    )

    refused = here.post("/sessions/end", {"session": str(foreign)}, shown="/sessions")
    here.post("/sessions/end", {"session": "others"}, shown="/sessions")

    assert refused.status_code == 404
    assert other.get("/").status_code == 200
    assert there.get("/").location == "/sign-in"
    assert here.get("/").status_code == 200


def test_somebody_of_two_parties_acts_for_one_of_them_at_a_time(panel: Panel, shop: Shop) -> None:
    other, foreign = shop.a_party("other"), shop.a_party("foreign")
    mei: Any = a_login("mei@demo.test", shop.merchant, Role.CATALOG)
    shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, 'stock')", [mei, other])
    browser = panel()
    browser.sign_in("mei@demo.test")

    refused = [
        browser.post("/party", {"party": said}, shown="/sessions").status_code for said in (str(foreign), "x", "")
    ]
    taken = browser.post("/party", {"party": str(other)}, shown="/sessions")

    assert refused == [404, 404, 404]
    assert taken.status_code == 302
    assert shop.sql("SELECT party_id FROM staff_session") == [(other,)]
