"""Where two currencies meet: two balanced sets of transfers, joined by the exchange accounts of who bears the rate."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.money import Money
from core.payments.desk import exchange_account


@dataclass(frozen=True, slots=True)
class Incoming:
    """Money at one account (clearing or suspense) of a merchant's gateway, and what it pays: `worth`, maybe in another
    currency."""

    account_id: int
    money: Money
    worth: Money
    merchant_id: int

    def paying_account(self) -> int:
        """The account from which its worth is paid: its own, or the merchant's exchange account of that currency."""
        if self.money.currency == self.worth.currency:
            return self.account_id
        return exchange_account(self.merchant_id, self.worth.currency)

    def taken_in(self, reference: UUID) -> list[ledger.NewTransfer]:
        """What has to be posted beside: the money goes to the merchant's exchange account. Nothing in one currency."""
        if self.money.currency == self.worth.currency:
            return []
        into = exchange_account(self.merchant_id, self.money.currency)
        currency, code = self.money.currency, TransferCode.EXCHANGED
        return [ledger.NewTransfer(self.account_id, into, self.money.minor, currency, code, reference)]

    def paid_into(self, account_id: int, code: TransferCode, reference: UUID) -> list[ledger.NewTransfer]:
        """All transfers that bring its worth to an account; a part that is worth less than a minor unit brings none."""
        worth = self.worth
        paid = [ledger.NewTransfer(self.paying_account(), account_id, worth.minor, worth.currency, code, reference)]
        return self.taken_in(reference) + (paid if worth.minor else [])
