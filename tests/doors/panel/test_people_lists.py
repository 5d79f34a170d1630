"""People of a party in lists: the page of what roles open, who stands in a list, what the panel's login reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from admin.reading import panel_db, reading
from core.parties.rules import PartyKind, Role
from core.parties.staff_sessions import PartyName, StaffSession
from tests.builders import Shop
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]


def test_the_page_of_what_roles_open_says_what_the_guard_does(owner: Browser, panel: Panel, shop: Shop) -> None:
    """INV-D2: its ticks are the routes' own; a merchant's owner sees a merchant's roles, the platform every kind's."""
    boss = panel()
    a_seat(boss, shop, shop.platform, "auditor")

    own = owner.get("/roles?kind=platform").get_data(as_text=True)
    price = re.search(r"Change a price.*?</tr>", own, re.DOTALL)
    suppliers = boss.get("/roles?kind=supplier").get_data(as_text=True)

    assert price is not None
    assert re.findall(r'data-called="([^"]+)">(?:<span class="(yes|no)")', price[0]) == [
        ("owner", "yes"),
        ("goods", "yes"),
        ("support", "no"),
        ("finance", "no"),
    ]
    assert "operator" not in own
    assert "Change a price" not in suppliers
    assert "See batches" in suppliers


def test_the_list_holds_the_own_people_and_for_the_platform_everybody(owner: Browser, panel: Panel, shop: Shop) -> None:
    """INV-T1, fault 56: a search of any signs is answered; a platform's page of one hundred people asks once."""
    boss, stranger = panel(), panel()
    a_seat(boss, shop, shop.platform, "auditor", name="Wu")
    a_seat(stranger, shop, shop.a_party("other"), "owner", name="Sun")

    pages = {who: one.get("/people").get_data(as_text=True) for who, one in (("own", owner), ("boss", boss))}
    junk = [owner.get(f"/people?search={said}&page={said}") for said in ("%00", "1e99", "-1", "\uff11", "9" * 30, "'")]
    found = boss.get("/people?search=Sun").get_data(as_text=True)

    assert ["Zhou" in pages["own"], "Wu" in pages["own"], "Sun" in pages["own"]] == [True, False, False]
    assert [name in pages["boss"] for name in ("Zhou", "Wu", "Sun")] == [True] * 3
    assert ["Sun" in found, "Zhou" in found] == [True, False]
    assert {answer.status_code for answer in junk} == {200}
    assert "New login" in pages["own"]
    assert "New login" not in pages["boss"]


def test_the_panels_login_reads_people_of_one_party_whatever_is_asked(owner: Browser, panel: Panel, shop: Shop) -> None:
    """INV-T1: without a filter, and whoever the person works for besides."""
    fang = a_seat(panel(), shop, shop.merchant, "support", name="Fang")
    other = shop.a_party("other")
    a_seat(panel(), shop, other, "owner", name="Sun")
    shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, 'catalog')", [fang, other])
    now = datetime.now(UTC)
    party = PartyName(shop.merchant, PartyKind.MERCHANT, "demo", {})
    session = StaffSession(fang, fang, "Fang", "", party, frozenset({Role.SUPPORT}), 1, now, now, True)

    with reading(session):
        names = {name for (name,) in panel_db.execute_sql("SELECT name FROM staff").fetchall()}
        places = {party_id for (party_id,) in panel_db.execute_sql("SELECT party_id FROM staff_role").fetchall()}
        factors = panel_db.execute_sql("SELECT count(*) FROM staff_totp").fetchone()[0]

    assert (names, places, factors) == ({"Li Mei", "Zhou", "Fang"}, {shop.merchant}, 3)
