"""Filters of lists that somebody keeps: one's own at one party, opened by a press, forgotten by one."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.errors import Invalid, NotAllowed
from core.ids import new_id
from core.parties.kept_filters import MOST, keep_filter, read_part
from tests.builders import NOON, Shop
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]
CHIP = re.compile(
    r'<span class="chip"><a href="([^"]+)"( aria-current="true")?>(?:<span class="quiet">[^<]*</span> )?<bdi>'
)
ROWS = "SELECT listed, name, cut FROM kept_filter ORDER BY listed, name"


def chips(browser: Browser, path: str) -> list[str]:
    """Where the chips of a page lead."""
    answer = browser.get(path)
    assert answer.status_code == 200
    return [url.replace("&amp;", "&") for url, _ in CHIP.findall(answer.get_data(as_text=True))]


def test_a_filter_is_kept_opened_by_one_press_and_forgotten_by_one(owner: Browser, shop: Shop) -> None:
    """What is kept is the list's own filter without page and junk; where there is none, nothing is said of it."""
    assert "Kept filters" not in owner.get("/").get_data(as_text=True) + owner.get("/orders/").get_data(as_text=True)
    asked = (
        "state=paid&from=2026-03-01&to=x&needs=0&page=7&search=ord_x&next=//evil.test&_external=1&_scheme=javascript"
    )
    offered = owner.get(f"/orders/?{asked}").get_data(as_text=True)
    assert 'href="/filters/orders/keep?from=2026-03-01&amp;state=paid"' in offered

    kept = owner.post(f"/filters/orders/keep?{asked}", {"name": " 三月已付 🎉 "})

    assert (kept.status_code, kept.location) == (302, "/orders/?from=2026-03-01&state=paid")
    assert shop.sql(ROWS) == [("orders", "三月已付 🎉", "from=2026-03-01&state=paid")]
    assert chips(owner, "/orders/") == chips(owner, "/") == ["/orders/?from=2026-03-01&state=paid"]
    here = owner.get(kept.location).get_data(as_text=True)
    assert CHIP.findall(here)[0][1]
    assert "Keep this filter" not in here
    assert chips(owner, "/audit/") == []  # another list

    ((one,),) = shop.sql("SELECT id FROM kept_filter")
    forgotten = owner.post(f"/filters/{one}/forget", shown="/orders/")
    assert (forgotten.location, shop.sql(ROWS), chips(owner, "/orders/")) == ("/orders/", [], [])
    assert shop.sql("SELECT action FROM audit_entry WHERE object_kind = 'kept_filter' ORDER BY id") == [
        ("kept_filter.kept",),
        ("kept_filter.forgotten",),
    ]


@pytest.mark.parametrize(
    ("listed", "asked", "kept", "page"),
    [
        ("shoppers", "blocked=1&page=3", "blocked=1", "/shoppers/"),
        ("audit", "by=staff&action=order.placed&since=x&until=2026-03-02&lang=en", "action=order.placed&by=staff&"
         "until=2026-03-02", "/audit/"),
        ("sales", "range=7&currency=CNY&merchant=x&by=profit", "currency=CNY&range=7", "/reports/"),
        ("goods", "range=month&by=profit&terms=own&channel=<b>", "by=profit&range=month&terms=own", "/reports/goods"),
        ("profit", "range=custom&since=2026-03-01&until=2026-03-02", "range=custom&since=2026-03-01&until=2026-03-02",
         "/reports/profit"),
        ("channels", "range=custom&since=2026-03-09&until=2026-03-02&currency=CNY", "currency=CNY",
         "/reports/channels"),
    ],
)  # fmt: skip
def test_each_list_keeps_what_it_filters_by_and_days_by_their_name(
    owner: Browser, shop: Shop, listed: str, asked: str, kept: str, page: str
) -> None:
    """The last seven days stay the last seven days; what the list does not know is no filter."""
    answer = owner.post(f"/filters/{listed}/keep?{asked}", {"name": "Mine"})

    assert (answer.status_code, answer.location) == (302, f"{page}?{kept}")
    assert shop.sql(ROWS) == [(listed, "Mine", kept)]
    assert chips(owner, page) == [f"{page}?{kept}"]
    assert owner.get(answer.location).status_code == 200


def test_what_is_kept_is_for_nobody_else_and_for_no_other_party(panel: Panel, shop: Shop) -> None:
    """INV-T1: a colleague, the same person at another party and the platform neither see nor forget it."""
    person, colleague, platform = panel(), panel(), panel()
    me = a_seat(person, shop, shop.merchant, "owner")
    a_seat(colleague, shop, shop.merchant, "owner", name="Zhou")
    a_seat(platform, shop, shop.platform, "platform_owner", name="Root")
    person.post("/filters/orders/keep?state=paid", {"name": "Mine"})
    ((one,),) = shop.sql("SELECT id FROM kept_filter")

    for other in (colleague, platform):
        assert chips(other, "/orders/") == chips(other, "/") == []
        assert other.post(f"/filters/{one}/forget", shown="/filters/orders/keep?state=paid").status_code == 404
    elsewhere = shop.a_party("second")
    shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, 'owner')", [me, elsewhere])
    shop.sql("UPDATE staff_session SET party_id = %s WHERE staff_id = %s", [elsewhere, me])
    assert chips(person, "/orders/") == chips(person, "/") == []
    assert person.post(f"/filters/{one}/forget", shown="/filters/orders/keep?state=paid").status_code == 404
    assert shop.count("kept_filter") == 1


def test_the_database_shows_a_kept_filter_to_its_person_at_its_party_alone(
    owner: Browser, shop: Shop, urls: dict[str, str]
) -> None:
    """INV-T1: also to a page that forgets to narrow, and to who sees all parties."""
    owner.post("/filters/orders/keep?state=paid", {"name": "Mine"})
    me, other = str(owner.person), str(new_id())  # type: ignore[attr-defined]
    seen = {}
    with psycopg.connect(urls["panel"]) as connection:
        for who in ((me, shop.merchant, ""), (other, shop.merchant, "all"), (me, shop.platform, "all"), ("", "", "")):
            connection.execute(
                "SELECT set_config('keystall.person', %s, true), set_config('keystall.party', %s, true),"
                " set_config('keystall.sees', %s, true)",
                [str(one) for one in who],
            )
            seen[who] = len(connection.execute("SELECT name FROM kept_filter").fetchall())
            connection.rollback()
        for statement in ("DELETE FROM kept_filter", "UPDATE kept_filter SET name = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()

    assert list(seen.values()) == [1, 0, 0, 0]


def test_the_twenty_first_is_refused_and_so_is_a_name_twice(owner: Browser, shop: Shop) -> None:
    """What is refused is said in a sentence, with the name still in the field; nothing was kept."""
    for number in range(MOST):
        assert owner.post("/filters/orders/keep?state=paid", {"name": f"No {number}"}).status_code == 302

    answer = owner.post("/filters/audit/keep?by=staff", {"name": "One more"})

    said = answer.get_data(as_text=True)
    assert (answer.status_code, shop.count("kept_filter")) == (409, MOST)
    assert "You keep 20 filters already: forget one first." in said
    assert 'value="One more"' in said
    shop.sql("DELETE FROM kept_filter WHERE name <> 'No 1'")
    twice = owner.post("/filters/orders/keep?state=closed", {"name": "No 1"})
    assert (twice.status_code, shop.sql(ROWS)) == (409, [("orders", "No 1", "state=paid")])
    assert "choose another name" in twice.get_data(as_text=True)
    assert owner.post("/filters/audit/keep?by=staff", {"name": "No 1"}).status_code == 302  # of another list


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\0b", "a\u202eb", "a\nb", "\u2066"])
def test_odd_names_are_refused_in_words(owner: Browser, shop: Shop, name: str) -> None:
    """No sign that turns others around, none that nobody sees."""
    answer = owner.post("/filters/orders/keep?state=paid", {"name": name})

    assert (answer.status_code, shop.count("kept_filter")) == (422, 0)


def test_forty_signs_are_a_name_and_markup_in_it_stays_text(owner: Browser, shop: Shop) -> None:
    """Nothing in a name is read as markup."""
    name = "<script>alert(1)</script>".ljust(40, "字")
    assert owner.post("/filters/orders/keep?state=paid", {"name": name}).status_code == 302

    assert shop.sql(ROWS) == [("orders", name, "state=paid")]
    assert "<script>alert" not in owner.get("/orders/").get_data(as_text=True)


def test_nothing_to_keep_is_said_and_a_long_filter_is_not_kept(owner: Browser, shop: Shop) -> None:
    """An address without a filter leads back to the list; more than 300 bytes are no filter."""
    assert owner.get("/filters/orders/keep?page=3").location == "/orders/"
    for path, said in (
        ("/filters/orders/keep?page=3", "There is no filter to keep"),
        (f"/filters/audit/keep?by={'x' * 298}", "too long to be kept"),
    ):
        answer = owner.post(path, {"name": "Mine"}, shown="/filters/orders/keep?state=paid")
        assert (answer.status_code, said in answer.get_data(as_text=True)) == (422, True), path
    assert shop.count("kept_filter") == 0
    assert owner.post(f"/filters/audit/keep?by={'x' * 297}", {"name": "Mine"}).status_code == 302


def test_a_list_that_does_not_open_keeps_nothing_and_stands_on_no_page(panel: Panel, shop: Shop) -> None:
    """INV-D2: whoever loses a role loses the chips of its lists; a list that is none is a page that is not there."""
    browser = panel()
    me = a_seat(browser, shop, shop.merchant, "owner")
    browser.post("/filters/audit/keep?by=staff", {"name": "Mine"})
    assert chips(browser, "/") == ["/audit/?by=staff"]

    shop.sql("UPDATE staff_role SET role = 'support' WHERE staff_id = %s", [me])

    assert chips(browser, "/") == []
    for listed in ("audit", "nothing", "orders%00"):
        assert browser.get(f"/filters/{listed}/keep?by=staff").status_code == 404, listed
    assert browser.get("/filters/orders/keep?state=paid").status_code == 200


def test_whatever_stands_in_a_row_opens_the_list_of_its_own_and_nothing_else(owner: Browser, shop: Shop) -> None:
    """No open redirect by what is kept: of a row only the filters that its list knows come into an address."""
    owner.post("/filters/orders/keep?state=paid", {"name": "Mine"})
    evil = "state=%2F%2Fevil.test&_external=1&_scheme=javascript&_anchor=x&endpoint=x&next=//evil.test"
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.sql("UPDATE kept_filter SET cut = '//evil.test/?state=paid'")
    shop.sql("UPDATE kept_filter SET cut = %s", [evil.replace("//", "%2F%2F")])

    assert chips(owner, "/") == ["/orders/?state=//evil.test"]
    assert read_part("nothing", "state=paid") == {}


def test_only_a_person_keeps_filters_and_only_those_of_a_list() -> None:
    """Neither the command line nor a key has a shelf; a key that the list does not know is refused."""
    person = Actor(ActorKind.STAFF, id=UUID(int=1), party_id=1)
    for actor in (OPERATOR, Actor(ActorKind.API_KEY, id=UUID(int=1), party_id=1), Actor(ActorKind.STAFF, party_id=1)):
        with pytest.raises(NotAllowed):
            keep_filter(actor=actor, listed="orders", name="Mine", cut={"state": "paid"}, now=NOON)
    for listed, cut in (("orders", {"blocked": "1"}), ("nothing", {"state": "paid"}), ("orders", {"state": ""})):
        with pytest.raises(Invalid):
            keep_filter(actor=person, listed=listed, name="Mine", cut=cut, now=NOON)
