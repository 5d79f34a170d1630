"""Work to be done after a commit: a queue row written inside the caller's transaction, one kind and one reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from core.db import changed, execute, wake
from core.waking import WORKERS


class Work(StrEnum):
    """Every kind of queued work. A handler gets only the reference and derives the rest from the tables."""

    DELIVER = "deliver"  # reference: delivery; hand the cards of one line to its shopper
    REREAD = "reread"  # reference: reading; 取卡: delivered cards once more for one conversation
    PICK_UP = "pick_up"  # reference: pickup_wish; 取卡 with a code: have it exchanged, and tell what comes of it
    OPEN_LINK = "open_link"  # reference: link_press; a press on a card page: have the vault open it, answer the page
    SEND = "send"  # reference: conversation; carry what waits for its chat there, in order
    START_PAYMENT = "start_payment"  # reference: payment; make the intent at its gateway
    QUERY_PAYMENT = "query_payment"  # reference: payment; ask the gateway what became of it
    SANDBOX_PAY = "sandbox_pay"  # reference: payment; the sandbox's own side: charge, then send its notice
    REFUND = "refund"  # reference: refund; send money back to where it came from
    WECHAT_LOGIN = "wechat_login"  # reference: page_login; ask the platform who opened a page
    CONTACT_CODE = "contact_code"  # reference: contact_code; mint and send the code that confirms an address
    RESTOCK = "restock"  # reference: restock; have a file that came by a chat imported, and tell what became of it
    LOOK = "look"  # reference: brought_file; have the vault look at a file before it is imported
    TAKE_BACK = "take_back"  # reference: restock; have its import taken back while it runs
    DECIDE = "decide"  # reference: contested_wish; have a decision about contested cards carried out
    SUPPLY = "supply"  # reference: order; have its lines brought by the suppliers that sell them
    SUPPLIER_STOCK = "supplier_stock"  # reference: supplier_good; ask what the supplier has
    CHECK_CONNECTION = "check_connection"  # reference: connection_check; try a bot, an account or a gateway
    ALERT = "alert"  # reference: alert; tell the operator what a person must see


ENQUEUED_BY: dict[Work, frozenset[str]] = {
    Work.DELIVER: frozenset({"shop", "worker"}),
    Work.REREAD: frozenset({"shop", "worker"}),
    Work.PICK_UP: frozenset({"shop", "worker"}),
    Work.OPEN_LINK: frozenset({"shop", "worker"}),
    Work.SEND: frozenset({"shop", "worker"}),
    Work.START_PAYMENT: frozenset({"shop"}),
    Work.QUERY_PAYMENT: frozenset({"shop", "worker"}),
    Work.SANDBOX_PAY: frozenset({"shop"}),
    Work.REFUND: frozenset({"shop", "worker"}),
    Work.WECHAT_LOGIN: frozenset({"shop"}),
    Work.CONTACT_CODE: frozenset({"shop", "worker"}),
    Work.RESTOCK: frozenset({"shop", "worker"}),
    Work.LOOK: frozenset({"shop", "worker"}),
    Work.TAKE_BACK: frozenset({"shop", "worker"}),
    Work.DECIDE: frozenset({"shop", "worker"}),
    Work.SUPPLY: frozenset({"shop", "worker"}),
    Work.SUPPLIER_STOCK: frozenset({"shop", "worker"}),
    Work.CHECK_CONNECTION: frozenset({"shop"}),
    Work.ALERT: frozenset({"shop", "worker"}),
}
"""Which database roles have a reason to enqueue which kind; the use cases of those processes are the only callers."""

PRIORITY: dict[Work, int] = {
    Work.DELIVER: 30,  # someone has paid
    Work.SUPPLY: 25,  # the same, but a supplier takes its time
    Work.REREAD: 20,
    Work.PICK_UP: 20,
    Work.SEND: 15,  # receipts and notices: behind the cards
    Work.WECHAT_LOGIN: 12,  # someone looks at a page that waits; but who has a link can ask for it at will
    Work.OPEN_LINK: 12,  # the same: whoever can press can ask for it
    Work.START_PAYMENT: 10,
    Work.SANDBOX_PAY: 10,
    Work.CONTACT_CODE: 10,
    Work.ALERT: 10,
    Work.CHECK_CONNECTION: 8,  # somebody looks at a page that waits, but asks at will
    Work.REFUND: 5,
    Work.TAKE_BACK: 8,  # what it ends must not go on for long
    Work.LOOK: 6,  # somebody waits for it at a page
    Work.RESTOCK: 5,
    Work.DECIDE: 5,
    Work.SUPPLIER_STOCK: 3,
    Work.QUERY_PAYMENT: 0,
}
"""What is taken first, highest first: in a rush nobody who has paid waits behind those who are about to."""

QUEUE = "work"

ENQUEUE = "INSERT INTO keystall_task (queue, data, priority) VALUES (%s, %s, %s)"


def encode(kind: Work, reference: UUID) -> bytes:
    """The queue row's bytes: JSON with the kind and one reference, nothing else ever."""
    return json.dumps({"kind": kind.value, "ref": str(reference)}, separators=(",", ":")).encode()


def decode(data: bytes) -> tuple[Work, UUID]:
    """Read a queue row. Raises `ValueError` for anything but a known kind and one UUID: such rows are forged."""
    try:
        row = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError("a queue row that is not JSON") from None
    if not isinstance(row, dict) or set(row) != {"kind", "ref"} or not all(isinstance(v, str) for v in row.values()):
        raise ValueError("a queue row of another shape")
    if len(row["ref"]) != 36:
        raise ValueError("a queue row whose reference is not an id")
    return Work(row["kind"]), UUID(row["ref"])


def enqueue(kind: Work, reference: UUID) -> None:
    """Add work to the caller's transaction: a rollback leaves none; the commit wakes the worker."""
    execute(ENQUEUE, (QUEUE, encode(kind, reference), PRIORITY[kind]))
    wake(WORKERS)


ENQUEUE_MISSING = """
INSERT INTO keystall_task (queue, data, priority)
SELECT %(queue)s, d, %(priority)s FROM unnest(%(rows)s::bytea[]) d
WHERE NOT EXISTS (SELECT 1 FROM keystall_task t WHERE t.queue = %(queue)s AND t.data = d)
"""


def enqueue_missing(kind: Work, references: Sequence[UUID]) -> int:
    """For sweeps: add the work that is not waiting in the queue already; returns how many rows were added."""
    if not references:
        return 0
    values = {"queue": QUEUE, "rows": [encode(kind, one) for one in references], "priority": PRIORITY[kind]}
    added = changed(ENQUEUE_MISSING, values)
    if added:
        wake(WORKERS)
    return added
