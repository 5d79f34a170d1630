"""A supplier's answer reaches its lines: keys sealed, counted by the vault, claimed; what is missing is paid back.

The keys of an answer are plain in the worker's memory only until the same function has sealed them to the vault, which
finds out which are empty, double, or known from elsewhere. Its batch is locked until the lines of the request have
their cards, so nobody else takes one of them; what they leave is the supplier's stock.
"""

from __future__ import annotations

import io
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from core.actor import SYSTEM
from core.db import changed, execute, in_transaction
from core.ids import Prefix, public
from core.messages.alerts import AlertKind, raise_alert
from core.messages.service import MessageKind, tell
from core.orders.rules import OrderState
from core.orders.service import begin_sending, hold_for_review, lock_order
from core.payments.lines import is_exchanged, refund_line
from core.ports import SupplyAnswer
from core.stock.moving import move_batch
from core.stock.rules import BatchState
from core.supply import network
from core.supply.requests import TakenRequest, end_request, key_file, move_request
from core.supply.rules import SupplierRequestState, state_after
from core.vault.client import FileNotImported, ImportReport, VaultCode, VaultRefused
from core.vault.uploads import upload_file
from core.work import Work, enqueue

LINES = """
SELECT s.line_id, d.id FROM supplier_line s JOIN order_line l ON l.id = s.line_id JOIN delivery d ON d.line_id = l.id
WHERE s.request_id = %s AND s.ended_at IS NULL AND l.gate = 'supply' AND d.state = 'waiting' ORDER BY l.position
"""
BATCH = """
SELECT b.id, b.no, b.state FROM import_job j JOIN batch b ON b.id = j.batch_id WHERE j.supplier_request_id = %s
"""
GOOD_CARDS = """
SELECT id FROM card WHERE batch_no = %(batch)s AND state = 'free' ORDER BY pos LIMIT %(most)s FOR UPDATE
"""
GIVE = """
UPDATE card SET state = 'held', line_id = x.line_id FROM unnest(%(cards)s::uuid[], %(lines)s::uuid[]) x(id, line_id)
WHERE card.id = x.id AND card.state = 'free'
"""
CLAIM = "UPDATE card SET state = 'claimed' WHERE line_id = ANY (%(lines)s) AND state = 'held'"
END_LINES = "UPDATE supplier_line SET ended_at = %(now)s WHERE line_id = ANY (%(lines)s) AND ended_at IS NULL"
OPEN_GATES = """
WITH l AS (UPDATE order_line SET gate = 'none' WHERE id = ANY (%(lines)s) AND gate = 'supply' RETURNING id)
UPDATE delivery SET state = 'ready', lease_until = %(now)s FROM l
WHERE delivery.line_id = l.id AND delivery.state = 'waiting' RETURNING delivery.id
"""
BROUGHT = "SELECT count(*) FROM supplier_line s JOIN card c ON c.line_id = s.line_id WHERE s.request_id = %s"

log = structlog.get_logger()


class SupplyVault(Protocol):
    """The one way to the vault: `core.vault.client.VaultClient`, or what a test puts in its place."""

    def import_supplied(self, request: UUID, /) -> ImportReport: ...


def take_down(*, taken: TakenRequest, answer: SupplyAnswer, vault_public: bytes, now: datetime) -> SupplierRequestState:
    """Write down what a supplier answered, its keys sealed in the same transaction; returns where the request is."""
    to = state_after(taken.state, answer, wanted=taken.quantity, sent_at=taken.sent_at, now=now)

    def work() -> bool:
        upload = None
        if to is SupplierRequestState.DELIVERED and answer.keys:
            file = io.BytesIO(key_file(answer.keys))
            upload = upload_file(
                file=file, name="supplied.csv", owner_id=taken.party_id, vault_public=vault_public, now=now
            )
        return move_request(
            taken=taken,
            to=to,
            external_ref=answer.external_ref,
            problem=answer.problem,
            upload_id=upload,
            now=now,
        )

    moved = in_transaction(work)
    log.info("supplier.answered", request=str(taken.id), outcome=answer.outcome.value, state=to.value, moved=moved)
    return to if moved else taken.state


def settle(*, taken: TakenRequest, vault: SupplyVault, now: datetime) -> None:
    """A request that is over: its lines get their cards, or their money goes back, each once.

    Raises what passes (`VaultAway`, a vault that is closed or busy); then it is settled at the next try.
    """
    if taken.state is SupplierRequestState.DELIVERED and taken.upload_id is not None:
        _import(taken, vault)
        in_transaction(partial(_give_cards, taken, now), repeatable=True)
    left = execute(LINES, (taken.id,))
    for line_id, delivery_id in left:
        in_transaction(partial(_pay_back, taken, line_id, delivery_id, now), repeatable=True)
    in_transaction(partial(_end, taken, len(left), now))


def _import(taken: TakenRequest, vault: SupplyVault) -> None:
    """Have the vault count the keys; what it refuses for good brought no card."""
    try:
        vault.import_supplied(taken.id)
    except FileNotImported as refused:
        log.warning("supplier.file_refused", request=str(taken.id), problem=str(refused.params.get("problem", "")))
    except VaultRefused as refused:
        if refused.vault_code is not VaultCode.IMPORT_REFUSED or not refused.params.get("problem"):
            raise
        log.error("supplier.answer_lost", request=str(taken.id), problem=str(refused.params["problem"]))


def _give_cards(taken: TakenRequest, now: datetime) -> None:
    """The good cards go to the lines, first come first; done once, while the batch is locked for them (INV-S2)."""
    order = lock_order(order_id=taken.order_id)
    batches = execute(BATCH, (taken.id,))
    if not batches or batches[0][2] != BatchState.LOCKED or order.state is not OrderState.PAID:
        return
    batch_id, no, _ = batches[0]
    lines = [line for line, _ in execute(LINES, (taken.id,))]
    cards = [card for (card,) in execute(GOOD_CARDS, {"batch": no, "most": len(lines)})]
    lucky = {"cards": cards, "lines": lines[: len(cards)], "now": now}
    if changed(GIVE, lucky) != len(cards) or changed(CLAIM, lucky) != len(cards):
        raise RuntimeError("a supplier's cards and its lines disagree")  # rolls back; it is tried again
    changed(END_LINES, lucky)
    for (delivery_id,) in execute(OPEN_GATES, lucky):
        enqueue(Work.DELIVER, delivery_id)
    network.delivered(good_id=taken.good_id, count=len(cards))
    move_batch(actor=SYSTEM, batch_id=batch_id, to=BatchState.SELLING, reason="supplied", now=now)


def _pay_back(taken: TakenRequest, line_id: UUID, delivery_id: UUID, now: datetime) -> None:
    """A line whose card certainly does not come: as any that cannot be delivered (INV-M6), or a person looks at it."""
    order = lock_order(order_id=taken.order_id)
    which = {"lines": [line_id], "now": now}
    if order.state is not OrderState.PAID or not changed(END_LINES, which):
        return
    execute(OPEN_GATES, which)
    sending = begin_sending(delivery_id=delivery_id, now=now)
    if sending is None:
        raise RuntimeError("a supplier's line is not there to be paid back")  # rolls back; it is tried again
    if is_exchanged(order_id=order.id):  # its parts have no price of their own in what paid it
        hold_for_review(sending=sending, problem="supplier_short", now=now)
        body = {"order": public(Prefix.ORDER, order.id)}
        tell(conversation_id=order.conversation_id, kind=MessageKind.IN_REVIEW, body=body, now=now)
    else:
        refund_line(order=order, sending=sending, problem="supplier_short", now=now)


def _end(taken: TakenRequest, missing: int, now: datetime) -> None:
    received = int(execute(BROUGHT, (taken.id,))[0][0])
    if not end_request(request_id=taken.id, received=received, now=now) or not missing:
        return
    why = "rejected" if taken.state is SupplierRequestState.REJECTED else "short"
    network.failed(good_id=taken.good_id, why=why, at_once=True, now=now)
    notice(taken, {"problem": why, "missing": missing}, now)


def notice(taken: TakenRequest, detail: dict[str, str | int], now: datetime) -> None:
    """Tell the operator: by the supplier's and the goods' codes, never by a word or key of the supplier."""
    subject = f"{taken.supplier} {taken.sku}"
    raise_alert(kind=AlertKind.SUPPLIER_TROUBLE, subject=subject, detail=detail, now=now)
