"""How far a merchant has come with opening its shop: read from what is there, so that it can be left at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin.panel import panel, request_time, signed_in
from admin.reading import panel_db, reading
from core.parties.rules import PartyKind, Role
from core.parties.staff_sessions import StaffSession
from core.stock.service import available, usable_on

STATE = """
SELECT f.merchant_id IS NOT NULL AND f.greeting IS NOT NULL, f.set_up_at IS NOT NULL,
       EXISTS (SELECT 1 FROM listing l WHERE l.merchant_id = %(party)s AND l.on_sale),
       EXISTS (SELECT 1 FROM gateway_account g WHERE g.merchant_id = %(party)s AND g.enabled),
       EXISTS (SELECT 1 FROM chat_account a WHERE a.merchant_id = %(party)s AND a.enabled)
FROM (SELECT 1) one LEFT JOIN shop_front f ON f.merchant_id = %(party)s
"""
ON_SALE = """
SELECT l.sku_id, l.code, p.names, s.names, s.minimum_life_days
FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
WHERE l.merchant_id = %s AND l.on_sale ORDER BY l.id LIMIT 50
"""
STEPS = ("shop", "goods", "gateway", "chats")


@dataclass(frozen=True, slots=True)
class Progress:
    """Which steps are done; `finished` once somebody went through to the end."""

    done: frozenset[str]
    finished: bool

    @property
    def next_step(self) -> str:
        """The first step that is not done; the last one where all are."""
        return next((step for step in STEPS if step not in self.done), STEPS[-1])

    @property
    def is_selling(self) -> bool:
        """Whether somebody could buy: something is on sale and can be paid."""
        return {"goods", "gateway"} <= self.done

    def number_of(self, step: str) -> int:
        """1 for the first step."""
        return STEPS.index(step) + 1


@dataclass(frozen=True, slots=True)
class OnSale:
    """A listing that shoppers see, and how many they could buy now."""

    code: str
    product: dict[str, str]
    sku: dict[str, str]
    left: int


def progress() -> Progress:
    """How far the signed-in merchant has come."""
    session = signed_in()
    with reading(session):
        saved, finished, goods, gateway, chats = panel_db.execute_sql(STATE, {"party": session.party.id}).fetchone()
    done = {"shop": saved, "goods": goods, "gateway": gateway, "chats": chats or finished}
    return Progress(frozenset(step for step, is_done in done.items() if is_done), bool(finished))


def on_sale() -> Sequence[OnSale]:
    """What the signed-in merchant has on sale, the first fifty, with what could be bought now."""
    session = signed_in()
    with reading(session):
        rows = panel_db.execute_sql(ON_SALE, (session.party.id,)).fetchall()
    left: dict[int, int] = {}
    for days in {row[4] for row in rows}:
        skus = [row[0] for row in rows if row[4] == days]
        day = usable_on(now=request_time(), zone=panel().connecting.zone, minimum_life_days=days)
        left |= available(merchant_id=session.party.id, sku_ids=skus, usable_on=day)
    return [OnSale(code, product, sku, left.get(sku_id, 0)) for sku_id, code, product, sku, _ in rows]


def asks_set_up(session: StaffSession) -> Progress | None:
    """How far a merchant's owner has come, while the first page should ask to go on; None for all others."""
    if session.party.kind is not PartyKind.MERCHANT or Role.OWNER not in session.roles:
        return None
    found = progress()
    return None if found.finished and found.is_selling else found
