"""A form that comes more than five minutes after the last code loses nothing: it waits, and goes on with the next."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable

import pytest

from core.parties.rules import Role
from tests.builders import Shop
from tests.support.panel import Browser, a_login, code_of

Panel = Callable[[], Browser]
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)"[^>]*? value="([^"]*)"')
TYPED = [("name", 'Fang "Fang" <b>'), ("email", "fang@demo.test"), ("roles", "support"), ("roles", "catalog")]
LATE = "UPDATE staff_session SET second_at = now() - interval '5 minutes', created_at = now() - interval '1 hour'"


@pytest.fixture
def owner(panel: Panel, shop: Shop) -> tuple[Browser, str]:
    """An owner whose last code is five minutes old, and the letters of the authenticator."""
    a_login("owner@demo.test", shop.merchant, Role.OWNER)
    browser = panel()
    browser.sign_in("owner@demo.test")
    letters = browser.set_up_second()
    return browser, letters


def fields(page: str) -> list[tuple[str, str]]:
    """What a page keeps of a form, its own token with it."""
    return [(name, html.unescape(value)) for name, value in HIDDEN.findall(page)]


def sent(pairs: list[tuple[str, str]], **more: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in [*pairs, *more.items()]:
        values.setdefault(name, []).append(value)
    return values


def test_what_was_typed_waits_for_the_code_and_then_goes_on(owner: tuple[Browser, str], shop: Shop) -> None:
    """INV-D2: nothing is changed before; a wrong code keeps it too; then it is done once, under another secret."""
    browser, letters = owner
    token = dict(fields(browser.get("/people/new").get_data(as_text=True)))["csrf_token"]
    shop.sql(LATE)
    cookie = browser.client.get_cookie("keystall_staff")

    late = browser.client.post("/people/new", data=sent([("csrf_token", token), *TYPED]))
    kept = fields(late.get_data(as_text=True))
    wrong = browser.client.post("/people/new", data=sent(kept, step_code="000000"))
    assert (late.status_code, wrong.status_code) == (403, 403)
    assert "Nothing was changed yet" in late.get_data(as_text=True)
    assert "This code does not count" in wrong.get_data(as_text=True)
    assert [one for one in kept if one[0] != "csrf_token"] == TYPED
    assert fields(wrong.get_data(as_text=True))[1:] == kept[1:]
    assert shop.sql("SELECT count(*) FROM staff WHERE email = 'fang@demo.test'") == [(0,)]
    code = code_of(letters, at=time.time() + 30)
    done = browser.client.post("/people/new", data=sent(kept, step_code=code))

    assert done.status_code == 200
    assert "First password" in done.get_data(as_text=True)
    assert shop.sql("SELECT name FROM staff WHERE email = 'fang@demo.test'") == [('Fang "Fang" <b>',)]
    new = browser.client.get_cookie("keystall_staff")
    assert cookie is not None
    assert new is not None
    assert new.value != cookie.value
    assert browser.get("/people/new").status_code == 200


def test_a_form_of_another_site_uses_nobodys_code_up(owner: tuple[Browser, str], shop: Shop) -> None:
    """Fault 85: its token is looked at before the code is; the code counts afterwards still."""
    browser, letters = owner
    shop.sql(LATE)
    code = code_of(letters, at=time.time() + 30)

    forged = browser.client.post("/people/new", data=sent([("csrf_token", "forged"), *TYPED], step_code=code))

    assert forged.status_code == 400
    assert browser.post("/second", {"code": code}).status_code == 302
    assert shop.sql("SELECT count(*) FROM staff WHERE email = 'fang@demo.test'") == [(0,)]


def test_whoever_has_no_second_factor_yet_is_led_to_set_one_up(panel: Panel, shop: Shop) -> None:
    """A role that needs none opens no page that asks for a code; it is told how."""
    a_login("fang@demo.test", shop.merchant, Role.SUPPORT)
    browser = panel()
    browser.sign_in("fang@demo.test")
    view = browser.app.view_functions["signing.sessions"]
    declared = view._panel_declared  # type: ignore[attr-defined]
    view._panel_declared = type(declared)(steps_up=True)  # type: ignore[attr-defined]
    try:
        assert browser.get("/sessions").location == "/second/begin?next=/sessions"
    finally:
        view._panel_declared = declared  # type: ignore[attr-defined]
