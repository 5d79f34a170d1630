"""What is told outside the chats: addresses, parcels, ways with the worker's rights, and the codes that they minted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from core import db
from core.clock import Clock
from core.config import Config
from core.db import atomic
from core.fulfilment.pickup_codes import PickupCodes
from core.members.confirmed import NewContact, keep_contact
from core.messages.service import MessageKind
from core.ports import Parcel, SendAnswer
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.pickups import pickup_key
from tests.builders import Shop, Talker

CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}\b")


class Way(Protocol):
    """What tells somebody."""

    def tell(self, parcel: Parcel, /) -> SendAnswer | None: ...


def codes_of(config: Config, clock: Clock) -> PickupCodes:
    """The worker's mint."""
    return PickupCodes(Secret(pickup_key(config.secret(config.secrets.worker_key).reveal())), clock)


@dataclass
class AsWorker:
    """The same way, on a connection of the worker's role; the store is shop's again afterwards."""

    way: Way
    urls: dict[str, str] = field(repr=False)

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        db.connect(self.urls["worker"], size=4)
        try:
            return self.way.tell(parcel)
        finally:
            db.connect(self.urls["shop"], size=4)


def confirmed(shop: Shop, talker: Talker, *, at: datetime | None = None, **addresses: str) -> None:
    """Addresses outside the chats that a shopper has confirmed in its own chat: `email=`, `phone=`."""
    rows = shop.sql("SELECT chat_address FROM conversation WHERE id = %s", [talker.conversation_id])
    by = Side(talker.identity_id, rows[0][0])
    for kind, address in addresses.items():
        known = NewContact(talker.shopper_id, talker.merchant_id, by, kind, address)
        with atomic():
            keep_contact(known, seal_key=shop.keys.seal, now=at or datetime.now(UTC))


def parcel_of(
    talker: Talker, kind: MessageKind, *, locale: str = "zh-CN", address: str = "web:x", **body: Any
) -> Parcel:
    """A message on its way to somebody, without cards."""
    return Parcel(
        conversation_id=talker.conversation_id,
        merchant_id=talker.merchant_id,
        shopper_id=talker.shopper_id,
        identity_id=talker.identity_id,
        locale=locale,
        chat_address=address,
        kind=kind.value,
        body=body,
    )
