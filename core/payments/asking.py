"""我已支付: the shopper says that money is on its way, so its gateway is asked in the next round instead of later."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import changed

ASK_SOON = """
UPDATE payment SET poll_at = %(now)s
WHERE order_id = %(order)s AND shopper_id = %(shopper)s AND merchant_id = %(merchant)s AND poll_at > %(now)s
"""
"""Only payments that are still waited for have a `poll_at`. However often the button is tapped, a round of the sweep
asks once a payment."""


def ask_gateway(*, actor: Actor, order_id: UUID, now: datetime) -> int:
    """Let the next round (5 s) ask about each payment of the shopper's own order that may still come; returns how many.

    Nothing happens for a missing or foreign order.
    """
    return changed(ASK_SOON, {"now": now, "order": order_id, "shopper": actor.id, "merchant": actor.party_id})
