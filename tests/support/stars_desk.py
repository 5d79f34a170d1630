"""A real vault with cards, and a bot beside it whose orders are paid in Stars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from core.config import Config
from core.orders.service import PlacedOrder
from core.payments.statements import ConfirmingVault
from core.vault.client import VaultCode, VaultRefused
from tests.support.sales import Counter, a_counter
from tests.support.stars import StarsTill, a_stars_till
from tests.support.till import Till
from tests.support.vaults import desk_vault


@dataclass
class StarsDesk:
    """A vault with cards, and a bot beside it whose orders are paid in Stars."""

    counter: Counter
    stars: StarsTill

    @property
    def vault(self) -> ConfirmingVault:
        return ConfirmingVault(
            self.counter.vault.client, readers={"stars": self.stars.gateway}, clock=self.stars.till.clock
        )

    def order(self) -> PlacedOrder:
        """An order over 30.00 CNY for two cards, in the bot's chat: 215 Stars."""
        return self.counter.shop.place(self.stars.buyer, self.counter.listing, 2, now=self.stars.now)

    def begin(self, order: PlacedOrder) -> UUID:
        """Somebody has taken the order's delivery."""
        rows = self.counter.shop.sql(
            "UPDATE delivery SET state = 'sending' WHERE order_id = %s RETURNING id", [order.order_id]
        )
        return rows[0][0]

    def paid(self) -> tuple[PlacedOrder, UUID]:
        """A paid order whose delivery somebody has taken."""
        order = self.order()
        self.stars.pay(order)
        return order, self.begin(order)

    def confirmed(self) -> tuple[PlacedOrder, UUID]:
        """The same, and the worker has asked Telegram."""
        order, delivery = self.paid()
        assert self.stars.gateway.read_statement(self.stars.account.id)
        return order, delivery

    def refused(self, delivery: UUID, *, confirming: bool = False) -> VaultCode:
        """Why the vault does not open; asserts that it opened and recorded nothing."""
        before = self.counter.traces()
        with pytest.raises(VaultRefused) as refused:
            (self.vault if confirming else self.counter.vault.client).open_delivery(delivery)
        assert self.counter.traces() == before
        return refused.value.vault_code


def a_stars_desk(config: Config, sql: Callable[..., Any]) -> StarsDesk:
    """A desk whose worker key is the one that the vault knows."""
    counter = a_counter(desk_vault(config), sql)
    stars = a_stars_till(Till(counter.shop))
    stars.worker_key = config.secret(config.secrets.worker_key).reveal()
    return StarsDesk(counter, stars)
