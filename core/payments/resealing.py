"""Payments that were sealed with their shopper (core.vault.confirmations) follow it to another, under a new seal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.db import changed, execute
from core.secret import Secret
from core.vault.confirmations import ExchangedPayment, is_sealed, seal_exchange

EXCHANGED = """
SELECT id, order_id, merchant_id, shopper_id, gateway_account_id, amount_minor, currency, worth_minor, worth_currency,
       rate_minor, rate_units, seal
FROM payment WHERE shopper_id = %s AND seal IS NOT NULL
"""
SEAL = "UPDATE payment SET seal = %s WHERE id = %s"


def sealed_payments(*, shopper_id: UUID, seal_key: Secret) -> list[ExchangedPayment]:
    """The payments of a shopper whose seal is right: what somebody only wrote into the table is given none later."""
    rows = execute(EXCHANGED, (shopper_id,))
    return [one for one, seal in map(_payment, rows) if is_sealed(seal_key.reveal(), one, seal)]


def reseal(*, payments: Sequence[ExchangedPayment], shopper_id: UUID, seal_key: Secret) -> None:
    """Seal payments for the shopper that they belong to now."""
    for payment in payments:
        now_of = dataclasses.replace(payment, shopper=shopper_id)
        changed(SEAL, (seal_exchange(seal_key.reveal(), now_of), payment.payment))


def _payment(row: tuple[Any, ...]) -> tuple[ExchangedPayment, bytes]:
    *values, seal = row
    return ExchangedPayment(*values), bytes(seal)
