"""Fault 107: a merchant takes all it can of other people's goods, with notices of payments that nobody made.

Its gateway's key is its own, so its notices are authentic, and nobody can tell them from others. What stops it are the
limits that its suppliers set and the vault's opening budget; what it cannot do is to make anybody else pay for it.
"""

from __future__ import annotations

from core.payments.service import start_payment
from tests.simulator import keeping, shopping
from tests.simulator.day import Day, Intent, Ordered
from tests.simulator.processes import Process
from tests.simulator.town import ROGUE


def plunder(day: Day) -> None:
    """The rogue's shoppers order as much as goes, it says at once that they paid, and the cards are on their way."""
    for payer in [number for number, one in enumerate(day.shoppers) if one.session.merchant_code == ROGUE]:
        before = len(day.orders)
        shopping.place_as(day, payer, day.choice.choice([1, 2, 3]))
        for order in day.orders[before:]:
            _claim(day, order)
    for _ in range(day.choice.choice([0, 3, 6])):
        if not keeping.work(day):
            return


def _claim(day: Day, order: Ordered) -> None:
    """An authentic notice says that the whole sum was paid."""
    (account,) = day.town.accounts_of(ROGUE)
    order_id, now = order.placed.order_id, day.clock.now()
    payment = day.act(Process.WEB, lambda: start_payment(order_id=order_id, gateway_account_id=account.id, now=now))
    if payment is None:
        return
    amount = order.placed.total
    day.intents.append(Intent(len(day.intents), order.payer, account, payment, amount.minor))
    charge = day.bank.charge(
        account=account.opaque_id, payer=order.payer, payment=payment, amount=amount, is_real=False
    )
    day.note(f"the rogue says that order {order.number} was paid")
    shopping.hear(day, charge, "paid")
