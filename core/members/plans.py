"""A merchant's plans: what a membership is called, and how long a piece of each of its goods lasts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import peewee
from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.catalog.service import ProductKind, outdate_listings
from core.db import atomic, changed, constraint, execute
from core.errors import Invalid, NotFound
from core.members.periods import MOST_YEARS, Span, Unit
from core.parties.service import CodeTaken, PartyKind, Role, access_party, require_change
from core.titles import Names, checked_names, worded

PLAN_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
MOST_UNITS = 1000

CREATE = "INSERT INTO plan (merchant_id, code, names, created_at) VALUES (%s, %s, %s, %s) RETURNING id"
GOODS = """
SELECT p.owner_id, p.kind, (SELECT merchant_id FROM plan WHERE id = %(plan)s)
FROM sku s JOIN product p ON p.id = s.product_id WHERE s.id = %(sku)s
"""
SET_PERIOD = """
INSERT INTO plan_period (sku_id, plan_id, count, unit) VALUES (%s, %s, %s, %s)
ON CONFLICT (sku_id) DO UPDATE SET plan_id = excluded.plan_id, count = excluded.count, unit = excluded.unit
WHERE (plan_period.plan_id, plan_period.count, plan_period.unit)
    IS DISTINCT FROM (excluded.plan_id, excluded.count, excluded.unit)
"""
PERIOD = """
SELECT x.count, x.unit FROM listing l JOIN plan_period x ON x.sku_id = l.sku_id WHERE l.id = %s
"""
OFFERED = """
SELECT m.id, m.names, l.code, l.price_minor, l.currency, x.count, x.unit
FROM plan m LEFT JOIN plan_period x ON x.plan_id = m.id
LEFT JOIN sku s ON s.id = x.sku_id AND s.archived_at IS NULL
LEFT JOIN product p ON p.id = s.product_id AND p.archived_at IS NULL
LEFT JOIN listing l ON l.sku_id = s.id AND l.merchant_id = m.merchant_id AND l.on_sale AND p.id IS NOT NULL
WHERE m.merchant_id = %s ORDER BY m.id, l.position, l.id
"""


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """One of the goods of a plan as it is on sale now (price in minor units), and how long a piece of it lasts."""

    code: str
    price_minor: int
    currency: str
    count: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan and the goods by which it is bought or renewed; none where it is not on sale now."""

    id: int
    names: dict[str, str]
    offers: tuple[PlanOffer, ...]

    def name(self, locale: str) -> str:
        """What it is called in one language."""
        return worded(self.names, locale)


def create_plan(*, actor: Actor, merchant_id: int, code: str, names: Names, now: datetime) -> int:
    """Name a membership that a merchant sells; returns its id. Raises `NotFound`, `NotAllowed`, `Invalid`, `CodeTaken`.

    The code is the merchant's own and is never shown to shoppers.
    """
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    if access_party(actor=actor, party_id=merchant_id).kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    if not PLAN_CODE.fullmatch(code):
        raise Invalid(what="code")
    row = (merchant_id, code, Jsonb(checked_names(names, what="name")), now)
    with atomic():
        try:
            with atomic():
                plan_id = int(execute(CREATE, row)[0][0])
        except peewee.IntegrityError as error:
            if constraint(error) == "plan_merchant_id_code_key":
                raise CodeTaken() from None
            raise
        audit.append(
            actor=actor, action="plan.created", object_kind="plan", object_id=plan_id, party_id=merchant_id, now=now
        )
    return plan_id


def set_period(*, actor: Actor, sku_id: int, plan_id: int, count: int, unit: Unit, now: datetime) -> None:
    """How long a piece of a SKU makes somebody a member: `count` days, months or years of a plan.

    The SKU is one of the kind `plan` that the plan's merchant owns. What was sold before keeps what was promised
    then, and what was shown before is asked anew. Raises `NotFound`, `NotAllowed`, `Invalid` (period, goods).
    """
    rows = execute(GOODS, {"sku": sku_id, "plan": plan_id})
    if not rows:
        raise NotFound("sku")
    owner_id, kind, merchant_id = rows[0]
    if merchant_id is None:
        raise NotFound("plan")
    require_change(actor, merchant_id, Role.CATALOG, what="plan")
    if owner_id != merchant_id or kind != ProductKind.PLAN:
        raise Invalid(what="goods")
    if not 1 <= count <= MOST_UNITS or not is_sellable(Span.of(count, unit)):
        raise Invalid(what="period")
    with atomic():
        if changed(SET_PERIOD, (sku_id, plan_id, count, unit.value)):
            outdate_listings(sku_id=sku_id)
        audit.append(
            actor=actor,
            action="plan.period_set",
            object_kind="sku",
            object_id=sku_id,
            detail={"plan": plan_id, "count": count, "unit": unit.value},
            party_id=merchant_id,
            now=now,
        )


def is_sellable(span: Span) -> bool:
    """Whether one purchase may be for so long: at most `MOST_YEARS` from whenever it is bought."""
    return span.months * 31 + span.days <= MOST_YEARS * 365


def period_of(*, listing_id: int) -> tuple[int, Unit] | None:
    """How long a piece of a listing makes somebody a member; None for goods of no plan."""
    rows = execute(PERIOD, (listing_id,))
    return (int(rows[0][0]), Unit(rows[0][1])) if rows else None


def plans_of(*, merchant_id: int) -> list[PlanView]:
    """The merchant's plans with the goods by which they are sold now, in the order in which they were made."""
    found: dict[int, tuple[dict[str, str], list[PlanOffer]]] = {}
    for plan_id, names, code, price, currency, count, unit in execute(OFFERED, (merchant_id,)):
        offers = found.setdefault(int(plan_id), (names, []))[1]
        if code is not None:
            offers.append(PlanOffer(code, int(price), currency, int(count), Unit(unit)))
    return [PlanView(plan_id, names, tuple(offers)) for plan_id, (names, offers) in found.items()]
