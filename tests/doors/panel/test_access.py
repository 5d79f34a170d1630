"""INV-D2, INV-T1: every route × every role × foreign objects, generated from what the routes declare and a table."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from admin.people.acts import ACTS, ROOMS
from admin.people.matrix import room_of
from core.parties.rules import ROLES_OF, PartyKind
from tests.builders import Shop
from tests.doors.panel.access import PAIRS, TABLE, Row, methods_of, read_table, rows_of, said
from tests.doors.panel.foreign import NO_OBJECTS, OBJECTS, SUPPLIERS, World
from tests.support.panel import NOTHING, Browser, address_of
from tests.support.seated import a_seat

Panel = Callable[[], Browser]
FILES = {"static", "shared"}
ALL, LOOKING = frozenset({"GET", "POST", "PUT", "DELETE"}), frozenset({"GET"})


@pytest.fixture
def ran(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> tuple[Browser, list[str]]:
    """A browser at a panel whose pages only note that they were reached, and what was reached."""
    browser, reached = panel(), list[str]()
    for endpoint, view in browser.app.view_functions.items():
        browser.app.view_functions[endpoint] = noting(view, endpoint, reached)
    for module in ("admin.guard", "admin.stepping"):
        monkeypatch.setattr(f"{module}.draw", lambda *_, status=200, **__: ("", status))
    return browser, reached


def noting(view: Callable[..., Any], endpoint: str, reached: list[str]) -> Callable[..., Any]:
    """A page that keeps what its view declares."""

    @functools.wraps(view)
    def stub(*_: Any, **__: Any) -> str:
        reached.append(endpoint)
        return "reached"

    return stub


def of_the_table(app: Flask) -> Iterator[tuple[Row, str]]:
    """The rows of the table that people are let into, with an address."""
    rules = {(said(rule), methods_of(rule)): rule for rule in app.url_map.iter_rules()}
    for row in read_table():
        if row.who != {"anyone"}:
            yield row, address_of(rules[row.address, row.methods])


def test_who_may_open_what_is_as_somebody_looked_at_it(panel: Panel) -> None:
    """INV-D2: a route that opens for more than before changes a line of a file that is read in review."""
    now, seen = rows_of(panel().app), read_table()

    assert [row.text() for row in now] == [row.text() for row in seen], (
        f"look at what opens for whom now, then write {TABLE.name}: python -m tests.doors.panel.access --write"
    )
    assert len(now) > 30


def test_each_route_is_reached_by_the_roles_of_its_row_and_by_no_other(
    ran: tuple[Browser, list[str]], shop: Shop
) -> None:
    """INV-D2, fault 85: a page of another role is one that is not there; a form that is forged is refused."""
    browser, reached = ran
    rows = list(of_the_table(browser.app))
    parties = {kind: shop.a_party(f"p-{kind}", kind=kind.value) for kind in PartyKind if kind is not PartyKind.PLATFORM}
    wrong: list[str] = []

    for kind, role in PAIRS:
        a_seat(browser, shop, parties.get(kind, shop.platform), role)
        for row, address in rows:
            is_for = f"{kind}:{role}" in row.who
            if "GET" in row.methods:
                status, came = asked(browser, reached, "GET", address)
                expected = (200, True) if is_for else (404, False)
                wrong += [] if (status, came) == expected else [f"GET {address} by {kind} {role}: {status}"]
            if "POST" in row.methods:
                status, came = asked(browser, reached, "POST", address)
                expected = (400 if is_for else 403 if is_reveal(row, kind) else 404, False)
                wrong += [] if (status, came) == expected else [f"POST {address} by {kind} {role}: {status}"]

    assert wrong == []


def is_reveal(row: Row, kind: PartyKind) -> bool:
    """Whether somebody else of that kind of party sees something sealed there (fault 84)."""
    return "reveals" in row.signs and any(who.partition(":")[0] == kind for who in row.who)


def asked(browser: Browser, reached: list[str], method: str, address: str) -> tuple[int, bool]:
    """The answer's status, and whether the page itself was reached; a form is sent with a forged token."""
    reached.clear()
    data = {"csrf_token": "forged"} if method == "POST" else None
    status = browser.client.open(address, method=method, data=data).status_code
    return status, bool(reached)


@dataclass(frozen=True, slots=True)
class Gate:
    """Somebody who has something else to do first, and the sign of the pages that are open meanwhile."""

    sign: str
    leads_to: str
    seat: dict[str, Any]
    then: str = ""


GATES = (
    Gate("second", "/second/begin", {"has_second": False, "proved": None}),
    Gate("second", "/second", {"proved": None}),
    Gate("password", "/password", {}, "UPDATE staff SET must_change = true"),
)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.leads_to)
def test_what_comes_first_comes_before_every_page(ran: tuple[Browser, list[str]], shop: Shop, gate: Gate) -> None:
    """INV-D2: no page but those that are named opens before the second factor, or with somebody else's password."""
    browser, reached = ran
    a_seat(browser, shop, shop.merchant, "owner", **gate.seat)
    if gate.then:
        shop.sql(gate.then)
    browser.app.config["WTF_CSRF_ENABLED"] = False
    opened = set()

    for row, address in of_the_table(browser.app):
        for method in row.methods:
            answer = browser.client.open(address, method=method)
            if reached:
                opened.add(row.endpoint)
                reached.clear()
            else:
                assert (answer.status_code, answer.location) == (302, gate.leads_to), address

    assert opened == {row.endpoint for row in read_table() if row.signs & {gate.sign, "second"}}


def test_what_asks_for_a_code_is_reached_by_nobody_whose_code_is_old(
    ran: tuple[Browser, list[str]], shop: Shop
) -> None:
    """INV-D2: five minutes after the last code a page of the table's `+code` leads there, and a form waits for it."""
    browser, reached = ran
    browser.app.config["WTF_CSRF_ENABLED"] = False
    tried = 0

    for kind, role in PAIRS:
        party = shop.platform if kind is PartyKind.PLATFORM else shop.a_party(f"p-{kind}", kind=kind.value)
        rows = [one for one in of_the_table(browser.app) if "code" in one[0].signs and f"{kind}:{role}" in one[0].who]
        if not rows:
            continue
        a_seat(browser, shop, party, role, proved=timedelta(minutes=5))
        for row, address in rows:
            for method in row.methods:
                answer = browser.client.open(address, method=method, data={"a": "b"} if method == "POST" else None)
                expected = (302, f"/second?next={address}") if method == "GET" else (403, None)
                assert (answer.status_code, answer.location, reached) == (*expected, []), address
                tried += 1
    assert tried >= 20


def test_every_page_and_act_has_a_name_for_people(panel: Panel) -> None:
    """The page of what roles open shows no endpoint: a new one is named in admin/people/acts.py, in both languages."""
    endpoints = {row.endpoint for row in rows_of(panel().app) if row.who != {"anyone"}}

    assert endpoints - set(ACTS) == set()
    assert {room_of(panel().app, rule) for rule in panel().app.url_map.iter_rules()} <= set(ROOMS)


def parameters_of(rule: Rule) -> list[str]:
    """The parameters of a route as foreign.py knows them."""
    blueprint, _, name = rule.endpoint.partition(".")
    own = [f"{blueprint}.{one}" for one in sorted(rule.arguments)]
    return [*own, f"{blueprint}.id"] if name == "details_view" else own


def with_objects(app: Flask) -> list[Rule]:
    """The routes that name something that is somebody's."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FILES]
    return [rule for rule in rules if set(parameters_of(rule)) - set(NO_OBJECTS)]


def test_every_parameter_of_a_route_has_a_foreign_object(panel: Panel) -> None:
    """INV-T1: a page that takes an id is not tried before somebody has said what is foreign there (foreign.py)."""
    wanted = {one for rule in with_objects(panel().app) for one in parameters_of(rule)} - set(NO_OBJECTS)

    assert wanted - set(OBJECTS) == set(), "add these to tests/doors/panel/foreign.py"


def requests_of(
    browser: Browser, rules: Iterable[Rule], made: dict[str, Any], *, methods: frozenset[str] = ALL
) -> Iterator[tuple[str, TestResponse]]:
    """Every way to ask for these objects, with the answer."""
    for rule in rules:
        blueprint = rule.endpoint.partition(".")[0]
        values = {one: str(made.get(f"{blueprint}.{one}", NOTHING[way_of(rule, one)])) for one in rule.arguments}
        address = filled(rule, values)
        if f"{blueprint}.id" in parameters_of(rule) and "id" not in rule.arguments:
            address += "?" + urlencode({"id": made[f"{blueprint}.id"]})
        for method in sorted(methods & set(methods_of(rule))):
            yield f"{method} {address}", browser.client.open(address, method=method, data={"id": "x"})


def way_of(rule: Rule, name: str) -> str:
    """The name of the converter of a parameter."""
    return type(rule._converters[name]).__name__


def filled(rule: Rule, values: dict[str, str]) -> str:
    """The address of a route with these values."""
    built = rule.build({name: rule._converters[name].to_python(value) for name, value in values.items()})
    assert built is not None, rule.rule
    return built[1]


@pytest.mark.parametrize("kind", [PartyKind.MERCHANT, PartyKind.SUPPLIER])
def test_whatever_is_foreign_is_answered_as_what_is_missing_and_stays_as_it_is(
    panel: Panel, shop: Shop, kind: PartyKind
) -> None:
    """INV-T1, fault 82: to all roles of another party together, by every method of every route that takes an id.

    The control asks by the party's own roles: there the same addresses are no 404.
    """
    owner, stranger = panel(), panel()
    shop.merchant  # noqa: B018 - first: it is the default one
    parties = {"merchant": shop.merchant, "supplier": shop.a_party("brand1", kind="supplier")}
    people = {name: a_seat(panel(), shop, party, "finance", name="Fang") for name, party in parties.items()}
    world = World(shop, people["merchant"], people["supplier"])
    a_seat(owner, shop, parties[kind], *ROLES_OF[kind])
    a_seat(stranger, shop, shop.a_party("foreign", kind=kind.value), *ROLES_OF[kind])
    owner.app.config["WTF_CSRF_ENABLED"] = False
    rows = {row.address: row for row in rows_of(owner.app)}
    rules = [
        rule for rule in with_objects(owner.app) if any(who.startswith(f"{kind}:") for who in rows[said(rule)].who)
    ]
    objects = {**OBJECTS, **(SUPPLIERS if kind is PartyKind.SUPPLIER else {})}
    made: dict[str, Any] = dict(NO_OBJECTS)
    named = sorted({one for rule in rules for one in parameters_of(rule)} & set(objects))
    made |= {one: objects[one](world) for one in named}
    before = shop.fingerprint()

    answers = {address: answer.status_code for address, answer in requests_of(stranger, rules, made)}

    assert {address: status for address, status in answers.items() if status != 404} == {}
    assert shop.fingerprint() == before
    assert len(answers) >= 4
    looks = [
        rule
        for rule in rules
        if "GET" in methods_of(rule) and not {rule.endpoint, f"{rule.endpoint} {kind}"} & ONLY_SOMETIMES
    ]
    own = {address: answer.status_code for address, answer in requests_of(owner, looks, made, methods=LOOKING)}
    assert [address for address, status in own.items() if status == 404 or status >= 500] == []


ONLY_SOMETIMES: frozenset[str] = frozenset({"sheets.undo", "tasks.task", "imports.bring supplier", "imports.report"})
"""Pages (of a kind) that are 404 also for the object's own party, at the moment that the test asks."""
