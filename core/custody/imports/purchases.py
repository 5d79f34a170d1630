"""Books what bought-out cards cost: the merchant's stock account pays, and each sale gives it back (INV-M7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.ledger.rules import AccountKind, TransferCode, party, source
from core.ledger.service import NewTransfer, open_account, post
from core.money import minor_from_micro


def book_purchase(*, batch: UUID, owner_id: int, terms: str, cost_micro: int, currency: str, now: datetime) -> None:
    """One transfer from the owner's stock account to where the money went, in the caller's transaction.

    `cost_micro` is the whole batch's cost in 10⁻⁶ of the major unit. Consigned cards cost nothing until they are sold.
    """
    amount = minor_from_micro(cost_micro, currency)
    if terms == "consigned" or amount == 0:
        return
    holder = party(owner_id)
    stock = open_account(kind=AccountKind.STOCK, holder=holder, counterparty=holder, currency=currency)
    world = open_account(kind=AccountKind.WORLD, holder=source("purchase"), counterparty=holder, currency=currency)
    post(transfers=[NewTransfer(stock, world, amount, currency, TransferCode.PURCHASE, batch)], now=now)
