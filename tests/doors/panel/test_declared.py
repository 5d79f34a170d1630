"""INV-D2: no route of the panel works without what it declares; one that declares nothing stops the start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.routing import Rule

from admin.declared import Undeclared, check_all_declared, declared_for
from core.parties.rules import PartyKind, Role
from tests.builders import Shop
from tests.support.panel import Browser, a_login, address_of

Panel = Callable[[], Browser]


def test_a_route_that_does_not_say_for_whom_it_is_stops_the_start(panel: Panel) -> None:
    app = Flask("another")
    app.add_url_rule("/secret", "secret", lambda: "told")

    with pytest.raises(Undeclared):
        check_all_declared(app)


def test_no_page_answers_who_is_not_signed_in(panel: Panel) -> None:
    """Generated over the url map: every route × GET and POST × no login; open ones are named here."""
    browser = panel()
    is_open = {"static", "shared", "signing.sign_in", "applying.apply", "applying.applied"}
    tried = 0

    for rule in browser.app.url_map.iter_rules():
        declared = declared_for(browser.app, rule.endpoint)
        assert declared is not None
        assert declared.is_open is (rule.endpoint in is_open), rule.endpoint
        if declared.is_open:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = browser.client.open(address_of(rule), method=method)
            assert (answer.status_code, (answer.location or "").partition("?")[0]) == (302, "/sign-in"), rule.rule
            tried += 1
    assert tried >= 9


def test_no_write_works_without_the_token_of_its_form(panel: Panel, shop: Shop) -> None:
    """Fault 85, generated over the url map: signed in, but the form is not the panel's own."""
    a_login("mei@demo.test", shop.merchant, Role.OWNER)
    browser = panel()
    browser.sign_in("mei@demo.test")
    browser.set_up_second()
    before = shop.fingerprint()
    writes = [rule for rule in browser.app.url_map.iter_rules() if "POST" in (rule.methods or set())]
    own = [rule for rule in writes if is_for(browser, rule)]

    answers = {
        rule.rule: browser.client.post(address_of(rule), data={"csrf_token": "forged"}).status_code for rule in own
    }

    assert len(own) >= 8
    assert set(answers.values()) == {400}, answers
    assert shop.fingerprint() == before


def is_for(browser: Browser, rule: Rule) -> bool:
    """Whether a route is for the owner of a merchant."""
    declared = declared_for(browser.app, rule.endpoint)
    assert declared is not None
    fits = not declared.kinds or PartyKind.MERCHANT in declared.kinds
    return declared.is_open or (fits and (not declared.roles or Role.OWNER in declared.roles))


def test_every_answer_carries_the_headers_that_keep_a_page_to_itself(panel: Panel) -> None:
    browser = panel()

    for path in ("/sign-in", "/nothing", "/", "/static/css/panel.css"):
        answer = browser.get(path)
        headers = answer.headers
        answer.close()
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/sign-in?next=%00", "/%00", "/sessions?a=%FF", "/nothing/../etc"])
def test_junk_in_an_address_is_answered_calmly(panel: Panel, path: str) -> None:
    """Fault 56: never a 500."""
    assert panel().get(path).status_code in {200, 302, 308, 400, 404}
