"""The rules of the books on plain numbers: kinds of accounts, reasons of transfers, how amounts are divided.

An account's balance is the sum of its credits less the sum of its debits: what the holder may claim is positive, what
came from outside makes the `world` account negative (books.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class AccountKind(StrEnum):
    """What an account counts. Only bounded kinds store a balance; the others are summed from transfers."""

    WALLET = "wallet"  # a shopper's money, a debt of the merchant that collected it
    WALLET_HOLD = "wallet_hold"  # wallet money set aside for an order
    WORLD = "world"  # everything outside, by source: minus what came in
    CLEARING = "clearing"  # events of one gateway account that are not yet reconciled
    PENDING = "pending"  # a party's share of sales, not yet released
    AVAILABLE = "available"  # the part of it that can be paid out: its time is over and a gateway has settled for it
    IN_TRANSIT = "in_transit"  # what approved payouts are bringing to a party's bank
    OWED = "owed"  # what refunds took of a party beyond its money: below 0, repaid by later sales first
    FEE = "fee"  # the platform's fee
    STOCK = "stock"  # what a merchant's own cards cost it and have not yet been sold for
    SUSPENSE = "suspense"  # authentic money whose place is not yet decided
    TRADE = "trade"  # what a buyer prepaid its seller less what it bought: bounded by the credit limit
    TRADE_SALES = "trade_sales"  # what a seller sold through trade accounts: its own
    EXCHANGE = "exchange"  # where two currencies meet: what its bearer took in of one and gave out of another


BOUNDED = frozenset(
    {
        AccountKind.WALLET,
        AccountKind.WALLET_HOLD,
        AccountKind.TRADE,
        AccountKind.AVAILABLE,
        AccountKind.IN_TRANSIT,
    }
)
"""Kinds that never go below their floor, whatever the order of operations (INV-M4)."""


class TransferCode(StrEnum):
    """Why money moved; `reference` names the order, event, refund or batch it moved for."""

    SALE = "sale"  # a line's share: clearing or held wallet money to a party
    TO_SUSPENSE = "to_suspense"  # authentic money that nothing was waiting for
    FROM_SUSPENSE = "from_suspense"  # suspense money that found its order or wallet
    TOP_UP = "top_up"  # a shopper filled the wallet through a gateway
    HOLD = "hold"  # wallet money set aside for an order
    EXCHANGED = "exchanged"  # money in another currency goes to its bearer, who pays what it is worth
    POOLED = "pooled"  # the gateway's part of a mixed payment joins the held part
    RELEASE = "release"  # held wallet money goes back
    REFUND = "refund"  # money goes back to where it came from
    REFUNDED_OUTSIDE = "refunded_outside"  # the gateway paid money back without being asked by us
    MERGED = "merged"  # two shoppers became one: the younger's wallet moves into the older's, once
    TRADE_TOP_UP = "trade_top_up"  # money that a creditor says its debtor paid it
    TRADED = "traded"  # a hop of a paid line, through the trade account of the two
    TRADE_KEPT = "trade_kept"  # a share that a trade account paid: the seller keeps the shopper's money for it
    TRADE_RETURNED = "trade_returned"  # a hop of a refunded line goes back
    MATURED = "matured"  # a share's time is over: from pending to available
    TAKEN_BACK = "taken_back"  # refunds were more than what is pending: from available, then owed
    REPAID = "repaid"  # a later sale pays what a party owes
    PAYOUT_APPROVED = "payout_approved"  # money is on its way to a party's bank
    PAID_OUT = "paid_out"  # the bank confirmed it: the money is outside
    PAYOUT_BACK = "payout_back"  # the bank certainly did not pay: it is available again
    RECONCILED = "reconciled"  # the outside confirms what an event said
    PURCHASE = "purchase"  # owned cards come into stock at their cost
    REVERSAL = "reversal"  # a wrong transfer, mirrored whole


def split(amount: int, over: Sequence[int]) -> list[int]:
    """Divide `amount` by largest remainder over what is still with each party, never above it; ties by position.

    `over` are minor units, together at least `amount`; a part may be negative (a sale below cost). The parts add up to
    `amount` exactly, and refunds that add up to the total give every party's share back exactly (books.md, "Split and
    refund"). Raises ValueError for an amount that is negative or above the total.
    """
    total = sum(over)
    if not 0 <= amount <= total:
        raise ValueError(f"cannot divide {amount} over {total}")
    if total == 0:
        return [0] * len(over)
    parts = [amount * share // total for share in over]
    remainders = [amount * share % total for share in over]
    order = sorted(range(len(over)), key=lambda position: (-remainders[position], position))
    for position in order[: amount - sum(parts)]:
        parts[position] += 1
    return parts


def party(party_id: int) -> str:
    """The holder or debtor text of a party."""
    return f"party:{party_id}"


def shopper(shopper_id: object) -> str:
    """The holder text of a shopper."""
    return f"shopper:{shopper_id}"


def gateway(gateway_account_id: int) -> str:
    """The holder text of a gateway account."""
    return f"gateway:{gateway_account_id}"


def source(name: str) -> str:
    """The holder text of a place outside: `source:sandbox`, `source:purchase`."""
    return f"source:{name}"
