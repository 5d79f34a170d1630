"""How requests to suppliers stand, for operators, and the one word of theirs that ends one that never ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import changed, execute, in_transaction
from core.errors import Conflict, Invalid, NotFound
from core.parties.service import require_platform
from core.work import Work, enqueue

LONGEST_REASON = 500

REQUESTS = """
SELECT r.id, r.order_id, r.state, k.code, r.quantity, r.received, r.problem, r.created_at
FROM supplier_request r JOIN supplier_good g ON g.id = r.good_id JOIN sku k ON k.id = g.sku_id
WHERE g.account_id = %s ORDER BY r.created_at DESC, r.id LIMIT %s
"""
STATE = "SELECT state, order_id FROM supplier_request WHERE id = %s FOR NO KEY UPDATE"
REFUSED = """
UPDATE supplier_request SET state = 'rejected', problem = 'by_hand', lease_until = %s
WHERE id = %s AND state IN ('unknown', 'accepted')
"""


class NotUnknown(Conflict):
    """Only a request that nobody knows the end of is ended by hand; `state` says what it is."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request; `received` keys were good, None while nobody knows."""

    id: UUID
    order_id: UUID
    state: str
    sku: str
    quantity: int
    received: int | None
    problem: str | None
    created_at: datetime


def requests_of(*, account_id: int, limit: int) -> list[RequestView]:
    """The last requests at an account, newest first."""
    return [RequestView(*row) for row in execute(REQUESTS, (account_id, limit))]


def say_refused(*, actor: Actor, request_id: UUID, reason: str, now: datetime) -> None:
    """A person knows from the supplier itself that a request comes to nothing, be it unknown or accepted long ago: its
    money goes back.

    The platform does, as the owner of the database: no process has the right to it, for it gives money back. Raises
    `NotAllowed`, `NotFound`, `Invalid` without a reason, `NotUnknown`.
    """
    require_platform(actor)
    if not 0 < len(reason.strip()) <= LONGEST_REASON or not reason.strip().isprintable():
        raise Invalid(what="reason")

    def work() -> None:
        rows = execute(STATE, (request_id,))
        if not rows:
            raise NotFound("supplier_request")
        state, order_id = rows[0]
        if not changed(REFUSED, (now, request_id)):
            raise NotUnknown(state=state)
        enqueue(Work.SUPPLY, order_id)
        append(
            actor=actor,
            action="supplier.refused",
            object_kind="supplier_request",
            object_id=request_id,
            detail={"reason": reason.strip()},
            now=now,
        )

    in_transaction(work)
