"""The gateway as the outside sees it: what each payer really paid and got back, and the notices that it signs.

It is no part of the store. What the store's books say is compared with what this bank knows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.money import Money
from core.ports import Outcome, RawNotice, Started
from core.vault.notices import SIGNATURE_HEADER, SandboxNotice, sign_notice

CERTAIN = (Outcome.YES,) * 6 + (Outcome.NO,) + (Outcome.UNKNOWN,) * 2


@dataclass
class Charge:
    """Money that a payer really paid: `back` is what went back of it, by the refund's own number.

    Where it is not `is_real` nobody paid anything: the merchant signs that somebody did, with its account's own key.
    """

    number: int
    account: str
    payer: int
    payment: UUID
    amount: Money
    is_real: bool = True
    back: dict[str, int] = field(default_factory=dict)

    @property
    def transaction(self) -> str:
        """The bank's own number."""
        return f"sbx_{self.number:06}"

    @property
    def kept(self) -> int:
        """What did not go back (minor units)."""
        return self.amount.minor - sum(self.back.values())


@dataclass
class Bank:
    """Both gateways' outside, by one clock; `mood` decides what is answered to a refund."""

    private_key: bytes
    clock: Callable[[], datetime]
    mood: random.Random
    charges: list[Charge] = field(default_factory=list)
    is_patient: bool = False  # at the end of a run: nothing is refused or left open any more
    _answers: dict[UUID, Outcome] = field(default_factory=dict)

    def charge(self, *, account: str, payer: int, payment: UUID, amount: Money, is_real: bool = True) -> Charge:
        """A payer pays at an account, or its merchant says so; the shop hears of it by a notice, or by asking."""
        made = Charge(len(self.charges) + 1, account, payer, payment, amount, is_real)
        self.charges.append(made)
        return made

    def give_back_unasked(self, charge: Charge) -> None:
        """The bank returns all that is left of a charge without being asked by the shop."""
        charge.back[f"outside-{charge.number}"] = charge.kept

    def notice(self, charge: Charge, *, kind: str = "paid") -> RawNotice:
        """What the bank says about a charge, signed now."""
        minor = charge.amount.minor if kind == "paid" else sum(charge.back.values())
        said = SandboxNotice(
            account=charge.account,
            transaction=charge.transaction,
            kind=kind,
            payment=str(charge.payment),
            amount_minor=minor,
            currency=charge.amount.currency,
            at=int(self.clock().timestamp()),
        )
        body, headers = sign_notice(self.private_key, said)
        return RawNotice(body, {name: headers[name] for name in ("content-type", SIGNATURE_HEADER)})

    # what the worker may ask: core.ports.Gateway

    def start(self, payment_id: UUID, amount: Money) -> Started:
        """An intent; money comes when its payer pays."""
        return Started(external_ref=f"sandbox-{payment_id.hex}", url=None)

    def query(self, payment_id: UUID) -> tuple[Outcome, RawNotice | None]:
        """YES with a notice once the payment was paid, else NO; sometimes no certain answer."""
        if not self.is_patient and self.mood.random() < 0.2:
            return Outcome.UNKNOWN, None
        paid = next((charge for charge in self.charges if charge.payment == payment_id), None)
        return (Outcome.NO, None) if paid is None else (Outcome.YES, self.notice(paid))

    def refund(self, refund_id: UUID, payment_id: UUID, external_id: str, amount: Money) -> Outcome:
        """Money back, once per `refund_id`; the answer may be lost, and a rail may refuse for good."""
        charge = next((one for one in self.charges if one.transaction == external_id), None)
        if (
            charge is None
            or not charge.is_real
            or charge.payment != payment_id
            or charge.amount.currency != amount.currency
        ):
            return Outcome.NO
        if str(refund_id) in charge.back:
            return Outcome.YES
        if refund_id in self._answers:  # it refused before, and does so for ever
            return Outcome.NO
        answer = Outcome.YES if self.is_patient else self.mood.choice(CERTAIN)
        if answer is Outcome.NO or charge.kept < amount.minor:
            self._answers[refund_id] = Outcome.NO
            return Outcome.NO
        if answer is Outcome.YES or self.mood.random() < 0.5:  # done, whether or not its answer arrives
            charge.back[str(refund_id)] = amount.minor
        return answer
