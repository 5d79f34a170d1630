"""Faults 55, 56: what is typed into addresses and forms is answered calmly, by every route, to people of each kind.

Forms are sent with their token, about an object that is there, with every field that the page shows: what is refused
is refused by what reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from core.parties.rules import ROLES_OF, PartyKind
from tests.builders import Shop
from tests.doors.panel.access import rows_of, said
from tests.doors.panel.foreign import NO_OBJECTS, OBJECTS, SUPPLIERS, World
from tests.doors.panel.test_access import FILES, filled, parameters_of, way_of
from tests.support.panel import NOTHING, TOKEN, Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]

TYPED = ("\0", "9" * 31, "[")
"""What each field and each word of an address is, one after the other: signs that no text of the database has, a number
that no column has, half an address."""

FIELD = re.compile(r'<(?:input|select|textarea|button)[^>]*\sname="([^"]+)"')
LINK = re.compile(r'href="[^"?]*\?([^"]*)"')
ASKED = frozenset({"page", "sort", "desc", "page_size", "search", "flt0_0", "next", "lang", "range", "since", "until"})
ENDS_IT = frozenset({"signing.sign_out", "signing.end"})


@pytest.mark.parametrize("kind", [PartyKind.MERCHANT, PartyKind.SUPPLIER, PartyKind.PLATFORM])
def test_no_route_falls_over_what_is_typed(panel: Panel, shop: Shop, kind: PartyKind) -> None:
    browser, parties = panel(), {PartyKind.MERCHANT: shop.merchant, PartyKind.PLATFORM: shop.platform}
    parties[PartyKind.SUPPLIER] = shop.a_party("brand1", kind="supplier")
    people = [a_seat(panel(), shop, parties[one], "finance") for one in (PartyKind.MERCHANT, PartyKind.SUPPLIER)]
    world, objects = World(shop, *people), {**OBJECTS, **(SUPPLIERS if kind is PartyKind.SUPPLIER else {})}
    a_seat(browser, shop, parties[kind], *ROLES_OF[kind])
    who = {row.address: row.who for row in rows_of(browser.app)}
    rules = [
        rule
        for rule in browser.app.url_map.iter_rules()
        if rule.endpoint not in FILES | ENDS_IT and any(one.startswith((kind, "anyone")) for one in who[said(rule)])
    ]
    named = sorted({one for rule in rules for one in parameters_of(rule)} & set(objects))
    made: dict[str, Any] = {**NO_OBJECTS, **{one: objects[one](world) for one in named}}

    answers = [one for rule in rules for one in answers_of(browser, rule, made)]

    assert len(answers) > 200
    assert {asked: status for asked, status in answers if status >= 500} == {}


def answers_of(browser: Browser, rule: Rule, made: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """What was sent to one route, with the answer's status."""
    blueprint, methods = rule.endpoint.partition(".")[0], rule.methods or set()
    values = {one: str(made.get(f"{blueprint}.{one}", NOTHING[way_of(rule, one)])) for one in rule.arguments}
    address = filled(rule, values)
    if f"{blueprint}.id" in parameters_of(rule):
        address += "?" + urlencode({"id": made[f"{blueprint}.id"]})
    page = browser.get(address).get_data().decode(errors="replace") if "GET" in methods else ""
    fields = set(FIELD.findall(page)) - {"csrf_token"}
    words = {pair.partition("=")[0] for link in LINK.findall(page) for pair in re.split("&(?:amp;)?", link)}
    found = TOKEN.search(page) or TOKEN.search(browser.get("/sessions").get_data(as_text=True))
    assert found is not None, address
    for typed in TYPED:
        if "GET" in methods:
            asked = address.partition("?")[0] + "?" + urlencode(dict.fromkeys(words | fields | ASKED, typed))
            yield f"GET {address} {typed}", closed(browser.get(asked))
        if "POST" in methods:
            form = {**dict.fromkeys(fields, typed), "csrf_token": found[1] or found[2]}
            yield f"POST {address} {typed}", closed(browser.client.post(address, data=form))


def closed(answer: TestResponse) -> int:
    """An answer's status, once it was read to its end."""
    answer.close()
    return answer.status_code
