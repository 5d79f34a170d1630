"""找单: an order found again by a number that stands on its bill, for the shopper who placed it."""

from __future__ import annotations

import re
from uuid import UUID

from core.actor import Actor
from core.db import execute
from core.errors import NotFound
from core.ids import Prefix, parse

NUMBER = re.compile(r"[A-Za-z0-9_.-]{4,100}")

BY_BILL = """
SELECT o.id FROM shop_order o
WHERE o.shopper_id = %(shopper)s AND o.merchant_id = %(merchant)s AND (
    EXISTS (SELECT 1 FROM payment p WHERE p.order_id = o.id AND (p.external_ref = %(number)s OR p.id = %(payment)s))
    OR EXISTS (SELECT 1 FROM payment_event e WHERE e.order_id = o.id AND e.external_id = %(number)s))
ORDER BY o.placed_at DESC LIMIT 1
"""
"""The gateway's number (交易单号) stands on its event, ours (商户单号) is the payment's public id."""


def order_of_bill(*, actor: Actor, number: str) -> UUID:
    """The acting shopper's order behind a bill's number, or behind an order number itself.

    Raises `NotFound` for a missing number and for another shopper's alike.
    """
    if number.startswith("ord_"):
        return parse(Prefix.ORDER, number)
    rows = []
    if NUMBER.fullmatch(number):
        payment = parse(Prefix.PAYMENT, number) if number.startswith("pay_") else None
        named = {"shopper": actor.id, "merchant": actor.party_id, "number": number, "payment": payment}
        rows = execute(BY_BILL, named)
    if not rows:
        raise NotFound("bill")
    return UUID(str(rows[0][0]))
