"""How many codes may be asked for: each is a letter to somebody who may not want it, or a text message that costs.

Those who have bought nothing are free to make, so they share less: what they and one network of theirs may ask for in
an hour leaves enough for customers. Askers are counted one after another, by shop and by address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import execute
from core.errors import Limited

PER_SHOPPER_PER_HOUR = 5
PER_ADDRESS_PER_DAY = 5
PER_MERCHANT_PER_HOUR = 200
"""All shoppers of a shop together: text messages cost money, and a flood of codes bothers strangers."""

GUESTS_PER_HOUR = 100
"""Of those, what shoppers without a paid order may ask for together."""

GUESTS_OF_NETWORK_PER_HOUR = 20
"""Of those, what they may ask for from one network, where a channel sees one."""

TURN_OF_MERCHANT = "SELECT pg_advisory_xact_lock(7107, hashint8(%s))"
TURN_OF_ADDRESS = "SELECT pg_advisory_xact_lock(7108, hashtext(%s))"
"""Always after the merchant's, so that no two wait for each other. One address is asked for in many shops."""

ASKED = """
SELECT count(*) FILTER (WHERE c.shopper_id = %(shopper)s AND c.asked_at > %(hour)s),
       count(*) FILTER (WHERE c.address = %(address)s),
       count(*) FILTER (WHERE c.merchant_id = %(merchant)s AND c.kind = %(kind)s AND c.asked_at > %(hour)s),
       count(*) FILTER (WHERE c.merchant_id = %(merchant)s AND c.kind = %(kind)s AND c.asked_at > %(hour)s
                        AND s.paid_orders = 0),
       count(*) FILTER (WHERE c.merchant_id = %(merchant)s AND c.kind = %(kind)s AND c.asked_at > %(hour)s
                        AND s.paid_orders = 0 AND c.network = %(network)s AND c.network <> '')
FROM contact_code c JOIN shopper s ON s.id = c.shopper_id
WHERE c.asked_at > %(day)s
  AND (c.shopper_id = %(shopper)s OR c.address = %(address)s OR c.merchant_id = %(merchant)s)
"""


class TooManyCodes(Limited):
    """Codes were asked for too often: by this shopper, for this address, from this network, or in this shop."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a code: `network` is a keyed hash, empty where none is seen."""

    shopper_id: UUID
    merchant_id: int
    network: str
    is_guest: bool


def take_turn(asker: Asker, *, kind: str, address: str, now: datetime) -> None:
    """Wait for all who ask in this shop or for this address, then count, in the caller's transaction.

    Raises `TooManyCodes`.
    """
    execute(TURN_OF_MERCHANT, (asker.merchant_id,))
    execute(TURN_OF_ADDRESS, (address,))
    values = {"shopper": asker.shopper_id, "merchant": asker.merchant_id, "network": asker.network}
    times = {"hour": now - timedelta(hours=1), "day": now - timedelta(days=1)}
    (counts,) = execute(ASKED, values | times | {"address": address, "kind": kind})
    quotas = [PER_SHOPPER_PER_HOUR, PER_ADDRESS_PER_DAY, PER_MERCHANT_PER_HOUR]
    if asker.is_guest:
        quotas += [GUESTS_PER_HOUR, GUESTS_OF_NETWORK_PER_HOUR]
    if any(asked >= quota for asked, quota in zip(counts, quotas, strict=False)):
        raise TooManyCodes()
