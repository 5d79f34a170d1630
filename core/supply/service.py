"""Offers between parties, and the sources they make for a merchant: a pool of cards and the chain down from it."""

from __future__ import annotations

from datetime import datetime

from core.actor import Actor
from core.audit.service import append
from core.db import atomic, changed, execute
from core.errors import Conflict, Invalid
from core.money import GREATEST
from core.parties.rules import Role
from core.parties.service import require_change

LONGEST_CHAIN = 8
"""No chain of offers has more hops than this."""


class OfferMakesCircle(Conflict):
    """The offer would lead back to its own seller."""


REBUILD_SOURCES = """
WITH RECURSIVE chain AS (
    SELECT o.buyer_id AS merchant_id, o.sku_id, o.seller_id AS pool_owner_id, ARRAY[o.id] AS offer_ids,
           ARRAY[o.buyer_id, o.seller_id] AS parties, o.price_micro
    FROM offer o JOIN party m ON m.id = o.buyer_id AND m.kind = 'merchant' AND m.status = 'active'
    JOIN party s ON s.id = o.seller_id AND s.status = 'active'
    WHERE o.sku_id = %(sku)s AND o.valid_to IS NULL AND o.currency = %(currency)s
    UNION ALL
    SELECT c.merchant_id, c.sku_id, o.seller_id, o.id || c.offer_ids, c.parties || o.seller_id, c.price_micro
    FROM chain c JOIN offer o ON o.buyer_id = c.pool_owner_id AND o.sku_id = c.sku_id
    JOIN party s ON s.id = o.seller_id AND s.status = 'active'
    WHERE o.valid_to IS NULL AND o.currency = %(currency)s AND NOT o.seller_id = ANY (c.parties)
      AND array_length(c.offer_ids, 1) < %(longest)s
), best AS (
    SELECT DISTINCT ON (merchant_id, pool_owner_id) merchant_id, sku_id, pool_owner_id, offer_ids, price_micro
    FROM chain ORDER BY merchant_id, pool_owner_id, price_micro, array_length(offer_ids, 1), offer_ids
)
INSERT INTO source (merchant_id, sku_id, pool_owner_id, offer_ids, position)
SELECT merchant_id, sku_id, pool_owner_id, offer_ids,
       row_number() OVER (PARTITION BY merchant_id ORDER BY price_micro, array_length(offer_ids, 1), pool_owner_id)
FROM best
"""
"""All pools from which a chain of current offers reaches a merchant for one SKU; per pool the cheapest chain, cheapest
pool first; a party that is not active is in none of them. Own stock needs no row."""

PARTIES_LOCK = 7199
"""Class of the one advisory lock between offers (shared) and a change of a party's state (exclusive)."""

SKUS_OF = """
SELECT DISTINCT ON (sku_id) sku_id, currency FROM offer
WHERE (seller_id = %(party)s OR buyer_id = %(party)s) AND valid_to IS NULL ORDER BY sku_id, valid_from DESC
"""


def make_offer(
    *, actor: Actor, seller_id: int, buyer_id: int, sku_id: int, price_micro: int, currency: str, now: datetime
) -> int:
    """Offer a SKU to a downstream party at `price_micro` (10⁻⁶ of the major unit, a card); replaces the current one.

    Returns the offer's id. Raises `NotFound`, `NotAllowed`, `Invalid` for a price out of
    bounds or an offer to oneself, `OfferMakesCircle`.
    """
    require_change(actor, seller_id, Role.STOCK, what="party")
    if not 0 <= price_micro <= GREATEST:
        raise Invalid(what="price")
    if seller_id == buyer_id:
        raise Invalid(what="buyer")
    with atomic():
        _lock(sku_id)
        if _reaches(start=buyer_id, goal=seller_id, sku_id=sku_id):
            raise OfferMakesCircle()
        changed(
            "UPDATE offer SET valid_to = greatest(%s, valid_from + interval '1 microsecond')"
            " WHERE seller_id = %s AND buyer_id = %s AND sku_id = %s AND valid_to IS NULL",
            (now, seller_id, buyer_id, sku_id),
        )
        offer_id = execute(
            "INSERT INTO offer (seller_id, buyer_id, sku_id, price_micro, currency, valid_from)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            (seller_id, buyer_id, sku_id, price_micro, currency, now),
        )[0][0]
        rebuild_sources(sku_id=sku_id, currency=currency)
        append(
            actor=actor,
            action="offer.made",
            object_kind="offer",
            object_id=offer_id,
            detail={"price_micro": price_micro, "currency": currency},
            party_id=seller_id,
            now=now,
        )
    return int(offer_id)


def withdraw_offer(*, actor: Actor, seller_id: int, buyer_id: int, sku_id: int, now: datetime) -> bool:
    """End the current offer between two parties; False when there is none. Raises `NotFound`, `NotAllowed`."""
    require_change(actor, seller_id, Role.STOCK, what="party")
    with atomic():
        _lock(sku_id)
        ended = execute(
            "UPDATE offer SET valid_to = greatest(%s, valid_from + interval '1 microsecond')"
            " WHERE seller_id = %s AND buyer_id = %s AND sku_id = %s AND valid_to IS NULL RETURNING id, currency",
            (now, seller_id, buyer_id, sku_id),
        )
        for offer_id, currency in ended:
            rebuild_sources(sku_id=sku_id, currency=currency)
            append(
                actor=actor,
                action="offer.withdrawn",
                object_kind="offer",
                object_id=offer_id,
                party_id=seller_id,
                now=now,
            )
    return bool(ended)


def rebuild_sources_of(*, party_id: int) -> int:
    """A party's state changes in the caller's transaction, before this: from now on its chains sell, or do not.

    Returns for how many SKUs. No offer is made or withdrawn meanwhile: one made before would keep a chain that is not.
    """
    execute("SELECT pg_advisory_xact_lock(%s, 0)", (PARTIES_LOCK,))
    rows = execute(SKUS_OF, {"party": party_id})
    for sku_id, currency in rows:
        execute("SELECT pg_advisory_xact_lock(7103, hashint8(%s))", (sku_id,))
        rebuild_sources(sku_id=sku_id, currency=currency)
    return len(rows)


def _lock(sku_id: int) -> None:
    """Nobody else changes the offers of this SKU, and no party's state changes, until the transaction ends."""
    execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (PARTIES_LOCK,))
    execute("SELECT pg_advisory_xact_lock(7103, hashint8(%s))", (sku_id,))


def _reaches(*, start: int, goal: int, sku_id: int) -> bool:
    rows = execute(
        "WITH RECURSIVE down AS (SELECT %(start)s::bigint AS id UNION SELECT o.buyer_id FROM offer o"
        " JOIN down d ON o.seller_id = d.id WHERE o.sku_id = %(sku)s AND o.valid_to IS NULL)"
        " SELECT 1 FROM down WHERE id = %(goal)s",
        {"start": start, "goal": goal, "sku": sku_id},
    )
    return bool(rows)


def rebuild_sources(*, sku_id: int, currency: str) -> None:
    """Make the sources of one SKU anew from the current offers, inside the caller's transaction."""
    changed("DELETE FROM source WHERE sku_id = %s", (sku_id,))
    changed(REBUILD_SOURCES, {"sku": sku_id, "currency": currency, "longest": LONGEST_CHAIN})
