"""Query counts: no page asks the database more often because there is more to show, whatever it lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from werkzeug.routing import Rule

from admin.declared import declared_for
from admin.menu import GROUPS
from core.parties.rules import ROLES_OF, PartyKind
from tests.builders import Shop
from tests.doors.panel.access import methods_of
from tests.doors.panel.crowded import COPIES, many_of_each, one_of_each
from tests.doors.panel.foreign import World
from tests.doors.panel.test_access import FILES, filled, parameters_of
from tests.support.panel import Browser
from tests.support.seated import a_seat
from tests.support.statements import recorded

Panel = Callable[[], Browser]
MOST = 24
"""Statements of the page that asks most: a batch with everything that can be done to it."""

ROW = re.compile(r'<tr[ >]|<li class="(?:row|moment)')
NO_LISTS = frozenset(
    {
        *("home.today", "front.settings", "exports.asked", "health.index"),  # figures and forms
        *("reports.sales", "money.overview", "matrix.roles"),  # by day, by currency, by role
    }
)
"""Entries of the menu that do not grow with what is there; every other one is a list."""

INNER = frozenset(
    {
        *("shoppers.shopper", "shoppers.wallet", "order.order", "batch.buyers", "product.page", "party.show"),
        *("signing.sessions", "reports.goods", "offered.page", "jobs.now"),
    }
)
"""Lists that are no entry of the menu."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One page: its status, how often it asked the database, and how many rows it drew."""

    status: int
    asked: int
    rows: int


@pytest.mark.parametrize("kind", [PartyKind.MERCHANT, PartyKind.SUPPLIER, PartyKind.PLATFORM])
def test_no_page_asks_more_often_because_there_is_more_to_show(panel: Panel, shop: Shop, kind: PartyKind) -> None:
    """Every page that all roles of a party open, with one of everything and with 24 more; lists did become longer.

    One question more is of something that was not there before, such as the order that holds a card by now.
    """
    browser = panel()
    parties = {"merchant": shop.merchant, "supplier": shop.a_party("brand1", kind="supplier")}
    people = {name: a_seat(panel(), shop, party, "finance", name="Fang") for name, party in parties.items()}
    world = World(shop, people["merchant"], people["supplier"])
    objects = one_of_each(shop, world, kind)
    a_seat(browser, shop, parties.get(kind, shop.platform), *ROLES_OF[kind])
    addresses = {
        rule.endpoint: address_of(rule, objects)
        for rule in browser.app.url_map.iter_rules()
        if "GET" in methods_of(rule) and rule.endpoint not in FILES and is_for(browser, rule, kind)
    }

    few = {endpoint: seen(browser, address) for endpoint, address in addresses.items()}
    many_of_each(shop, world)
    many = {endpoint: seen(browser, address) for endpoint, address in addresses.items()}

    drawn = {endpoint for endpoint, one in many.items() if one.status == 200}
    more = {endpoint: (few[endpoint], many[endpoint]) for endpoint in drawn if grew(few[endpoint], many[endpoint])}
    assert more == {}
    assert max(many.values(), key=lambda one: one.asked).asked <= MOST
    lists = ({entry.endpoint for _, entries in GROUPS for entry in entries} - NO_LISTS | INNER) & set(addresses)
    assert lists <= drawn
    assert {
        one: (few[one].rows, many[one].rows) for one in lists if few[one].rows > 12 or many[one].rows < COPIES
    } == {}
    assert len(lists) >= 9


def grew(few: Seen, many: Seen) -> bool:
    """Whether a page asked more often than what is new there explains."""
    return many.asked > few.asked + 1


def is_for(browser: Browser, rule: Rule, kind: PartyKind) -> bool:
    """Whether somebody with all roles of such a party opens it."""
    declared = declared_for(browser.app, rule.endpoint)
    return declared is not None and not declared.is_open and declared.admits_roles(kind, ROLES_OF[kind])


def address_of(rule: Rule, objects: Mapping[str, str]) -> str:
    """The address of a route with objects of the party."""
    blueprint = rule.endpoint.partition(".")[0]
    address = filled(rule, {one: objects[f"{blueprint}.{one}"] for one in rule.arguments})
    is_asked = f"{blueprint}.id" in parameters_of(rule) and "id" not in rule.arguments
    return f"{address}?id={objects[f'{blueprint}.id']}" if is_asked else address


def seen(browser: Browser, address: str) -> Seen:
    """A page at the second look, so that nothing is counted that is asked for once in a process."""
    browser.get(address)
    with recorded() as asked:
        answer = browser.get(address)
    return Seen(answer.status_code, len(asked), len(ROW.findall(answer.get_data().decode(errors="replace"))))
