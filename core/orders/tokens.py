"""The token in /pay/<token>: derived from the order's id, so that every screen shows the same link; stored hashed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

from core.orders.values import OrderKeys


def pay_token(*, keys: OrderKeys, order_id: UUID) -> str:
    """128 bits, URL-safe; whoever has it may look at the order and pay it, and never sees a card."""
    digest = hmac.new(keys.session.reveal(), b"keystall pay link\x00" + order_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
