"""会员: until when somebody is a member, how to join and renew, and what is said of orders that buy a membership."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.home import draw_home, not_open_yet
from bot.intents import Act, Intent
from bot.screens import Option, Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts, mark
from core.members.memberships import MembershipView, memberships_of
from core.members.periods import Unit
from core.members.plans import PlanOffer, PlanView, plans_of
from core.money import Money
from core.orders.service import OrderView

ONE = {Unit.DAY: mark("1 day"), Unit.MONTH: mark("1 month"), Unit.YEAR: mark("1 year")}
MANY = {Unit.DAY: mark("{count} days"), Unit.MONTH: mark("{count} months"), Unit.YEAR: mark("{count} years")}


def member(talk: Talk, act: Act) -> Screen:
    """What the shopper is a member of and until when, and by which goods it joins or renews."""
    plans = plans_of(merchant_id=talk.merchant_id)
    if not plans:
        return not_open_yet(talk, act)
    return draw_memberships(talk.texts, plans, memberships_of(actor=talk.actor), now=talk.now)


def is_membership(view: OrderView) -> bool:
    """Whether an order buys nothing but memberships: no card comes of it."""
    return all(line.is_plan for line in view.lines)


def period_words(texts: Texts, count: int, unit: Unit) -> str:
    """`1 month`, `7 days`."""
    return texts.say(ONE[unit]) if count == 1 else texts.say(MANY[unit], count=count)


def draw_memberships(
    texts: Texts, plans: Sequence[PlanView], own: Sequence[MembershipView], *, now: datetime
) -> Screen:
    """A line for each plan, an option for each of its goods; a plan that is neither owned nor sold is not named."""
    running = {one.plan_id: one for one in own}
    named = [plan for plan in plans if plan.id in running or plan.offers]
    if not named:
        return draw_home(texts, first=texts.say("You are not a member, and no membership is on sale right now."))
    lines = [plan_words(texts, plan, running.get(plan.id), now=now) for plan in named]
    if any(plan.offers for plan in named):
        lines.append(
            texts.say("A renewal is added to the end you see here, so no day is lost. Afterwards it begins anew.")
            if any(one.until > now for one in own)
            else texts.say("It begins as soon as you have paid.")
        )
    options = [offer_option(texts, plan, offer, running) for plan in named for offer in plan.offers]
    return Screen(ScreenKind.MENU, "\n".join(lines), (*options, home_option(texts)))


def plan_words(texts: Texts, plan: PlanView, own: MembershipView | None, *, now: datetime) -> str:
    """`小铺会员：有效期至 …`, or that it is over, or that one has never been a member."""
    name = texts.name(plan.names)
    if own is None:
        return texts.row(name, texts.say("you are not a member yet"))
    if own.until > now:
        return texts.row(name, texts.say("you are a member until {time}", time=texts.moment(own.until)))
    return texts.row(name, texts.say("ended on {time}", time=texts.moment(own.until)))


def offer_option(texts: Texts, plan: PlanView, offer: PlanOffer, own: Mapping[int, MembershipView]) -> Option:
    """`续费 1 个月 · F1 · ¥15.00`, which leads to the confirm screen like any goods."""
    period = period_words(texts, offer.count, offer.unit)
    label = mark("Renew for {period}") if plan.id in own else mark("Join for {period}")
    price = texts.price(Money(offer.price_minor, offer.currency))
    return choice(texts.beside(texts.say(label, period=period), offer.code, price), Intent.CONFIRM, code=offer.code)


def before_payment(texts: Texts) -> str:
    """What a payment of a membership brings."""
    return texts.say("As soon as you have paid, you are a member; this chat tells you until when.")


def member_option(texts: Texts) -> Option:
    """会员."""
    return choice(texts.say("My membership"), Intent.MEMBER)


def draw_given(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """A membership has begun or was extended: until when it lasts now."""
    until = texts.moment(datetime.fromisoformat(body["until"]))
    lines = (
        texts.say("Your membership is active"),
        texts.row(texts.name(body["plan"]), texts.say("you are a member until {time}", time=until)),
        texts.say("Renew whenever you like: it is added to the end."),
    )
    return Screen(ScreenKind.RECEIPT, "\n".join(lines), (member_option(texts), home_option(texts)))


def draw_taken_back(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """An order was taken back: until when the membership lasts without it, or that it is over."""
    left = texts.say("it has ended")
    if "until" in body:
        left = texts.say("you are a member until {time}", time=texts.moment(datetime.fromisoformat(body["until"])))
    lines = (
        texts.say("An order was taken back, and its time with it"),
        texts.row(texts.name(body["plan"]), left),
    )
    options = (choice(texts.say("See the order"), Intent.ORDER, order=body["order"]), member_option(texts))
    return Screen(ScreenKind.RECEIPT, "\n".join(lines), (*options, home_option(texts)))
