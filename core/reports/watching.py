"""What the platform's people watch: the audit's chain, alerts, imports, deliveries that stand still, undecided money.

Each question reads the rows that are open, or a bounded number of the newest; only people of the platform may ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.actor import OPERATOR, Actor
from core.db import execute
from core.errors import NotFound
from core.messages.alerts import AlertKind
from core.money import Money
from core.parties.rules import sees_all
from core.stock.imports import ImportStanding, imports

MOST = 50
"""Rows of each list: who has more to look at begins with these."""

SLOW = timedelta(minutes=2)
"""How long a paid line may take before it is shown as one that stands still."""

CHAIN = """
WITH head AS (SELECT max(entry_id) AS entry FROM audit_link),
     waiting AS (SELECT at FROM audit_entry WHERE id > coalesce((SELECT entry FROM head), 0) ORDER BY id LIMIT 1000)
SELECT (SELECT entry FROM head), (SELECT at FROM audit_entry WHERE id = (SELECT entry FROM head)),
       (SELECT count(*) FROM waiting), (SELECT min(at) FROM waiting),
       (SELECT done_at FROM vault_round WHERE name = 'audit.read_again'),
       (SELECT done_at FROM vault_round WHERE name = 'audit.marked')
"""
BROKEN = """
SELECT detail ->> 'problem', last_at FROM alert
WHERE kind = 'audit_broken' AND last_at > coalesce(
    (SELECT max(at) FROM audit_entry WHERE object_kind = 'audit' AND action = 'audit.accepted'), '-infinity')
ORDER BY last_at DESC LIMIT 1
"""
"""The newest break that was told and that nobody has accepted since."""

ALERTS = """
SELECT id, kind, subject, detail, seen, first_at, last_at, told_at FROM (
    (SELECT * FROM alert WHERE told_at IS NULL ORDER BY first_at DESC LIMIT %(most)s)
    UNION ALL
    (SELECT * FROM alert WHERE told_at IS NOT NULL AND first_at > %(since)s ORDER BY first_at DESC LIMIT %(most)s)
) a ORDER BY told_at IS NOT NULL, last_at DESC LIMIT %(most)s
"""
DELIVERIES = """
SELECT d.order_id, p.code, l.listing_code, l.quantity, d.state, d.attempts, d.last_problem, d.created_at
FROM (SELECT * FROM delivery WHERE state IN ('ready', 'sending', 'unknown') AND created_at < %(late)s
      ORDER BY lease_until LIMIT %(most)s) d
JOIN order_line l ON l.id = d.line_id JOIN party p ON p.id = l.merchant_id ORDER BY d.created_at
"""
MONEY = """
SELECT e.id, e.order_id, g.gateway, p.code, e.amount_minor, e.currency, e.reason, e.received_at, e.decide_by
FROM (SELECT * FROM payment_event WHERE booked_to = 'suspense' AND resolved_at IS NULL ORDER BY decide_by LIMIT %s) e
JOIN gateway_account g ON g.id = e.gateway_account_id LEFT JOIN party p ON p.id = g.merchant_id
ORDER BY e.received_at
"""
REFUNDS = """
SELECT r.id, r.order_id, p.code, r.amount_minor, r.currency, r.state, r.created_at
FROM (SELECT * FROM refund WHERE state IN ('requested', 'sent', 'unknown') ORDER BY lease_until LIMIT %s) r
JOIN party p ON p.id = r.merchant_id ORDER BY r.created_at
"""


@dataclass(frozen=True, slots=True)
class ChainStanding:
    """How far the vault has linked the audit, as the tables say; `waiting` (1,000 at most) have no link yet."""

    linked_to: int | None
    linked_at: datetime | None
    waiting: int
    waiting_since: datetime | None
    read_again_at: datetime | None  # the last stretch that the vault read once more by itself
    marked_at: datetime | None  # when it last wrote down outside the database how far it is
    broken: str | None  # what it found, in its words; None while nothing is known
    broken_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Whether an entry has waited for its link for more than ten seconds."""
        return self.waiting_since is not None and now - self.waiting_since > timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class AlertStanding:
    """One alert; `told_at` None: nobody has been told yet."""

    id: UUID
    kind: AlertKind
    subject: str
    detail: Mapping[str, Any]
    seen: int
    first_at: datetime
    last_at: datetime
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class StuckDelivery:
    """A paid line that nobody has got for `SLOW`."""

    order_id: UUID
    merchant: str
    listing_code: str
    quantity: int
    state: str
    attempts: int
    problem: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class UndecidedMoney:
    """Money that fits no order and that somebody must decide about, or a refund whose end nobody knows yet."""

    id: UUID
    order_id: UUID | None
    where: str
    merchant: str | None
    amount: Money
    why: str
    since: datetime
    decide_by: datetime | None


def chain_standing(*, actor: Actor) -> ChainStanding:
    """How the audit's chain stands without reading it. Raises `NotFound` for who is not of the platform."""
    _require_watcher(actor)
    (broken,) = execute(BROKEN) or [(None, None)]
    return ChainStanding(*execute(CHAIN)[0], *broken)


def alerts_now(*, actor: Actor, now: datetime) -> Sequence[AlertStanding]:
    """What waits to be told, then what was told within a week, newest first. Raises `NotFound`."""
    _require_watcher(actor)
    rows = execute(ALERTS, {"most": MOST, "since": now - timedelta(days=7)})
    return [AlertStanding(id_, AlertKind(kind), *rest) for id_, kind, *rest in rows]


def imports_of_all(*, actor: Actor, most: int = MOST) -> Sequence[ImportStanding]:
    """Imports of every party, those under way first. Raises `NotFound`."""
    _require_watcher(actor)
    return imports(actor=OPERATOR, most=most)


def stuck_deliveries(*, actor: Actor, now: datetime) -> Sequence[StuckDelivery]:
    """Paid lines that nobody has got for two minutes, the oldest first. Raises `NotFound`."""
    _require_watcher(actor)
    return [StuckDelivery(*row) for row in execute(DELIVERIES, {"late": now - SLOW, "most": MOST})]


def undecided_money(*, actor: Actor) -> Sequence[UndecidedMoney]:
    """Money in suspense that nobody has decided about, then refunds without an end. Raises `NotFound`."""
    _require_watcher(actor)
    found = [
        UndecidedMoney(id_, order, gateway, merchant, Money(minor, currency), reason, since, by)
        for id_, order, gateway, merchant, minor, currency, reason, since, by in execute(MONEY, (MOST,))
    ]
    found += [
        UndecidedMoney(id_, order, "", merchant, Money(minor, currency), f"refund_{state}", since, None)
        for id_, order, merchant, minor, currency, state, since in execute(REFUNDS, (MOST,))
    ]
    return found


def _require_watcher(actor: Actor) -> None:
    if not sees_all(actor):
        raise NotFound("page")
