"""What the first page tells: today's sales, and what waits for this person; each figure reads few rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for

from admin.kept import Kept, mine_that_open
from admin.menu import opens
from admin.panel import panel, words
from admin.reading import panel_db, reading
from admin.reports.week import Week, weeks
from bot.texts import mark
from core.ids import first_id
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role
from core.parties.staff_sessions import StaffSession

SOLD = """
SELECT o.currency, count(*), coalesce(sum(o.total_minor - o.refunded_minor), 0)
FROM (SELECT currency, total_minor, refunded_minor FROM shop_order
      WHERE id >= %(placed)s AND paid_at >= %(day)s AND (%(all)s OR merchant_id = %(party)s) LIMIT 50000) o
GROUP BY 1 ORDER BY 1
"""
"""Today's paid orders by currency; they were placed a day before its beginning or later (ids are ordered by time)."""

UNDELIVERED = """
SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state IN ('ready', 'sending', 'unknown')
                      AND created_at < %(minute_ago)s LIMIT 100) d
"""
GATED = """
SELECT count(*) FROM (SELECT 1 FROM delivery d JOIN order_line l ON l.id = d.line_id
                      WHERE d.state = 'waiting' AND l.gate = %(gate)s LIMIT 100) l
"""
"""A paid line whose gate is closed has a delivery that waits: those have an index, gates have none."""

CASES = """
SELECT count(*) FROM (SELECT 1 FROM panel_payment_event
                      WHERE booked_to = 'suspense' AND resolved_at IS NULL LIMIT 100) e
"""
OVERDUE = """
SELECT count(*) FROM (SELECT 1 FROM panel_payment_event WHERE booked_to = 'suspense' AND resolved_at IS NULL
                      AND decide_by < %(now)s LIMIT 100) e
"""
"""Whoever had to decide did not, and neither did the store by itself."""

ILL = """
SELECT count(*) FROM (SELECT 1 FROM report_sale
                      WHERE failed > 0 AND day > %(week_ago)s AND (%(all)s OR merchant_id = %(party)s)
                        AND supplier_id <> 0 GROUP BY supplier_id LIMIT 100) s
"""
"""Suppliers some of whose goods failed, from the days of the roll-up; a merchant knows only those whom it buys from."""

FAILED = """
SELECT least(coalesce(sum(failed), 0), 100) FROM report_sale
WHERE failed > 0 AND day > %(week_ago)s AND (%(all)s OR merchant_id = %(party)s)
"""
HOP_FAILED = """
SELECT least(coalesce(sum(failed), 0), 100) FROM report_hop
WHERE day > %(week_ago)s AND (%(all)s OR seller_id = %(party)s)
"""
LOW = """
SELECT count(*) FROM (
    SELECT l.sku_id FROM listing l JOIN sku k ON k.id = l.sku_id JOIN product p ON p.id = k.product_id
    LEFT JOIN batch b ON b.sku_id = l.sku_id AND b.owner_id = l.merchant_id AND b.state = 'selling'
    LEFT JOIN batch_mark m ON m.batch_no = b.no
    WHERE l.on_sale AND p.kind = 'card_key'
      AND NOT EXISTS (SELECT 1 FROM source s WHERE s.merchant_id = l.merchant_id AND s.sku_id = l.sku_id)
    GROUP BY l.sku_id, l.merchant_id HAVING coalesce(sum(m.free_count), 0) < 10 LIMIT 100) s
"""
LOCKED = "SELECT count(*) FROM (SELECT 1 FROM batch WHERE state IN ('locked', 'recalled') LIMIT 100) b"
APPLIED = "SELECT count(*) FROM (SELECT 1 FROM party WHERE status = 'applied' LIMIT 100) p"

MOST = 100
"""Nobody counts further at a glance: more is shown as 99+."""


@dataclass(frozen=True, slots=True)
class Sales:
    """What was sold today in one currency."""

    orders: int
    total: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that may wait: how many, what it is, and the address of its list."""

    count: str
    called: str
    is_calm: bool
    url: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of the first page, and for whom it is."""

    statement: str
    called: str
    endpoint: str
    roles: frozenset[Role]
    gate: str = ""
    cut: Mapping[str, Any] = field(default_factory=dict)  # of the list, in its address


SEE_SALES = frozenset({Role.OWNER, Role.FINANCE, Role.SUPPORT}) | PLATFORM_ROLES
SELLERS = frozenset({Role.OWNER, Role.SUPPORT}) | PLATFORM_ROLES
GOODS = frozenset({Role.OWNER, Role.CATALOG}) | PLATFORM_ROLES
CARDS = frozenset({Role.OWNER, Role.STOCK, Role.CATALOG}) | PLATFORM_ROLES
NEEDS = {"needs": "1"}
ASKED = (
    Ask(UNDELIVERED, mark("paid, not delivered yet"), "orders.index_view", SELLERS, cut=NEEDS),
    Ask(GATED, mark("paid, somebody must look at it first"), "orders.index_view", SELLERS, "review", NEEDS),
    Ask(GATED, mark("to top up by hand"), "orders.index_view", SELLERS, "task", NEEDS),
    Ask(CASES, mark("payments that fit no order yet"), "cases.cases", SEE_SALES),
    Ask(OVERDUE, mark("payment notices that were not decided about in time"), "cases.cases", SEE_SALES),
    Ask(ILL, mark("suppliers whose goods could not be delivered in 7 days"), "reports.suppliers", SELLERS | GOODS),
    Ask(FAILED, mark("lines that could not be delivered in 7 days"), "reports.suppliers", SELLERS | GOODS),
    Ask(HOP_FAILED, mark("of your goods that could not be delivered in 7 days"), "earned.earned", CARDS),
    Ask(LOW, mark("goods with fewer than 10 cards"), "listings.index_view", GOODS),
    Ask(LOCKED, mark("batches that are locked or recalled"), "batches.index_view", CARDS),
    Ask(APPLIED, mark("parties that ask to be let in"), "approvals.index", PLATFORM_ROLES),
)

FORGED = mark("payment notices in this hour that no gateway signed")
"""Only counted, nothing else is kept of them; the count of one hour is read."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Today's sales (None for whom they are not), the last seven days, and what waits."""

    sold: Sequence[Sales] | None
    weeks: Sequence[Week]
    waiting: Sequence[Waiting]
    is_earned: bool
    kept: Sequence[Kept]


def figures(session: StaffSession, now: datetime) -> Figures:
    """What the first page tells somebody; in one read transaction of the party."""
    begin = day_of(now, words().zone)
    earns = session.party.kind is PartyKind.SUPPLIER
    sells = not earns and session.roles & SEE_SALES
    day = now.astimezone(words().zone).date()
    with reading(session):
        ask = _asking(session, now, begin)
        sold = [_sales(*row) for row in ask(SOLD)] if sells else None
        waits = [_waiting(one, int(ask(one.statement, one.gate)[0][0])) for one in ASKED if _is_for(one, session)]
        if session.roles & PLATFORM_ROLES:
            waits.append(_told(panel().forged_notices(), FORGED, url_for("health.index")))
        all_ = bool(session.roles & PLATFORM_ROLES)
        bars = weeks(party=session.party.id, sees_all=all_, today=day, earned=earns) if sells or earns else []
        kept = mine_that_open()
    return Figures(sold, bars, waits, earns, kept)


def _is_for(one: Ask, session: StaffSession) -> bool:
    """A thing waits for whom its list opens, and who may see to it."""
    return bool(one.roles & session.roles) and opens(one.endpoint, session)


def day_of(now: datetime, zone: ZoneInfo) -> datetime:
    """When today began, as the store's clock on the wall has it: 2026-03-02 00:00 in Shanghai is 1 March, 16:00 UTC."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)


def _asking(session: StaffSession, now: datetime, begin: datetime) -> Callable[..., list[tuple[Any, ...]]]:
    asked = {
        "day": begin,
        "placed": first_id(begin - timedelta(days=1)),
        "now": now,
        "minute_ago": now - timedelta(minutes=1),
        "week_ago": now.astimezone(words().zone).date() - timedelta(days=7),
        "party": session.party.id,
        "all": bool(session.roles & PLATFORM_ROLES),
    }

    def ask(statement: str, gate: str = "") -> list[tuple[Any, ...]]:
        return list(panel_db.execute_sql(statement, {**asked, "gate": gate}).fetchall())

    return ask


def _sales(currency: str, orders: int, total: int) -> Sales:
    return Sales(orders, words().money(Money(int(total), currency)))


def _waiting(one: Ask, count: int) -> Waiting:
    return _told(count, one.called, url_for(one.endpoint, **one.cut))


def _told(count: int, called: str, url: str) -> Waiting:
    return Waiting(str(count) if count < MOST else f"{MOST - 1}+", called, count == 0, url)
