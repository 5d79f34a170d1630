"""A supplier's goods by SKU: nothing of shoppers, of retail prices or of anybody else (INV-T3, INV-T4)."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in
from admin.reading import panel_db, reading
from core.parties.rules import PartyKind, Role
from core.supply.own_hop import stock_of_hop

pages = Blueprint("hop", __name__, url_prefix="/hop")
KINDS = frozenset({PartyKind.SUPPLIER})


@pages.get("/stock", endpoint="stock")
@for_roles(Role.OWNER, Role.STOCK, kinds=KINDS)
def stock_page() -> Response:
    """Cards that one brought, by SKU: on sale, standing still, sold, left."""
    with reading(signed_in()):
        found = stock_of_hop(party_id=signed_in().party.id, run=run)
    return draw("supplying/stock.html.jinja", stock=found)


def run(statement: str, named: dict[str, object]) -> Sequence[tuple[object, ...]]:
    """One statement as the panel's role."""
    rows: Sequence[tuple[object, ...]] = panel_db.execute_sql(statement, named).fetchall()
    return rows
