"""Who ordered, by the order's own seal: what a row says by itself counts for nothing."""

from __future__ import annotations

from uuid import UUID

from core.custody.keychain.keys import OpenVault
from core.db import execute
from core.vault.bindings import Side
from core.vault.primitives import SealError
from core.vault.seal import SealedLine, SealedOrder, check_order_seal

ORDER = """
SELECT o.merchant_id, o.identity_id, o.chat_address, o.currency, o.total_minor, o.seal,
       (SELECT jsonb_agg(jsonb_build_array(l.id, l.sku_id, l.quantity, l.total_minor))
        FROM order_line l WHERE l.order_id = o.id)
FROM shop_order o WHERE o.id = %s
"""


def buyer_of(vault: OpenVault, *, order: UUID, merchant: int) -> Side | None:
    """The account that placed an order at a merchant, and its chat; None where the order is not as it was sealed."""
    sealed = sealed_order(vault, order=order, merchant=merchant)
    return None if sealed is None else Side(sealed.identity, sealed.chat_address)


def sealed_order(vault: OpenVault, *, order: UUID, merchant: int) -> SealedOrder | None:
    """An order at a merchant as it was placed; None where it is not as it was sealed."""
    rows = execute(ORDER, (order,))
    if not rows or rows[0][0] != merchant:
        return None
    _, identity, chat, currency, total, seal, lines = rows[0]
    bought = tuple(SealedLine(UUID(line), sku, quantity, amount) for line, sku, quantity, amount in lines or ())
    sealed = SealedOrder(order, merchant, identity, chat, bought, currency, total)
    try:
        check_order_seal(vault.keys.seal, sealed, bytes(seal))
    except SealError:
        return None
    return sealed
