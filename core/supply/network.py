"""Accounts of suppliers that are asked over the network, and which SKU of ours they sell under which number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.connections.credentials import AccountKind, Holder, find_credential, store_credential
from core.db import changed, execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.money import GREATEST, Money
from core.parties.service import require_platform
from core.secret import Secret
from core.supply.rules import COOLING, FAILURES_ALLOWED, Connector
from core.work import Work, enqueue, enqueue_missing

PRODUCT = re.compile(r"[0-9]{1,18}")
"""A supplier's number of a product, as its system writes it."""

NAMES = ("api_base", "user_id", "api_key")
"""What is sealed of an account: where it is, who we are there, and the key that signs."""

PARTY = "SELECT id, kind, status = 'active' FROM party WHERE code = %s"
ADD = """
INSERT INTO supplier_account AS a (party_id, connector, created_at) VALUES (%s, %s, %s)
ON CONFLICT (party_id) DO UPDATE SET connector = excluded.connector RETURNING a.id, a.enabled
"""
OF_PARTY = """
SELECT a.id, p.code, a.connector, a.enabled FROM supplier_account a JOIN party p ON p.id = a.party_id
WHERE %(code)s::text IS NULL OR p.code = %(code)s ORDER BY p.code
"""
SKU = """
SELECT k.id, p.kind FROM sku k JOIN product p ON p.id = k.product_id WHERE k.code = %s AND k.archived_at IS NULL
"""
ADD_GOOD = """
INSERT INTO supplier_good AS g (id, account_id, sku_id, product, most_minor, currency, created_at)
VALUES (%(id)s, %(account)s, %(sku)s, %(product)s, %(most)s, %(currency)s, %(now)s)
ON CONFLICT (account_id, sku_id) DO UPDATE SET product = excluded.product, most_minor = excluded.most_minor,
    currency = excluded.currency, stock_told = 0, price_told = NULL, told_at = NULL, asked_at = NULL, failures = 0,
    paused_at = NULL, paused_for = NULL
RETURNING g.id
"""
"""Goods that were told before count as told nothing: a number of another product has another stock."""

SWITCH = "UPDATE supplier_account SET enabled = %s WHERE id = %s AND enabled <> %s"
GOODS = """
SELECT g.id, a.id, k.code, g.product, g.most_minor, g.currency, g.stock_told, g.price_told, g.told_at, g.paused_for,
       coalesce(q.cards, 0)
FROM supplier_good g JOIN supplier_account a ON a.id = g.account_id JOIN sku k ON k.id = g.sku_id
LEFT JOIN supplier_quota q ON q.good_id = g.id
WHERE (%(account)s::bigint IS NULL OR a.id = %(account)s) AND (%(good)s::uuid IS NULL OR g.id = %(good)s)
ORDER BY k.code
"""
DUE = """
SELECT g.id FROM supplier_good g JOIN supplier_account a ON a.id = g.account_id
WHERE g.enabled AND a.enabled AND (g.asked_at IS NULL OR g.asked_at <= %s) ORDER BY g.asked_at NULLS FIRST LIMIT %s
"""
TAKE = (
    "UPDATE supplier_good SET asked_at = %(now)s WHERE id = %(good)s AND (asked_at IS NULL OR asked_at <= %(before)s)"
)
TOLD = """
UPDATE supplier_good SET stock_told = %(stock)s, price_told = %(price)s, told_at = %(now)s,
    failures = CASE WHEN paused_at <= %(cooled)s OR paused_at IS NULL THEN 0 ELSE failures END,
    paused_at = CASE WHEN paused_at <= %(cooled)s THEN NULL ELSE paused_at END,
    paused_for = CASE WHEN paused_at <= %(cooled)s THEN NULL ELSE paused_for END
WHERE id = %(good)s
"""
"""What it says now; goods that were paused long enough are believed again."""

FAILED = """
UPDATE supplier_good SET failures = failures + %(weight)s,
    paused_at = CASE WHEN failures + %(weight)s >= %(most)s THEN coalesce(paused_at, %(now)s) ELSE paused_at END,
    paused_for = CASE WHEN failures + %(weight)s >= %(most)s THEN coalesce(paused_for, %(why)s) ELSE paused_for END
WHERE id = %(good)s RETURNING paused_at = %(now)s
"""
LESS = "UPDATE supplier_good SET stock_told = greatest(0, stock_told - %s) WHERE id = %s"

ASK_EVERY = timedelta(seconds=60)
"""Between two questions about what a supplier has."""


class NotASupplier(Invalid):
    """Only a supplier's own cards come from its system."""


class GoodsByHand(Invalid):
    """What a person tops up by hand is not bought as keys."""


@dataclass(frozen=True, slots=True)
class SupplierAccount:
    """One account at a supplier's system; what opens it stays sealed."""

    id: int
    supplier: str
    connector: Connector
    enabled: bool


@dataclass(frozen=True, slots=True)
class SupplierGood:
    """One SKU as a supplier sells it; prices in minor units a piece, `left` is what can be promised now."""

    id: UUID
    account_id: int
    sku: str
    product: str
    most: Money
    stock_told: int
    price_told: int | None
    told_at: datetime | None
    paused_for: str | None
    left: int


def add_account(
    *, actor: Actor, supplier: str, connector: Connector, opens: Mapping[str, Secret], act_key: Secret, now: datetime
) -> SupplierAccount:
    """Connect a supplier's system, or give a connected one another address or key; `opens` has a value for each of
    `NAMES`, which is sealed for the worker alone.

    The platform does, as the owner of the database: no process has the right to it. Raises `NotAllowed`, `NotFound`,
    `NotASupplier`, `Invalid`.
    """
    require_platform(actor)
    if set(opens) != set(NAMES) or not all(value.reveal().strip() for value in opens.values()):
        raise Invalid(what="credential")

    def work() -> SupplierAccount:
        rows = execute(PARTY, (supplier,))
        if not rows or not rows[0][2]:
            raise NotFound("supplier")
        if rows[0][1] != "supplier":
            raise NotASupplier(what="supplier")
        account, enabled = execute(ADD, (rows[0][0], connector.value, now))[0]
        for name, value in opens.items():
            store_credential(
                act_key,
                kind=AccountKind.SUPPLIER,
                account_id=account,
                name=name,
                holder=Holder.ACT,
                value=value,
                now=now,
            )
        _audit(actor, "supplier_account.set", account, rows[0][0], now)
        return SupplierAccount(account, supplier, connector, enabled)

    return in_transaction(work)


def opened(account_id: int, name: str, *, act_key: Secret) -> Secret:
    """One value of an account, for the worker. Raises `NotFound`, and `SealError` for what was altered or copied."""
    return find_credential(act_key, kind=AccountKind.SUPPLIER, account_id=account_id, name=name, holder=Holder.ACT)


def supplier_accounts(*, actor: Actor, supplier: str | None = None) -> list[SupplierAccount]:
    """Every account, or that of one supplier. Raises `NotAllowed`, `NotFound` for a supplier without one."""
    require_platform(actor)
    found = [
        SupplierAccount(row[0], row[1], Connector(row[2]), row[3]) for row in execute(OF_PARTY, {"code": supplier})
    ]
    if supplier is not None and not found:
        raise NotFound("supplier_account")
    return found


def switch_account(*, actor: Actor, account: SupplierAccount, enabled: bool, now: datetime) -> bool:
    """Sell through an account, or stop; what is paid goes on. False when it was so before."""
    require_platform(actor)

    def work() -> bool:
        if not changed(SWITCH, (enabled, account.id, enabled)):
            return False
        _audit(actor, f"supplier_account.{'on' if enabled else 'off'}", account.id, None, now)
        return True

    return in_transaction(work)


def sell_from(*, actor: Actor, account: SupplierAccount, sku: str, product: str, most: Money, now: datetime) -> UUID:
    """Say that a supplier's `product` is our SKU, bought at `most` a piece and no dearer. Nothing of it is sold before
    the supplier said that it has some. Repeating it changes number and price. Raises `NotAllowed`, `NotFound`,
    `Invalid`, `GoodsByHand`."""
    require_platform(actor)
    if not PRODUCT.fullmatch(product):
        raise Invalid(what="product")
    if not 0 < most.minor <= GREATEST:
        raise Invalid(what="price")

    def work() -> UUID:
        rows = execute(SKU, (sku,))
        if not rows:
            raise NotFound("sku")
        if rows[0][1] != "card_key":
            raise GoodsByHand(what="sku")
        row = {"id": new_id(), "account": account.id, "sku": rows[0][0], "product": product, "most": most.minor}
        good: UUID = execute(ADD_GOOD, row | {"currency": most.currency, "now": now})[0][0]
        enqueue(Work.SUPPLIER_STOCK, good)
        _audit(actor, "supplier_good.set", account.id, None, now)
        return good

    return in_transaction(work)


def goods_of(*, account_id: int | None = None, good_id: UUID | None = None) -> list[SupplierGood]:
    """What an account sells us, or one of it."""
    rows = execute(GOODS, {"account": account_id, "good": good_id})
    return [
        SupplierGood(good, account, sku, product, Money(most, currency), stock, price, told_at, paused_for, left)
        for good, account, sku, product, most, currency, stock, price, told_at, paused_for, left in rows
    ]


def stock_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: have every supplier asked what it has, once a minute; returns how many were enqueued."""
    due = [good for (good,) in execute(DUE, (now - ASK_EVERY, limit))]
    return enqueue_missing(Work.SUPPLIER_STOCK, due)


def take_question(*, good_id: UUID, now: datetime) -> SupplierGood | None:
    """The goods to ask about; None when somebody asked within the minute."""
    if not changed(TAKE, {"good": good_id, "now": now, "before": now - ASK_EVERY}):
        return None
    return goods_of(good_id=good_id)[0]


def told(*, good_id: UUID, stock: int, price_minor: int, now: datetime) -> None:
    """What the supplier says that it has."""
    cooled = {"cooled": now - COOLING, "now": now}
    changed(TOLD, cooled | {"good": good_id, "stock": min(max(stock, 0), 10**9), "price": price_minor})


def delivered(*, good_id: UUID, count: int) -> None:
    """So many of what it said it had are gone."""
    changed(LESS, (count, good_id))


def failed(*, good_id: UUID, why: str, at_once: bool, now: datetime) -> bool:
    """A question or a purchase failed: enough of them in a row, or one that says all, pause the goods (fault 92).

    True when they are paused now. `why` is a code.
    """
    weight = FAILURES_ALLOWED if at_once else 1
    which = {"good": good_id, "why": why, "weight": weight, "most": FAILURES_ALLOWED, "now": now}
    return bool(execute(FAILED, which)[0][0])


def _audit(actor: Actor, action: str, account: int, party_id: int | None, now: datetime) -> None:
    append(actor=actor, action=action, object_kind="supplier_account", object_id=account, party_id=party_id, now=now)
