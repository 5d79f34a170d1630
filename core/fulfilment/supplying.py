"""Lines that suppliers bring: one request for those of an order at one supplier, sent once, asked about until known.

The commit that says `sent` comes before the call. Whatever happens from then on (a crash, a time-out, an answer that
nobody understands), the request is only asked about by our own number, never sent again, and as long as nobody knows
there is neither money back nor a second purchase (INV-O4, fault 90).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from core.actor import SYSTEM
from core.audit.service import append
from core.db import changed, execute, in_transaction
from core.errors import NotFound
from core.fulfilment.supplied import SupplyVault, notice, settle, take_down
from core.ids import new_id
from core.orders.rules import OrderState
from core.orders.service import lock_order
from core.ports import Supplier, SupplyAnswer, SupplyOutcome
from core.supply import network
from core.supply.requests import TakenRequest, rest_request, take_request
from core.supply.rules import SupplierRequestState, is_told
from core.vault.client import VaultAway, VaultRefused
from core.vault.primitives import SealError
from core.work import Work, enqueue_missing

NEW_LINES = """
SELECT s.line_id, s.good_id, g.most_minor FROM supplier_line s JOIN order_line l ON l.id = s.line_id
JOIN delivery d ON d.line_id = l.id JOIN supplier_good g ON g.id = s.good_id AND g.sku_id = l.sku_id
WHERE l.order_id = %s AND s.request_id IS NULL AND s.ended_at IS NULL AND l.gate = 'supply' AND d.state = 'waiting'
ORDER BY l.position
"""
ASK = """
INSERT INTO supplier_request (id, good_id, order_id, quantity, most_minor, state, created_at)
VALUES (%s, %s, %s, %s, %s, 'created', %s)
"""
BIND = "UPDATE supplier_line SET request_id = %s WHERE line_id = ANY (%s) AND request_id IS NULL"
OPEN = "SELECT id FROM supplier_request WHERE order_id = %s AND settled_at IS NULL ORDER BY created_at, id"
DUE = """
SELECT r.order_id FROM supplier_request r
WHERE r.settled_at IS NULL AND (r.lease_until IS NULL OR r.lease_until <= %(now)s)
UNION
SELECT l.order_id FROM supplier_line s JOIN order_line l ON l.id = s.line_id JOIN hold h ON h.line_id = s.line_id
WHERE s.ended_at IS NULL AND s.request_id IS NULL AND h.state = 'captured'
LIMIT %(limit)s
"""
FORGET_UNPAID = """
UPDATE supplier_line s SET ended_at = %s WHERE s.ended_at IS NULL AND s.request_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.line_id = s.line_id AND h.state IN ('open', 'captured'))
"""

Suppliers = Callable[[int], Supplier]
"""The supplier behind an account's number."""

log = structlog.get_logger()


def supply_order(
    *, order_id: UUID, suppliers: Suppliers, vault: SupplyVault, vault_public: bytes | None, now: datetime
) -> int:
    """Have the lines of a paid order brought by their suppliers; returns how many requests were moved on.

    To be repeated at will: what is written down for another worker, or for later, is left alone. Raises `VaultAway`
    where keys could not be sealed: then nothing is bought.
    """
    if vault_public is None:
        raise VaultAway(what="vault")
    in_transaction(partial(_ask, order_id, now), repeatable=True)
    return sum(_go_on(request_id, suppliers, vault, vault_public, now) for (request_id,) in execute(OPEN, (order_id,)))


def _ask(order_id: UUID, now: datetime) -> None:
    """One request for the lines of an order that one supplier brings; each line is in one for ever."""
    order = lock_order(order_id=order_id)
    if order.state is not OrderState.PAID:
        return
    by_good: dict[tuple[UUID, int], list[UUID]] = defaultdict(list)
    for line_id, good_id, most in execute(NEW_LINES, (order_id,)):
        by_good[good_id, most].append(line_id)
    for (good_id, most), lines in by_good.items():
        request_id = new_id()
        execute(ASK, (request_id, good_id, order_id, len(lines), most, now))
        if changed(BIND, (request_id, lines)) != len(lines):
            raise RuntimeError("a line was asked of a supplier before")  # rolls back
        append(
            actor=SYSTEM,
            action="supplier.asked",
            object_kind="supplier_request",
            object_id=request_id,
            detail={"quantity": len(lines)},
            party_id=order.merchant_id,
            now=now,
        )


def _go_on(request_id: UUID, suppliers: Suppliers, vault: SupplyVault, vault_public: bytes, now: datetime) -> bool:
    taken = in_transaction(partial(take_request, request_id=request_id, now=now))
    if taken is None:
        return False
    state = taken.state
    if state not in (SupplierRequestState.DELIVERED, SupplierRequestState.REJECTED):
        answer = _answer(taken, suppliers)
        state = take_down(taken=taken, answer=answer, vault_public=vault_public, now=now)
        if is_told(state, taken.attempts):
            in_transaction(partial(notice, taken, {"problem": state.value, "missing": taken.quantity}, now))
    over = _as_it_stands(request_id, taken, state)
    if over is None:
        return True
    try:
        settle(taken=over, vault=vault, now=now)
    except (VaultAway, VaultRefused):
        rest_request(taken=over, now=now)
        raise
    return True


def _answer(taken: TakenRequest, suppliers: Suppliers) -> SupplyAnswer:
    """Bought the first time, asked about ever after. No transaction is open meanwhile."""
    supplier = _opened(suppliers, taken.account_id)
    if supplier is None:
        return SupplyAnswer(SupplyOutcome.UNKNOWN, problem="not_opened")
    return supplier.buy(taken.wish) if taken.is_new else supplier.query(taken.id)


def _opened(suppliers: Suppliers, account_id: int) -> Supplier | None:
    """The supplier, or None where its credentials are lost or sealed for another key: then nobody answers for it."""
    try:
        return suppliers(account_id)
    except (NotFound, SealError):
        log.exception("supplier.not_opened", account=account_id)
        return None


def _as_it_stands(request_id: UUID, taken: TakenRequest, state: SupplierRequestState) -> TakenRequest | None:
    """The request with what it came to, where it is over."""
    if state not in (SupplierRequestState.DELIVERED, SupplierRequestState.REJECTED):
        return None
    upload = execute("SELECT upload_id FROM supplier_request WHERE id = %s", (request_id,))[0][0]
    return replace(taken, state=state, upload_id=upload)


def ask_stock(*, good_id: UUID, suppliers: Suppliers, now: datetime) -> bool:
    """Ask a supplier what it has of one SKU; False when it did not say, or somebody asked within the minute.

    One that does not answer three times in a row is paused: what it said before is too old to be promised.
    """
    good = in_transaction(partial(network.take_question, good_id=good_id, now=now))
    if good is None:
        return False
    supplier = _opened(suppliers, good.account_id)
    found = supplier.stock(good.product, good.most.currency) if supplier else None
    if found is None:
        in_transaction(partial(network.failed, good_id=good_id, why="silent", at_once=False, now=now))
        return False
    in_transaction(partial(network.told, good_id=good_id, stock=found.stock, price_minor=found.price_minor, now=now))
    return True


def supply_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: every order with a request that rests no longer, or with paid lines that nobody asked for yet."""
    due = [order for (order,) in execute(DUE, {"now": now, "limit": limit})]
    return enqueue_missing(Work.SUPPLY, due)


def forget_unpaid(*, now: datetime) -> int:
    """For the sweep: lines whose order ended unpaid are promised no longer."""
    return changed(FORGET_UNPAID, (now,))
