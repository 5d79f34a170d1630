"""What Flask-Admin does as it comes (design: its table of defects), and this panel does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import peewee
import pytest

from admin.reading import panel_db, reading
from admin.rows import ListingRow, OrderRow
from admin.scoped import ScopedView, Unscoped
from core.ids import Prefix, public
from core.parties.rules import PartyKind, Role
from core.parties.staff_sessions import PartyName, StaffSession
from ops import logs
from tests.builders import Shop
from tests.support.panel import ERROR_ID, Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]

SHARED = {"currency", "schema_migration", "report_mark"}
"""What the panel reads of no party: its columns are no secret of anybody (migrations say which)."""

GRANTED = """
WITH granted AS (
    SELECT c.oid, c.relname AS name, a.attname AS attribute, a.atttypid::regtype::text AS type,
           x.privilege_type AS privilege
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION ALL SELECT * FROM aclexplode(a.attacl)) x
    WHERE x.grantee = 'keystall_panel'::regrole AND c.relnamespace = 'public'::regnamespace
)
"""

STOCK_ROUTES = ("new/", "edit/", "delete/", "action/", "ajax/lookup/", "ajax/update/", "export/csv/", "import/")


@pytest.fixture
def owner(panel: Panel, shop: Shop) -> Browser:
    """The owner of the shop's merchant."""
    browser = panel()
    a_seat(browser, shop, shop.merchant, "owner")
    return browser


def test_of_flask_admin_no_route_is_served_but_lists_and_rows(owner: Browser, shop: Shop) -> None:
    """Stock: edit, its POST, bulk delete and AJAX reach hidden rows; deleting a merchant takes its goods along."""
    app = owner.app
    lists = [view for admin in app.extensions["admin"] for view in admin._views if isinstance(view, ScopedView)]
    before = shop.fingerprint()

    served = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in names(lists)}
    answers = {
        f"{method} {view.url}/{route}": owner.client.open(f"{view.url}/{route}?id=1", method=method).status_code
        for view in lists
        for route in STOCK_ROUTES
        for method in ("GET", "POST")
    }

    assert len(lists) >= 5
    assert {endpoint.partition(".")[2] for endpoint in served} <= {"index_view", "details_view"}
    assert {address: status for address, status in answers.items() if status not in {302, 404, 405}} == {}
    assert not any(rule.endpoint.startswith("admin.") for rule in app.url_map.iter_rules())
    assert shop.fingerprint() == before


def names(lists: list[ScopedView]) -> set[str]:
    return {str(view.endpoint) for view in lists}


def test_a_list_without_a_scope_stops_the_start() -> None:
    """Stock: every row is everybody's."""

    class Forgotten(ScopedView):
        """Says nothing."""

        titled = "Forgotten"

    with pytest.raises(Unscoped):
        Forgotten(ListingRow, endpoint="forgotten", url="/forgotten")


def test_a_foreign_row_is_found_by_no_search_filter_or_sorting(owner: Browser, panel: Panel, shop: Shop) -> None:
    """Fault 82: stock filters and searches ask the whole table."""
    shop.a_sku("A1")
    listing = shop.a_listing("A1")
    shop.a_batch("A1", cards=3)
    order = shop.place(shop.a_shopper(), listing, now=datetime.now(UTC)).order_id
    number = public(Prefix.ORDER, order)
    stranger = panel()
    a_seat(stranger, shop, shop.a_party("other"), "owner")
    asked = [
        f"?search={number}",
        f"?search={order}",
        f"?flt0_0={order}",
        "?sort=0&desc=1",
        "?page_size=1000",
        "?flt1_1=",
    ]

    told = [number in owner.get(f"/orders/{one}").get_data(as_text=True).partition("<table")[2] for one in asked]
    foreign = [number in stranger.get(f"/orders/{one}").get_data(as_text=True).partition("<table")[2] for one in asked]

    assert told[0] is True
    assert foreign == [False] * len(asked)


def test_an_id_that_is_none_is_a_row_that_is_not_there(owner: Browser) -> None:
    """Faults 54, 56: stock answers `edit?id=abc` and NUL with a 500 on PostgreSQL."""
    ids = ["abc", "%00", "9" * 31, "-1", "1.0", "%EF%BC%91", "NaN", "1e3", "%F0%9F%98%80"]
    places = ["/goods/details/?id={}", "/orders/details/?id={}", "/goods/{}/price", "/people/{}/{}/roles"]

    answers = {
        place.format(said, said): owner.get(place.format(said, said)).status_code for place in places for said in ids
    }

    assert {address: status for address, status in answers.items() if status != 404} == {}


def test_a_mistake_of_ours_shows_its_id_and_nothing_of_the_database(owner: Browser, tmp_path: Path) -> None:
    """Stock: a raw database error is flashed to the page. The log has its place by its id, and no value."""

    def broken() -> None:
        raise peewee.IntegrityError("23505 duplicate key: Key (secret)=(A9A9-1234) already exists")

    declared = owner.app.view_functions["home.today"]
    broken.__dict__.update(declared.__dict__)
    owner.app.view_functions["home.today"] = broken
    try:
        with logs.kept("web", tmp_path / "logs"):
            answer = owner.get("/")
    finally:
        owner.app.view_functions["home.today"] = declared

    text, log = answer.get_data(as_text=True), (tmp_path / "logs" / "web.log").read_text("utf-8")
    shown = ERROR_ID.search(text)
    assert answer.status_code == 500
    assert shown is not None
    (line,) = [json.loads(one) for one in log.splitlines() if shown[0] in one]
    assert (line["error"], line["at"][-1].rpartition(" ")[2]) == ("peewee.IntegrityError", "broken")
    assert "A9A9" not in log
    assert "A9A9" not in text
    assert "duplicate" not in text


def test_what_people_wrote_is_text_on_every_page(owner: Browser, panel: Panel, shop: Shop) -> None:
    """Fault 88: Flask escapes `*.html`, and these templates are called `*.html.jinja`. A canary in whatever has a name.

    Every page without an id is opened by the platform's owner and by a merchant's.
    """
    evil = '<img src=x onerror="alert(1)">'
    shop.a_sku("A1")
    listing = shop.a_listing("A1")
    shop.a_batch("A1", cards=3)
    shop.place(shop.a_shopper(), listing, now=datetime.now(UTC))
    boss = panel()
    a_seat(boss, shop, shop.platform, "platform_owner")
    shop.sql("UPDATE staff SET name = %s", [evil])
    shop.sql("UPDATE batch SET source_name = %s", [evil])
    for table in ("party", "product", "sku", "issuer"):
        shop.sql(f"UPDATE {table} SET names = jsonb_build_object('en', %s::text, 'zh-CN', %s::text)", [evil, evil])
    plain = sorted(
        {rule.rule for rule in owner.app.url_map.iter_rules() if not rule.arguments and "GET" in (rule.methods or ())}
    )

    pages = {f"{path} {who}": one.get(path) for who, one in (("owner", owner), ("boss", boss)) for path in plain}
    texts = {path: page.get_data(as_text=True) for path, page in pages.items() if page.mimetype == "text/html"}

    assert owner.app.jinja_env.autoescape is True
    assert {path: page.status_code for path, page in pages.items() if page.status_code >= 500} == {}
    assert [path for path, text in texts.items() if "<img src=x" in text] == []
    assert sum("&lt;img src=x" in text for text in texts.values()) >= 15
    assert all("&lt;img src=x" in texts[f"{path} owner"] for path in ("/", "/people", "/goods/", "/batches/"))


def test_the_panels_login_writes_nothing_and_reads_no_secret(shop: Shop) -> None:
    """INV-K5, INV-T1: asked of the database itself, over whatever any migration grants.

    Every table that it reads has row-level security, every view asks for the party itself; the rest is named above.
    """
    assert len(shop.sql(f"{GRANTED} SELECT 1 FROM granted")) > 50
    writes = shop.sql(f"{GRANTED} SELECT name, attribute, privilege FROM granted WHERE privilege <> 'SELECT'")
    bytes_read = shop.sql(f"{GRANTED} SELECT name, attribute FROM granted WHERE type = 'bytea'")
    hashes = shop.sql(f"{GRANTED} SELECT name, attribute FROM granted WHERE attribute ~ '(seal|hash|cipher|password)'")
    open_ones = shop.sql(
        f"{GRANTED} SELECT DISTINCT name FROM granted JOIN pg_class c USING (oid) WHERE NOT relrowsecurity"
        " AND NOT (relkind IN ('v', 'm') AND pg_get_viewdef(oid) ~ 'panel_(party|sees_all)')"
    )

    assert (writes, bytes_read, hashes) == ([], [], [])
    assert {name for (name,) in open_ones} <= SHARED


def test_who_reads_is_said_for_one_transaction_and_stays_on_no_connection(
    owner: Browser, shop: Shop, urls: dict[str, str]
) -> None:
    """Stock pools keep a session's SET: the next page would read as the one before. Without a party nothing is read."""
    shop.a_sku("A1")
    listing = shop.a_listing("A1")
    shop.a_batch("A1", cards=3)
    shop.place(shop.a_shopper(), listing)
    name = PartyName(shop.merchant, PartyKind.MERCHANT, "demo", {})
    person = a_seat(owner, shop, shop.merchant, "owner")
    now = datetime.now(UTC)
    session = StaffSession(person, person, "Li", "li@demo.test", name, frozenset({Role.OWNER}), 1, now, now, True)

    with reading(session):
        assert OrderRow.select().count() == 1
    with panel_db.connection_context():
        after = panel_db.execute_sql(
            "SELECT current_setting('keystall.party', true), current_setting('keystall.sees', true)"
        )
        assert {said or "" for said in after.fetchone()} == {""}
        assert OrderRow.select().count() == 0
