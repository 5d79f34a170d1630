"""What shoppers and the outside do: order, pay in every way, choose, read again; and what forgers try."""

from __future__ import annotations

from core.fulfilment.service import request_reread
from core.money import Money
from core.orders.service import WantedLine, cancel_order, place_order
from core.payments.service import (
    choose_exchange,
    choose_refund,
    hold_wallet_part,
    pay_from_wallet,
    receive_notice,
    settle_free,
    start_payment,
    start_topup,
    undecided,
)
from core.ports import RawNotice
from tests.simulator.bank import Charge
from tests.simulator.day import Day, Intent, Ordered, Wanted
from tests.simulator.judge import found
from tests.simulator.processes import Process
from tests.simulator.tasks import tell_for
from tests.simulator.town import BY_HAND, ROGUE


def place(day: Day) -> None:
    """A shopper orders; whoever hears nothing may ask again later, under the same submission id."""
    place_as(day, day.choice.randrange(len(day.shoppers)), day.choice.choice([1, 1, 1, 2, 3]))


def place_as(day: Day, payer: int, quantity: int, *, sku: str = "") -> None:
    """This shopper orders something of its merchant's, or this."""
    merchant = day.session(payer).merchant_code
    sold = [number for number, one in enumerate(day.town.listings) if one[0] == merchant and sku in one[1]]
    listing = day.choice.choice(sold)
    wish = Wanted(payer, listing, quantity, day.a_submission())
    day.wishes.append(wish)
    day.note(f"shopper {payer} orders {quantity} of {day.town.listings[listing][1]}")
    _ask(day, wish)


def ask_again(day: Day) -> None:
    """An order that was asked for before is asked for again: one order, whatever became of the first time."""
    wish = day.pick(day.wishes)
    if wish is not None:
        day.note(f"shopper {wish.payer} asks again")
        _ask(day, wish)


def _ask(day: Day, wish: Wanted) -> None:
    session, (_, _, listing, _) = day.session(wish.payer), day.town.listings[wish.listing]
    placed = day.act(
        Process.WEB,
        lambda: place_order(
            actor=session.actor,
            conversation_id=session.conversation_id,
            lines=[WantedLine(listing, wish.quantity)],
            submission_id=wish.submission,
            network=session.network,
            policy=day.policy,
            keys=day.keys,
            now=day.clock.now(),
        ),
    )
    if placed is not None and placed.order_id not in {one.placed.order_id for one in day.orders}:
        sku = day.town.listings[wish.listing][1]
        day.orders.append(Ordered(len(day.orders), wish.payer, sku, placed))
        day.note(f"order {len(day.orders) - 1}")


def cancel(day: Day) -> None:
    """A shopper gives an order up."""
    order = day.pick(day.orders)
    if order is not None:
        day.note(f"order {order.number} is cancelled")
        actor = day.session(order.payer).actor
        day.act(
            Process.WEB,
            lambda: cancel_order(actor=actor, order_id=order.placed.order_id, now=day.clock.now()),
        )


def buy(day: Day) -> None:
    """A shopper orders and goes to pay at once, as most do."""
    before = len(day.orders)
    place(day)
    _pay_for(day, before)


def buy_by_hand(day: Day) -> None:
    """A shopper orders what a person tops up."""
    before = len(day.orders)
    payer = day.choice.choice([number for number, one in enumerate(day.shoppers) if one.session.merchant_code == "m1"])
    place_as(day, payer, 1, sku=BY_HAND.sku)
    _pay_for(day, before)


def _pay_for(day: Day, before: int) -> None:
    """Go to pay for the orders since then."""
    for order in day.orders[before:]:
        if order.sku == BY_HAND.sku and day.choice.random() < 0.8:
            tell_for(day, order)
        go_to_pay(day, order)


def pay(day: Day) -> None:
    """A shopper goes to pay at one of the merchant's accounts, and mostly does."""
    order = day.pick(day.orders)
    if order is not None:
        go_to_pay(day, order)


def go_to_pay(day: Day, order: Ordered) -> None:
    """The shopper of this order goes to the gateway."""
    account = day.choice.choice(day.town.accounts_of(day.session(order.payer).merchant_code))
    day.note(f"order {order.number} goes to account {day.town.accounts.index(account)}")
    if order.placed.total.minor == 0:
        day.act(Process.WEB, lambda: settle_free(order_id=order.placed.order_id, now=day.clock.now()))
        return
    payment = day.act(
        Process.WEB,
        lambda: start_payment(order_id=order.placed.order_id, gateway_account_id=account.id, now=day.clock.now()),
    )
    if payment is not None:
        intent = Intent(len(day.intents), order.payer, account, payment, day.amount_of(payment))
        day.intents.append(intent)
        if day.choice.random() < 0.7:
            money_moves(day, intent)


def pay_at_the_bank(day: Day) -> None:
    """A payment that was begun some time ago is paid, perhaps for the second time, perhaps after its deadline."""
    intent = day.pick(day.intents)
    if intent is not None:
        money_moves(day, intent)


def top_up(day: Day) -> None:
    """A shopper fills the wallet."""
    payer = day.choice.randrange(len(day.shoppers))
    session, minor = day.session(payer), day.choice.choice([1, 700, 2500, 5000])
    account = day.choice.choice(day.town.accounts_of(session.merchant_code))
    day.note(f"shopper {payer} tops up {minor}")
    payment = day.act(
        Process.WEB,
        lambda: start_topup(
            actor=session.actor,
            gateway_account_id=account.id,
            amount=Money(minor, "CNY"),
            now=day.clock.now(),
        ),
    )
    if payment is not None:
        intent = Intent(len(day.intents), payer, account, payment, minor)
        day.intents.append(intent)
        money_moves(day, intent)


def money_moves(day: Day, intent: Intent) -> None:
    """The payer pays at the bank: the sum asked for, or a fen more or less, or the same number in dollars."""
    off_by = day.choice.choice([0] * 12 + [-1, 1, 900])
    currency = "USD" if day.choice.random() < 0.04 else "CNY"
    amount = Money(max(1, intent.minor + off_by), currency)
    is_real = intent.account.merchant != ROGUE
    charge = day.bank.charge(
        account=intent.account.opaque_id,
        payer=intent.payer,
        payment=intent.payment,
        amount=amount,
        is_real=is_real,
    )
    day.note(f"payment {intent.number}: {amount.minor} {currency} is charge {charge.number}")
    if is_real and day.choice.random() < 0.06:
        day.bank.give_back_unasked(charge)
        day.unheard.append((charge, "refunded"))
        day.note("given back at once")
    day.unheard.append((charge, "paid"))
    if day.choice.random() < 0.6:
        hear(day, *day.unheard.pop())


def a_notice_comes(day: Day) -> None:
    """The bank's word arrives: late, in another order, or once more."""
    again = day.heard and (not day.unheard or day.choice.random() < 0.2)
    if again:
        hear(day, *day.pick(day.heard), double=True)
    elif day.unheard:
        hear(day, *day.unheard.pop(day.choice.randrange(len(day.unheard))))


def hear(day: Day, charge: Charge, kind: str, *, double: bool = False) -> None:
    """The web process hears a notice; the bank says it again until it is answered 200."""
    raw = day.bank.notice(charge, kind=kind)
    day.note(f"{kind} notice of charge {charge.number}{' once more' if double else ''}")
    answered = receive(day, charge.account, raw)
    if answered == 200:
        day.late = day.orders_with_late_money()
        day.heard.append((charge, kind))
        day.old_notices.append((charge, raw))
    else:
        found(answered is None, f"an authentic notice was answered {answered}")
        day.unheard.append((charge, kind))


def receive(day: Day, account: str, raw: RawNotice) -> int | None:
    """A notice arrives at an account's address: the status that was answered; None where nobody answered."""
    answer = day.act(
        Process.WEB,
        lambda: receive_notice(
            gateway="sandbox",
            opaque_id=account,
            raw=raw,
            verifiers=day.verifiers,
            counter=day.counter,
            policy=day.policy,
            now=day.clock.now(),
        ),
    )
    return answer.status if answer is not None else None


def pay_by_wallet(day: Day) -> None:
    """A shopper pays an order from the wallet."""
    order = day.pick(day.orders)
    if order is not None:
        day.note(f"order {order.number} is paid from the wallet")
        submission = day.a_submission()
        actor = day.session(order.payer).actor
        day.act(
            Process.WEB,
            lambda: pay_from_wallet(
                actor=actor, order_id=order.placed.order_id, submission_id=submission, now=day.clock.now()
            ),
        )


def set_aside(day: Day) -> None:
    """A shopper pays a part from the wallet; the bank is asked for the rest."""
    order, minor = day.pick(day.orders), day.choice.choice([1, 300, 999])
    if order is not None:
        day.note(f"{minor} of the wallet for order {order.number}")
        actor, amount = day.session(order.payer).actor, Money(minor, "CNY")
        day.act(
            Process.WEB,
            lambda: hold_wallet_part(actor=actor, order_id=order.placed.order_id, amount=amount, now=day.clock.now()),
        )


def choose(day: Day) -> None:
    """A shopper whose money came too late takes it back, or other goods."""
    order = day.choice.choice(day.late)
    actor, placed = day.session(order.payer).actor, order.placed
    waiting = day.act(Process.WEB, lambda: undecided(actor=actor, order_id=placed.order_id))
    for event, _ in waiting or ():
        way = day.choice.choice([choose_refund, choose_exchange])
        day.note(f"order {order.number}: {way.__name__}")
        day.act(Process.WEB, lambda way=way, event=event: way(actor=actor, event_id=event, now=day.clock.now()))


def read_again(day: Day) -> None:
    """取卡: a shopper asks for the cards of an order once more, in whichever chat of the same merchant."""
    order = day.pick(day.orders)
    if order is None:
        return
    asks = order.payer if day.choice.random() < 0.6 else day.choice.choice(day.neighbours(order.payer))
    session, submission = day.session(asks), day.a_submission()
    day.note(f"shopper {asks} asks again for the cards of order {order.number}")
    day.act(
        Process.WEB,
        lambda: request_reread(
            actor=session.actor,
            conversation_id=session.conversation_id,
            order_id=order.placed.order_id,
            submission_id=submission,
            now=day.clock.now(),
        ),
    )
