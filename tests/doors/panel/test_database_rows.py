"""INV-T1, INV-T3, fault 82, asked of the database: what the panel reads of parties that it does not act for.

Everything of `World` is there; each table and view is read whole, as it would be by a page that forgot to narrow it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tests.builders import Shop
from tests.doors.panel.foreign import OBJECTS, World
from tests.support.panel import Browser
from tests.support.seated import a_seat

Panel = Callable[[], Browser]

OF_ALL = {"currency", "issuer", "product", "report_mark", "schema_migration", "sku"}
"""Read by everybody: shared goods and their issuers, and what is of no party (test_defects says which)."""

GRANTED = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
  AND has_column_privilege('keystall_panel', c.oid, a.attnum, 'SELECT')
GROUP BY c.relname ORDER BY c.relname
"""


def test_a_page_that_forgets_to_narrow_reads_nothing_of_others(panel: Panel, shop: Shop, urls: dict[str, str]) -> None:
    """A stranger reads the row of its own party alone; the merchant and the supplier read each their side."""
    merchant, supplier = shop.merchant, shop.a_party("brand1", kind="supplier")
    people = [a_seat(panel(), shop, party, "finance", name="Fang") for party in (merchant, supplier)]
    world = World(shop, *people)
    for made in OBJECTS.values():
        made(world)
    columns = dict(shop.sql(GRANTED))
    strangers = [shop.a_party("f1"), shop.a_party("f2", kind="supplier")]

    with psycopg.connect(urls["panel"]) as connection:
        nobody = read_by(connection, columns, "")
        foreign = [read_by(connection, columns, party) for party in strangers]
        own = {name: read_by(connection, columns, party) for name, party in (("m", merchant), ("s", supplier))}

    assert len(columns) > 50
    assert {name for name, rows in nobody.items() if rows} <= OF_ALL
    for found in foreign:
        assert {name for name, rows in found.items() if rows} - OF_ALL == {"party", "panel_party_fee"}
        assert (len(found["party"]), len(found["panel_party_fee"])) == (1, 1)
    assert {"shop_order", "panel_card", "source", "upload", "payout", "offer"} <= {
        n for n, rows in own["m"].items() if rows
    }
    assert not {"shop_order", "order_line", "panel_shopper", "listing", "source", "upload"} & {
        n for n, rows in own["s"].items() if rows
    }
    assert columns["source"] == "merchant_id, sku_id"  # not the way to a pool


def read_by(connection: psycopg.Connection[Any], columns: dict[str, str], party: int | str) -> dict[str, list[Any]]:
    """Every row that the panel's login is given for a party."""
    connection.execute(
        "SELECT set_config('keystall.party', %s, true), set_config('keystall.sees', '', true)", [str(party)]
    )
    found = {name: connection.execute(f"SELECT {said} FROM {name}").fetchall() for name, said in columns.items()}
    connection.rollback()
    return found
