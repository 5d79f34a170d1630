"""Whose orders a person of a shop may act on: one rule for every act, with the order locked before it is looked at."""

from __future__ import annotations

from uuid import UUID

from core.actor import Actor
from core.errors import NotAllowed, NotFound
from core.orders.locking import LockedOrder, lock_order
from core.parties.rules import Role, is_platform, may_change, may_operate, may_see


def may_serve(actor: Actor, merchant_id: int) -> bool:
    """Whether somebody sees to a merchant's orders: its owner and support, and whoever runs the installation."""
    return may_change(actor, merchant_id, Role.SUPPORT)


def may_move_money(actor: Actor, merchant_id: int) -> bool:
    """Whether somebody decides about money that fits no order: a merchant's owner, support and finance."""
    return may_serve(actor, merchant_id) or may_change(actor, merchant_id, Role.FINANCE)


def may_release(actor: Actor, merchant_id: int) -> bool:
    """Whether somebody lets an order go on that waits for a person: whoever serves it, and the platform's operators.

    It gives nothing away: the vault checks the order again, its budget included.
    """
    return may_serve(actor, merchant_id) or may_operate(actor)


def lock_as(actor: Actor, order_id: UUID, *, releases: bool = False) -> LockedOrder:
    """Lock an order for somebody who serves it. Raises `NotFound` (also for a foreign one), `NotAllowed`."""
    order = lock_order(order_id=order_id)
    if may_serve(actor, order.merchant_id) or (releases and may_release(actor, order.merchant_id)):
        return order
    if not is_platform(actor) and not may_see(actor, order.merchant_id):
        raise NotFound("order")
    raise NotAllowed(what="order")
