"""New goods with their first cards in one step: made, listed, and the sealed cards asked for, or nothing of it."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from core.actor import Actor
from core.catalog.goods import MadeGoods, NewGoods, create_goods
from core.conversations.handing import hand_over
from core.db import in_transaction
from core.secret import Secret


def bring_goods(
    *,
    actor: Actor,
    merchant_id: int,
    goods: NewGoods,
    file: BinaryIO,
    name: str,
    unit_cost: str,
    submission_id: str,
    vault_public: bytes,
    seal_key: Secret,
    now: datetime,
) -> tuple[MadeGoods, UUID]:
    """Make goods and hand their cards over; returns where they are and the restock's id.

    Raises what `create_goods` and `hand_over` raise; then nothing of it is there, and no card is kept.
    """

    def work() -> tuple[MadeGoods, UUID]:
        made = create_goods(actor=actor, merchant_id=merchant_id, goods=goods, now=now)
        restock = hand_over(
            actor=actor,
            party_id=merchant_id,
            sku_id=made.sku_id,
            unit_cost=unit_cost,
            file=file,
            name=name,
            submission_id=submission_id,
            vault_public=vault_public,
            seal_key=seal_key,
            now=now,
        )
        return made, restock

    return in_transaction(work)
