"""What buyers tell for a line that a person sees to: asked on the page, checked, and what is secret sealed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.catalog.fields import BuyerField, fields_of, fits
from core.db import changed, execute, in_transaction
from core.errors import Conflict, Invalid, Unavailable
from core.orders.locking import lock_order
from core.orders.rules import OrderState
from core.secret import Secret
from core.vault.fields import FieldPlace, seal_field

WIPED_AFTER = timedelta(hours=24)
"""So long after a task ended, or its order did without one, what was sealed for it is gone (INV-K6)."""

LINES = """
SELECT l.id, l.sku_id, l.names, coalesce(array_agg(f.name) FILTER (WHERE f.name IS NOT NULL), '{}')
FROM order_line l LEFT JOIN line_field f ON f.line_id = l.id AND f.wiped_at IS NULL
WHERE l.order_id = %s AND l.gate = 'task' GROUP BY l.id ORDER BY l.position
"""
HELD = "SELECT 1 FROM task WHERE order_id = %s AND staff_id IS NOT NULL"
VAULT = "SELECT vault_id FROM installation"
GIVE = """
INSERT INTO line_field (line_id, name, text, sealed, given_at)
VALUES (%(line)s, %(name)s, %(text)s, %(sealed)s, %(now)s)
ON CONFLICT (line_id, name) DO UPDATE SET text = %(text)s, sealed = %(sealed)s, given_at = %(now)s
"""
"""Without `excluded.sealed`: who writes it here may not read it."""
PLAIN = "SELECT name, text FROM line_field WHERE line_id = %s AND text IS NOT NULL ORDER BY name"
WIPE = """
UPDATE line_field SET sealed = NULL, text = NULL, wiped_at = %(now)s
WHERE (line_id, name) IN (
    SELECT f.line_id, f.name FROM line_field f JOIN order_line l ON l.id = f.line_id
    JOIN shop_order o ON o.id = l.order_id LEFT JOIN task t ON t.line_id = l.id
    WHERE f.wiped_at IS NULL AND f.given_at < %(before)s
      AND coalesce(t.done_at, CASE WHEN o.state <> 'paid' THEN o.ended_at END) < %(before)s
    LIMIT %(limit)s)
"""


class FieldsClosed(Conflict):
    """The order takes no fields any more: somebody is at it, or it is over."""


class FieldsLater(Unavailable):
    """Nothing can be sealed: the vault's public key is missing."""


class FieldRefused(Invalid):
    """What was typed is not of the field's format; `field` names it. The value stands nowhere."""


@dataclass(frozen=True, slots=True)
class AskedField:
    """One field of one line, as a page asks for it; `is_given` says that it was told before."""

    line_id: UUID
    goods: Mapping[str, str]
    field: BuyerField
    is_given: bool

    @property
    def input_name(self) -> str:
        """What the page's input is called."""
        return f"{self.line_id}:{self.field.name}"


def asked_fields(*, order_id: UUID) -> list[AskedField]:
    """Every field that an order asks for, in order; none where nothing is topped up by a person."""
    lines = execute(LINES, (order_id,))
    known = fields_of(sku_ids=[sku for _, sku, _, _ in lines])
    return [
        AskedField(line_id, goods, field, field.name in given)
        for line_id, sku, goods, given in lines
        for field in known.get(sku, [])
    ]


def give_fields(*, order_id: UUID, typed: Mapping[str, Secret], vault_public: bytes | None, now: datetime) -> int:
    """Keep what was typed for an order; returns how many fields. The caller has shown that it may (its page's token).

    A field that was given may be given anew until somebody holds the task. Raises `FieldRefused` with nothing kept,
    `FieldsClosed`, `FieldsLater`, `NotFound`.
    """
    if vault_public is None:
        raise FieldsLater(what="vault")

    def work() -> int:
        order = lock_order(order_id=order_id)
        if order.state not in (OrderState.AWAITING_PAYMENT, OrderState.PAID) or execute(HELD, (order_id,)):
            raise FieldsClosed(state=order.state.value)
        vault: UUID = execute(VAULT)[0][0]
        rows = [_kept(asked, typed[asked.input_name], vault, order_id) for asked in asked_fields(order_id=order_id)
                if asked.input_name in typed]  # fmt: skip
        for line_id, name, text, secret, place in rows:
            sealed = seal_field(vault_public, secret, place) if secret is not None else None
            execute(GIVE, {"line": line_id, "name": name, "text": text, "sealed": sealed, "now": now})
        return len(rows)

    return in_transaction(work, repeatable=True)


def _kept(
    asked: AskedField, typed: Secret, vault: UUID, order_id: UUID
) -> tuple[UUID, str, str | None, Secret | None, FieldPlace]:
    """One field as it is kept: in clear, or to be sealed. Raises `FieldRefused`."""
    text = fits(asked.field, typed.reveal().decode(errors="replace"))
    if text is None:
        raise FieldRefused(field=asked.field.name)
    place = FieldPlace(vault, order_id, asked.line_id, asked.field.name)
    if asked.field.is_secret:
        return asked.line_id, asked.field.name, None, Secret(text), place
    return asked.line_id, asked.field.name, text, None, place


def plain_fields(*, line_id: UUID) -> dict[str, str]:
    """What was told for a line and is no secret, by field."""
    return {str(name): str(text) for name, text in execute(PLAIN, (line_id,))}


def wipe_fields(*, now: datetime, limit: int = 500) -> int:
    """For the sweep: forget what was told for tasks that ended a day ago, and for orders that never came to one."""
    return changed(WIPE, {"now": now, "before": now - WIPED_AFTER, "limit": limit})
