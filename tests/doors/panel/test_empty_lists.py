"""Empty states: a list with nothing in it says what will stand there, and leads to the next step (panel.md)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest

from admin.declared import Declared, declared_for
from admin.menu import GROUPS
from admin.scoped import ScopedView
from core.ids import Prefix, public
from core.parties.rules import PartyKind, Role
from tests.builders import Shop
from tests.doors.panel.access import PAIRS
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]
EMPTY = re.compile(r'<div class="empty">(.*?)</div>', re.S)
SENTENCE = re.compile(r"<p>(.*?)</p>", re.S)
LINK = re.compile(r'<a [^>]*href="([^"]+)"')
NEVER_EMPTY = frozenset(
    {
        *("home.today", "front.settings", "exports.asked", "health.index", "matrix.roles"),  # no lists
        *("people.everyone", "parties.index_view"),  # who looks stands in them
    }
)
LEADS_ON = {
    PartyKind.MERCHANT: {"listings.index_view", "batches.index_view", "imports.list", "orders.index_view"},
    PartyKind.SUPPLIER: {"batches.index_view", "imports.list", "hop.stock", "offers.list", "money.overview"},
    PartyKind.PLATFORM: {"approvals.index"},
}
"""Lists whose empty state has to have a link, whatever else has one."""


def emptiness(browser: Browser, address: str) -> list[tuple[str, list[str]]]:
    """The empty states of a page: the sentence of each, and where its links lead."""
    page = browser.get(address)
    assert page.status_code == 200, address
    found = EMPTY.findall(page.get_data(as_text=True))
    return [
        (html.unescape(SENTENCE.findall(one)[0]).strip(), [html.unescape(to) for to in LINK.findall(one)])
        for one in found
    ]


@pytest.mark.parametrize("kind", [PartyKind.MERCHANT, PartyKind.SUPPLIER, PartyKind.PLATFORM])
def test_every_list_of_a_new_party_says_what_will_stand_there_and_its_links_open(
    panel: Panel, shop: Shop, kind: PartyKind
) -> None:
    """Every entry of the menu that is a list, for the owner of a party that nothing was done at yet."""
    browser = panel()
    parties = {PartyKind.PLATFORM: shop.platform}
    party = parties.get(kind) or shop.a_party("new", kind=kind.value)
    a_seat(browser, shop, party, Role.PLATFORM_OWNER if kind is PartyKind.PLATFORM else Role.OWNER)
    shown = entries_of(browser, kind)

    said = {endpoint: emptiness(browser, address) for endpoint, address in shown.items()}

    assert {endpoint for endpoint, found in said.items() if not found} == set()
    for endpoint, found in said.items():
        for sentence, links in found:
            assert re.search(r"\w{2,}.{15,}[.]$", sentence), (endpoint, sentence)
            assert {to: browser.get(to).status_code for to in links if browser.get(to).status_code != 200} == {}
    assert {one for one in LEADS_ON[kind] if not any(links for _, links in said[one])} == set()
    assert len(shown) >= 7


def entries_of(browser: Browser, kind: PartyKind) -> dict[str, str]:
    """The lists of the menu as it is drawn for this browser."""
    menu = browser.get("/").get_data(as_text=True)
    addresses = {rule.endpoint: rule.rule for rule in browser.app.url_map.iter_rules()}
    every = [entry.endpoint for _, entries in GROUPS for entry in entries]
    return {one: addresses[one] for one in every if one not in NEVER_EMPTY and f'href="{addresses[one]}"' in menu}


def test_an_unknown_shoppers_orders_and_wallet_say_what_will_stand_there(panel: Panel, shop: Shop) -> None:
    """Somebody who has only said hello."""
    browser = panel()
    a_seat(browser, shop, shop.merchant, Role.OWNER)
    number = public(Prefix.SHOPPER, shop.a_shopper().shopper_id)

    ((orders, _),) = emptiness(browser, f"/shoppers/{number}")
    ((wallet, _),) = emptiness(browser, f"/shoppers/{number}/wallet")

    assert orders == "No order yet. What this shopper orders stands here, the newest first."
    assert wallet.startswith("Nothing has gone into this wallet yet. ")


@pytest.mark.parametrize("view", ScopedView.__subclasses__(), ids=lambda view: view.__name__)
def test_each_next_step_is_a_page_of_somebody_who_sees_the_list(panel: Panel, view: type[ScopedView]) -> None:
    """A step that nobody could take is none; a search that finds nothing leads back to the whole list instead."""
    app, sees = panel().app, Declared(roles=view.roles, kinds=view.kinds)
    for endpoint, _ in view.next_steps:
        step = declared_for(app, endpoint)
        assert step is not None, endpoint
        assert any(sees.admits_roles(kind, {role}) and step.admits_roles(kind, {role}) for kind, role in PAIRS)


def test_a_page_behind_the_last_one_leads_back_to_the_first(panel: Panel, shop: Shop) -> None:
    """Nothing there does not mean that there is nothing at all."""
    browser = panel()
    a_seat(browser, shop, shop.merchant, Role.OWNER)

    for path in ("/orders/", "/goods/", "/batches/", "/audit/", "/shoppers/"):
        ((said, links),) = emptiness(browser, f"{path}?page=7")
        assert (said, links) == ("Nothing stands on this page: the list ends before it.", [path])
