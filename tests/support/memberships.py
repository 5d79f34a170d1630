"""A merchant that sells memberships, by the real use cases, and what of them a shopper has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.actor import OPERATOR
from core.catalog.service import Category, ProductKind, create_issuer, create_listing, create_product, create_sku
from core.db import execute
from core.fulfilment.service import deliver
from core.members.memberships import MembershipView, memberships_of
from core.members.periods import Period, Running, Span, Unit, standing
from core.members.plans import create_plan, set_period
from core.money import Money
from core.reports.checks import all_checks
from core.vault.client import Opened
from tests.builders import NOON, Shop, Sql, Talker, broken
from tests.support.carriers import NOBODY
from tests.support.dialog import pay

ZONE = "Asia/Shanghai"


class SilentVault:
    """A vault that nobody may ask: a membership opens nothing."""

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        raise AssertionError(f"the vault was asked to open {delivery}")


@dataclass
class Now:
    """A clock that a test sets to whatever day it needs."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass
class Club:
    """One merchant's plan, and the shop that sells it."""

    shop: Shop
    plan: int
    issuer: int
    product: int

    def goods(self, code: str, count: int, unit: Unit, price: int = 1500) -> int:
        """One of the plan's goods on sale; returns its listing."""
        sku = create_sku(
            actor=OPERATOR, product_id=self.product, code=code, names={"zh-CN": f"会员 {code}", "en": f"VIP {code}"},
            issuer_id=self.issuer, now=NOON,
        )  # fmt: skip
        set_period(actor=OPERATOR, sku_id=sku, plan_id=self.plan, count=count, unit=unit, now=NOON)
        return create_listing(
            actor=OPERATOR, merchant_id=self.shop.merchant, sku_id=sku, code=code, price=Money(price, "CNY"), now=NOON
        )

    def buy(self, talker: Talker, listing: int, at: datetime, quantity: int = 1, zone: str = ZONE) -> UUID:
        """Placed, paid and handed over in one moment; returns the order."""
        order, deliveries = self.paid(talker, listing, at, quantity)
        for delivery in deliveries:
            assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, zone=zone, now=at)
        return order

    def paid(self, talker: Talker, listing: int, at: datetime, quantity: int = 1) -> tuple[UUID, list[UUID]]:
        """Placed and paid; returns the order and its deliveries, which nobody has taken yet."""
        placed = self.shop.place(talker, listing, quantity, now=at - timedelta(minutes=1))
        return placed.order_id, pay(self.shop, Now(at), placed.order_id)  # type: ignore[arg-type]


def a_club(shop: Shop, code: str = "vip") -> Club:
    """A plan of the shop's merchant without goods yet."""
    names = {"zh-CN": "小铺会员", "en": "Shop member"}
    issuer = create_issuer(actor=OPERATOR, code=f"issuer-{code}", names=names, now=NOON)
    product = create_product(
        actor=OPERATOR, owner_id=shop.merchant, code=f"plan-{code}", kind=ProductKind.PLAN, category=Category.LIFE,
        names=names, now=NOON,
    )  # fmt: skip
    plan = create_plan(actor=OPERATOR, merchant_id=shop.merchant, code=code, names=names, now=NOON)
    return Club(shop, plan, issuer, product)


def membership_of(talker: Talker) -> MembershipView:
    """The only membership of a shopper, which the table has as its periods say."""
    (view,) = memberships_of(actor=talker.actor)
    assert view.until == counted(talker).until
    return view


def counted(talker: Talker) -> Running:
    """What the rows of a shopper's periods come to."""
    rows = execute(
        "SELECT paid_at, given_at, months, days, zone, taken_back_at FROM membership_period WHERE shopper_id = %s"
        " ORDER BY given_at, line_id",
        (talker.shopper_id,),
    )
    running = standing(
        Period(paid, given, Span(months, days), zone, back) for paid, given, months, days, zone, back in rows
    )
    assert running is not None
    return running


def shanghai(*wall: int) -> datetime:
    return datetime(*wall, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)  # type: ignore[arg-type, misc]


JANUARY_31 = shanghai(2027, 1, 31, 12, 0)


def wrong(sql: Sql) -> dict[str, int]:
    """What `verify` finds about goods, orders and parties; money comes here without its notices."""
    return broken(sql, {name: text for name, text in all_checks().items() if not name.startswith("INV-M")})


def told(talker: Talker) -> list[tuple[str, dict[str, Any]]]:
    return [
        (kind, body)
        for kind, body in execute(
            "SELECT kind, body FROM message WHERE conversation_id = %s ORDER BY seq", (talker.conversation_id,)
        )
    ]
