"""The checkout page of one order: look, press, see what became of it. It never shows a card or who ordered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.memberships import is_membership
from bot.texts import Texts
from channels.web import asking
from channels.web.bill import OPEN, ORDER, Debt, Line, bill
from channels.web.door import Door
from channels.web.membership import MEMBERSHIP
from channels.web.pages import Shop
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.till import charged, fields_of, followed, gateways_of, is_from_page, is_pressed, state_of
from core.actor import SYSTEM
from core.errors import Refusal
from core.ids import Prefix, public
from core.money import Money
from core.orders.rules import OrderStatus
from core.orders.service import OrderView, order_by_token
from core.parties.service import access_party
from core.payments.service import request_sandbox_payment
from core.titles import worded


async def page(request: Request) -> Response:
    """The page of one order, whatever state it is in. Raises `NotFound`."""
    door: Door = request.app.state.door
    texts = door.pages.language(request)
    shop, values = await door.run(bill_of, door, request.path_params["token"], texts)
    return door.pages.draw(request, "checkout.html.jinja", shop=shop, bill=values)


async def press(request: Request) -> Response:
    """The sandbox's button: the worker charges, the page waits for the money, then shows the state (303)."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    fields = await fields_of(request)
    view = await door.run(order_by_token, token=token)
    if asking.BUTTON in fields:
        return await told(request, door, token, view, fields)
    if not is_pressed(door, token, fields):
        raise Problem(403)
    topic, look = f"conv:{view.conversation_id}", partial(door.run, shown_state, token)
    await charged(door, topic, partial(charge, door, token), look)
    return RedirectResponse(request.url.path, 303, headers=SAFE_HEADERS)


async def told(request: Request, door: Door, token: str, view: OrderView, fields: Mapping[str, list[str]]) -> Response:
    """What the buyer tells for a top-up: kept and sealed, then the page anew; a slip of the pen is said there (422)."""
    if not is_from_page(door, token, fields):
        raise Problem(403)
    texts = door.pages.language(request)
    try:
        await door.run(asking.give, door, view, fields)
    except Refusal as refusal:
        shop, values = await door.run(bill_of, door, token, texts)
        values["trouble"] = asking.trouble_of(refusal, texts)
        return door.pages.draw(request, "checkout.html.jinja", status=refusal.http, shop=shop, bill=values)
    return RedirectResponse(request.url.path, 303, headers=SAFE_HEADERS)


def charge(door: Door, token: str) -> None:
    """Ask the sandbox to charge. Raises `NotFound`, `OrderNotPayable`, `NotForSale`."""
    request_sandbox_payment(token=token, now=door.shop.clock.now())


async def state(request: Request) -> Response:
    """`{"state"}`, when it changes. Raises `NotFound`."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    view = await door.run(order_by_token, token=token)
    return await followed(request, f"conv:{view.conversation_id}", partial(door.run, shown_state, token))


def shown_state(token: str) -> str:
    """An order's status, or `paying` while a gateway is being asked."""
    return state_of(order_by_token(token=token))


def bill_of(door: Door, token: str, texts: Texts) -> tuple[Shop, dict[str, object]]:
    """What the template needs of one order. Raises `NotFound`."""
    view = order_by_token(token=token)
    merchant = access_party(actor=SYSTEM, party_id=view.merchant_id)
    now = door.shop.clock.now()
    debt = debt_of(view, texts, now)
    ways = []
    if debt.status in OPEN:
        ways = gateways_of(
            door, texts, merchant_id=view.merchant_id, total=view.total, action=f"/pay/{token}", token=token
        )
    live_url = f"/pay/{token}/state"
    kind = MEMBERSHIP if is_membership(view) else ORDER
    values = bill(texts, debt, now=now, chat_url=f"/s/{merchant.code}", live_url=live_url, ways=ways, kind=kind)
    values |= asking.asked(door, token, view, texts)
    return Shop(merchant.code, worded(merchant.names, texts.locale)), values


def lines_of(view: OrderView, texts: Texts) -> tuple[Line, ...]:
    """One line for all of the same goods: what a supplier brings has a line of its own for each card."""
    counts: dict[tuple[int, str, int], int] = {}
    for line in view.lines:
        goods = line.listing_id, worded(line.names, texts.locale), line.list_price_minor
        counts[goods] = counts.get(goods, 0) + line.quantity
    currency = view.total.currency
    return tuple(
        Line(name, Money(price, currency), count, Money(price * count, currency))
        for (_, name, price), count in counts.items()
    )


def debt_of(view: OrderView, texts: Texts, now: datetime) -> Debt:
    """An order in the form of a bill; past its deadline it is shown as expired before any sweep has come by."""
    status = state_of(view)
    currency = view.total.currency
    full = sum(line.list_price_minor * line.quantity for line in view.lines)
    off = full - view.total.minor
    return Debt(
        number=public(Prefix.ORDER, view.id),
        status=OrderStatus.EXPIRED.value if status == OrderStatus.AWAITING_PAYMENT and now >= view.deadline else status,
        total=view.total,
        lines=lines_of(view, texts),
        discounts=((texts.say("Discount"), Money(-off, currency)),) if off else (),
        placed=view.placed_at,
        deadline=view.deadline,
    )
