"""What proves money whose gateway signs nothing, and what it is worth in an order's currency.

Two seals of two processes. The *exchange seal* is made when a payment is started, with the order-seal key (web, bot,
vault): this payment asks for so much of one currency for so much of another, for this order or this shopper's wallet.
The *confirmation* is made when the worker asked the gateway itself, with a key derived from the worker's (worker,
vault): so much came for this payment. The vault opens only for both, and reads rates, amounts and orders from nowhere
else.

What an attacker gains:
- who writes the database as any role, without keys: nothing. A rate, a worth, an order or a shopper that was altered
  breaks the first seal; a payment that never came, or came for another payment or to a bot of one's own, has no second.
  Until a bill is made its price is the shop's to write, though: a listing's, and the rate of an account beside it.
- who has taken over web or the bot also has the order-seal key, so may seal a false rate, just as it may seal a false
  price into an order: sales that are too cheap, each for at least one real unit paid to the merchant, up to the opening
  budget. It cannot invent a payment. Who has the bot's token can moreover give Stars back after the cards went out.
- who has taken over the worker may confirm what never came, but cannot seal an order or an exchange.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from uuid import UUID

from core.vault.primitives import derive, framed

_EXCHANGE = "keystall exchanged payment"
_CONFIRMATION = "keystall payment confirmation"


@dataclass(frozen=True, slots=True)
class ExchangedPayment:
    """An intent whose amount is asked in another currency than what it pays for (minor units).

    The rate: `rate_minor` of `worth_currency` for `rate_units` of `currency`. Without an order it fills the wallet.
    """

    payment: UUID
    order: UUID | None
    merchant: int
    shopper: UUID
    gateway_account: int
    amount_minor: int
    currency: str
    worth_minor: int
    worth_currency: str
    rate_minor: int
    rate_units: int


def seal_exchange(seal_key: bytes, payment: ExchangedPayment) -> bytes:
    """The exchange seal (32 bytes)."""
    said = framed(
        _EXCHANGE,
        payment.payment,
        payment.order or b"",
        payment.merchant,
        payment.shopper,
        payment.gateway_account,
        payment.amount_minor,
        payment.currency,
        payment.worth_minor,
        payment.worth_currency,
        payment.rate_minor,
        payment.rate_units,
    )
    return hmac.digest(seal_key, said, "sha256")


def is_sealed(seal_key: bytes, payment: ExchangedPayment, seal: bytes) -> bool:
    """Whether a payment is the one that was sealed."""
    return hmac.compare_digest(seal_exchange(seal_key, payment), seal)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a gateway says came in: under its own number, for our payment, from whom (amount in minor units).

    `merchant` is whose account that is by what was sealed when it was connected, whatever the tables say by now.
    """

    gateway_account: int
    merchant: int
    external_id: str
    payment: UUID
    payer: str
    amount_minor: int
    currency: str


def confirmation_key(worker_key: bytes) -> bytes:
    """The key of confirmations (32 bytes); the worker and the vault can derive it, no other process."""
    return derive(worker_key, "keystall payment confirmation key", 32)


def confirm(key: bytes, confirmation: Confirmation) -> bytes:
    """The proof (32 bytes) that the worker heard this from the gateway; `key` is that of `confirmation_key`."""
    said = framed(
        _CONFIRMATION,
        confirmation.gateway_account,
        confirmation.merchant,
        confirmation.external_id,
        confirmation.payment,
        confirmation.payer,
        confirmation.amount_minor,
        confirmation.currency,
    )
    return hmac.digest(key, said, "sha256")


def is_confirmed(key: bytes, confirmation: Confirmation, proof: bytes) -> bool:
    """Whether the worker made this proof for exactly this."""
    return hmac.compare_digest(confirm(key, confirmation), proof)
