"""The screens of memberships: joining, renewing, what their orders say, and a shop that sells none now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot import buying, memberships, outbox, paying
from bot.screens import Screen
from bot.texts import Texts
from core.catalog.rules import ProductKind
from core.members.memberships import MembershipView
from core.members.periods import Unit
from core.members.plans import PlanOffer, PlanView
from core.messages.service import MessageKind
from core.money import Money
from core.orders.rules import OrderStatus
from core.orders.service import OrderView
from core.pricing.rules import quote
from tests.golden.goods import NOON, a_listing, a_message, an_order

NAMES = {"zh-CN": "小铺会员", "en": "Shop member"}
END = datetime.fromisoformat("2027-02-28T04:00:00+00:00")
GIVEN = {"plan": NAMES, "since": NOON.isoformat(), "until": END.isoformat()}
OFFERS = (PlanOffer("F1", 1500, "CNY", 1, Unit.MONTH), PlanOffer("F2", 900, "CNY", 7, Unit.DAY))
PLAN = PlanView(1, NAMES, OFFERS)
LISTING = a_listing(9, "F1", 1500, names=NAMES, kind=ProductKind.PLAN)


def joining() -> Iterator[tuple[str, Callable[[Texts], Screen]]]:
    """Everything about memberships but the refusals."""
    yield "member_not_yet", members
    yield "member_running", lambda texts: members(texts, END)
    yield "member_over", lambda texts: members(texts, NOON - timedelta(days=3))
    yield "member_not_sold", lambda texts: memberships.draw_memberships(texts, [replace(PLAN, offers=())], [], now=NOON)
    yield "member_confirm", confirm
    yield "member_pay", lambda texts: paying.draw_pay(texts, bought(), balance=Money(0, "CNY"), now=NOON)
    for status in (OrderStatus.PAID, OrderStatus.DELIVERED):
        yield f"member_receipt_{status.value}", lambda texts, s=status: paying.draw_receipt(texts, bought(s))
    yield "member_told_paid", lambda texts: told(texts, MessageKind.PAID, OrderStatus.PAID)
    over = a_message(MessageKind.MEMBERSHIP_TAKEN_BACK, plan=NAMES).body
    yield "member_told_taken_back_over", lambda texts: memberships.draw_taken_back(texts, over)
    yield "member_told_expired", lambda texts: told(texts, MessageKind.ORDER_EXPIRED, OrderStatus.EXPIRED)


def members(texts: Texts, until: datetime | None = None) -> Screen:
    """The plan of a shopper who is a member until then, or has never been one."""
    own = [] if until is None else [MembershipView(1, NAMES, NOON - timedelta(days=31), until)]
    return memberships.draw_memberships(texts, [PLAN], own, now=NOON)


def confirm(texts: Texts) -> Screen:
    """One month, to be confirmed."""
    priced = quote(list_price_minor=1500, quantity=1)
    return buying.draw_confirm(texts, buying.Offer(LISTING, priced, timedelta(minutes=15), period=(1, Unit.MONTH)))


def bought(status: OrderStatus = OrderStatus.AWAITING_PAYMENT) -> OrderView:
    """One month of it."""
    view = an_order(status, total=Money(1500, "CNY"))
    line = replace(view.lines[0], code="F1", names=NAMES, quantity=1, total_minor=1500, is_plan=True)
    return replace(view, lines=(line,))


def told(texts: Texts, kind: MessageKind, status: OrderStatus) -> Screen:
    """What comes unasked about such an order."""
    return outbox.render(texts, a_message(kind), outbox.Background(bought(status)))
