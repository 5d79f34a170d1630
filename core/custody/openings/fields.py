"""Secret buyer fields as the vault gives them out: for a paid line, to the one who holds its task, once (INV-K6).

What the tables say of the order counts only under its seal and with proof of its payment, as for cards, and one notice
never pays for two orders; a field that was moved to another line does not open.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.custody import sql
from core.custody.keychain.keys import OpenVault
from core.custody.openings.checks import Delivery, OpeningRefused
from core.custody.openings.evidence import Proof, proofs
from core.custody.openings.opening_log import OpeningLog
from core.custody.openings.ordered import buyer_of
from core.db import execute, in_transaction
from core.secret import Secret
from core.vault.client import VaultCode
from core.vault.fields import FieldPlace, open_field
from core.vault.primitives import SealError

OPENED = "fields.opened"

TASK = """
SELECT t.staff_id, t.done_at IS NOT NULL, t.opened_at IS NOT NULL, t.line_id, l.gate, o.id, o.merchant_id, o.state, d.id
FROM task t JOIN order_line l ON l.id = t.line_id JOIN shop_order o ON o.id = l.order_id
JOIN delivery d ON d.line_id = l.id WHERE t.id = %s
"""
SEALED = "SELECT name, sealed FROM line_field WHERE line_id = %s AND sealed IS NOT NULL ORDER BY name"
NOTE = f"""
WITH t AS (
    UPDATE task SET opened_at = %(now)s WHERE id = %(task)s AND staff_id = %(staff)s AND opened_at IS NULL
      AND done_at IS NULL RETURNING id
), used AS (
    INSERT INTO evidence_use AS u (evidence, used_for)
    SELECT x.evidence, x.used_for FROM unnest(%(evidence)s::text[], %(used_for)s::text[]) AS x(evidence, used_for)
    ORDER BY x.evidence
    ON CONFLICT (evidence) DO UPDATE SET used_for = u.used_for RETURNING evidence, used_for
), {sql.WALLET_USE}, audit AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, 'staff', %(staff)s, %(merchant)s, %(action)s, 'line', %(line)s::text, %(detail)s FROM t
)
SELECT (SELECT count(*) FROM t),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(evidence, used_for)), '[]') FROM used),
       (SELECT count(*) FROM wallet)
"""  # noqa: S608 - constants only
"""The task's opening, the audit entry and the use of what proves the payment; the caller rolls back unless all fit."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Opens the fields of one vault."""

    vault: OpenVault
    journal: OpeningLog
    now: Callable[[], datetime]

    def open(self, task_id: UUID, staff_id: UUID) -> dict[str, Secret]:
        """The secret fields of a task, written down first. Raises `OpeningRefused`, OSError."""
        now = self.now()
        rows = execute(TASK, (task_id,))
        if not rows:
            raise refused()
        holder, is_done, is_opened, line, gate, order, merchant, state, delivery = rows[0]
        if holder != staff_id or is_done or is_opened or gate != "task" or state != "paid":
            raise refused()
        evidence = self._evidence(delivery, now)
        if buyer_of(self.vault, order=order, merchant=merchant) is None or evidence is None:
            raise refused()
        fields = {name: self._opened(bytes(sealed), order, line, name) for name, sealed in execute(SEALED, (line,))}
        self.journal.begin(delivery=delivery, line=line, cards=[], action=OPENED, now=now).wait()
        detail = Jsonb({"task": str(task_id), "fields": sorted(fields)})
        named = {"task": task_id, "staff": staff_id, "merchant": merchant, "line": line, "now": now}
        in_transaction(partial(_note, named | {"action": OPENED, "detail": detail}, evidence))
        return fields

    def _evidence(self, delivery_id: UUID, now: datetime) -> Proof | None:
        row = execute(sql.DELIVERY, {"delivery": delivery_id, "now": now, "reader": None})[0]
        delivery = Delivery(*row)
        return proofs(self.vault, delivery.bill(), delivery.notices or [])

    def _opened(self, sealed: bytes, order: UUID, line: UUID, name: str) -> Secret:
        place = FieldPlace(self.vault.vault_id, order, line, name)
        try:
            return self.vault.keys.ring.opened(lambda private: open_field(private, sealed, place))
        except SealError:
            raise refused() from None


def _note(named: Mapping[str, Any], evidence: Proof) -> None:
    """Write it down whole. Raises `OpeningRefused` where somebody was faster, or the money was used before."""
    noted, used, wallet = execute(NOTE, {**named, **evidence.asked()})[0]
    if noted != 1 or not evidence.stands(used, wallet):
        raise refused()


def fields_opened(fields: Fields, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request for a task's fields. Raises `OpeningRefused`, OSError."""
    try:
        task, staff = UUID(str(request.get("task"))), UUID(str(request.get("staff")))
    except ValueError:
        raise refused() from None
    opened = fields.open(task, staff)
    return {"ok": True, "fields": {name: base64.b64encode(value.reveal()).decode() for name, value in opened.items()}}


def refused() -> OpeningRefused:
    """One sentence for whatever is wrong: task, holder, order, a moved field, fields that were shown before."""
    return OpeningRefused(VaultCode.TASK_REFUSED, "no task whose fields may be shown to this member of staff now")
