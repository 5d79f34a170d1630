"""The rows of requests to suppliers: taken under a lease, sent once, moved by what is answered (INV-O4)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import changed, execute
from core.money import Money
from core.ports import SuppliedKey, Wish
from core.supply.rules import SupplierRequestState, question_after

LEASE = timedelta(seconds=90)
"""How long one worker may take with a request; a call to a supplier ends after ten seconds."""

TAKE = """
UPDATE supplier_request r SET state = CASE o.state WHEN 'created' THEN 'sent' ELSE o.state END,
    sent_at = coalesce(o.sent_at, %(now)s), attempts = o.attempts + 1, lease_until = %(lease)s
FROM (SELECT id, state, sent_at, attempts FROM supplier_request WHERE id = %(request)s FOR NO KEY UPDATE) o,
     supplier_good g, supplier_account a, party p, sku k
WHERE r.id = o.id AND r.settled_at IS NULL AND (r.lease_until IS NULL OR r.lease_until <= %(now)s)
  AND g.id = r.good_id AND a.id = g.account_id AND p.id = a.party_id AND k.id = g.sku_id
RETURNING r.id, o.state, r.state, r.order_id, r.good_id, a.id, p.id, p.code, k.code, g.product, r.quantity,
          r.most_minor, g.currency, r.attempts, r.sent_at, r.upload_id
"""
"""A request for one worker. `created` is over with the very commit before anything is sent: whoever finds it later asks
about it, and never sends it."""

MOVE = """
UPDATE supplier_request SET state = %(state)s, external_ref = coalesce(%(external_ref)s, external_ref),
    problem = nullif(%(problem)s, ''), upload_id = %(upload)s, lease_until = %(again)s
WHERE id = %(request)s AND state = %(was)s AND attempts = %(attempts)s AND settled_at IS NULL
"""
END = """
UPDATE supplier_request SET received = %s, settled_at = %s, lease_until = NULL WHERE id = %s AND settled_at IS NULL
"""
PUT_BACK = "UPDATE supplier_request SET lease_until = %s WHERE id = %s AND attempts = %s AND settled_at IS NULL"


@dataclass(frozen=True, slots=True)
class TakenRequest:
    """A request in this worker's hands: `was` before it was taken, `state` now."""

    id: UUID
    was: SupplierRequestState
    state: SupplierRequestState
    order_id: UUID
    good_id: UUID
    account_id: int
    party_id: int
    supplier: str
    sku: str
    product: str
    quantity: int
    most: Money
    attempts: int
    sent_at: datetime
    upload_id: UUID | None

    @property
    def is_new(self) -> bool:
        """Whether nothing was sent before: the one time that it is."""
        return self.was is SupplierRequestState.CREATED

    @property
    def wish(self) -> Wish:
        """What the supplier is asked for."""
        return Wish(self.id, self.product, self.quantity, self.most)


def take_request(*, request_id: UUID, now: datetime) -> TakenRequest | None:
    """Take a request that is not settled; None while another worker has it or it rests until its next question."""
    rows = execute(TAKE, {"request": request_id, "now": now, "lease": now + LEASE})
    if not rows:
        return None
    number, was, state, *whose, product, quantity, most, currency, attempts, sent_at, upload = rows[0]
    order_id, good_id, account_id, party_id, supplier, sku = whose
    return TakenRequest(
        id=number,
        was=SupplierRequestState(was),
        state=SupplierRequestState(state),
        order_id=order_id,
        good_id=good_id,
        account_id=account_id,
        party_id=party_id,
        supplier=supplier,
        sku=sku,
        product=product,
        quantity=quantity,
        most=Money(most, currency),
        attempts=attempts,
        sent_at=sent_at,
        upload_id=upload,
    )


def move_request(
    *,
    taken: TakenRequest,
    to: SupplierRequestState,
    external_ref: str | None = None,
    problem: str = "",
    upload_id: UUID | None = None,
    now: datetime,
) -> bool:
    """Write down what an answer made of a request, in the caller's transaction; False when somebody else moved it."""
    is_over = to in (SupplierRequestState.DELIVERED, SupplierRequestState.REJECTED)
    which = {"request": taken.id, "was": taken.state.value, "attempts": taken.attempts, "state": to.value}
    said = {"external_ref": external_ref, "problem": problem, "upload": upload_id}
    again = {"again": now + LEASE if is_over else now + question_after(taken.attempts)}
    return bool(changed(MOVE, which | said | again))


def end_request(*, request_id: UUID, received: int, now: datetime) -> bool:
    """Every line of it is delivered or paid back; False when it was over before."""
    return bool(changed(END, (received, now, request_id)))


def rest_request(*, taken: TakenRequest, now: datetime) -> None:
    """Something of ours was away: again after a while."""
    changed(PUT_BACK, (now + question_after(taken.attempts), taken.id, taken.attempts))


def key_file(keys: Sequence[SuppliedKey]) -> bytes:
    """The keys as a file of the kind that people bring, for the vault; it never touches a disk."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(["number", "secret"])
    rows.writerows([key.number.reveal().decode(), key.secret.reveal().decode()] for key in keys)
    return written.getvalue().encode()
