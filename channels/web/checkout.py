"""The checkout page of one order: look, press, see what became of it. It never shows a card or who ordered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.texts import Texts
from channels.web.bill import OPEN, Debt, Line, Trouble, Way, bill
from channels.web.door import Door
from channels.web.pages import Shop
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from core.actor import SYSTEM
from core.ids import Prefix, public
from core.money import Money
from core.orders.rules import OrderStatus
from core.orders.service import OrderView, order_by_token
from core.parties.service import access_party
from core.payments.rules import OrderNotPayable
from core.payments.service import is_being_paid, offered, request_sandbox_payment
from core.titles import worded

SETTLE_WAIT = 5.0  # seconds that a press of the button waits for the money
STATE_WAIT = 20.0  # seconds that a question for the state waits for a change
BUTTON = "sandbox-pay"
PAYING = "paying"


async def page(request: Request) -> Response:
    """The page of one order, whatever state it is in. Raises `NotFound`."""
    return await drawn(request)


async def press(request: Request) -> Response:
    """The sandbox's button: the worker charges, the page waits for the money, then shows the state (303)."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    view = await door.run(order_by_token, token=token)
    if not is_pressed(door, token, fields):
        raise Problem(403)
    with door.wakes.on(f"conv:{view.conversation_id}") as waiting:
        try:
            await door.run(charge, door, token)
        except OrderNotPayable:
            pass  # paid, expired or cancelled meanwhile: the page says which
        else:
            look = partial(door.run, shown_state, token)
            await until_changed(door, look, OrderStatus.AWAITING_PAYMENT, waiting.rest, SETTLE_WAIT)
    return RedirectResponse(request.url.path, 303, headers=SAFE_HEADERS)


def charge(door: Door, token: str) -> None:
    """Ask the sandbox to charge. Raises `NotFound`, `OrderNotPayable`, `NotForSale`."""
    request_sandbox_payment(token=token, now=door.shop.clock.now())


async def state(request: Request) -> Response:
    """`{"state"}`: at once when it is another than `?state=`, else when it changes, at the latest after 20 s."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    known = request.query_params.get("state", "")
    view = await door.run(order_by_token, token=token)
    topic = f"conv:{view.conversation_id}"
    if door.wakes.waiting_on(topic) > 20:
        raise Problem(429, headers={"Retry-After": "10"})
    with door.wakes.on(topic) as waiting:
        now_is = await until_changed(door, partial(door.run, shown_state, token), known, waiting.rest, STATE_WAIT)
    return JSONResponse({"state": now_is}, headers=SAFE_HEADERS)


async def until_changed(
    door: Door, look: Callable[[], Awaitable[str]], known: str, rest: Callable[[float], Awaitable[bool]], seconds: float
) -> str:
    """The state that `look` finds once it is no longer `known`, or after so many seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        now_is = await look()
        left = end - loop.time()
        if now_is not in {known, PAYING if known == OrderStatus.AWAITING_PAYMENT else known}:
            return now_is
        if left <= 0 or door.wakes.is_closing:
            return now_is
        await rest(min(left, 5.0))


def shown_state(token: str) -> str:
    """An order's status, or `paying` while a gateway is being asked."""
    return state_of(order_by_token(token=token))


def state_of(view: OrderView) -> str:
    """The state that the page shows."""
    if view.status is OrderStatus.AWAITING_PAYMENT and is_being_paid(order_id=view.id):
        return PAYING
    return view.status.value


async def drawn(request: Request, *, trouble: Trouble | None = None) -> Response:
    """The page, with what went wrong if something did."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    texts = door.pages.language(request)
    shop, values = await door.run(bill_of, door, token, texts, trouble)
    return door.pages.draw(request, "checkout.html.jinja", shop=shop, bill=values)


def bill_of(door: Door, token: str, texts: Texts, trouble: Trouble | None) -> tuple[Shop, dict[str, object]]:
    """What the template needs of one order. Raises `NotFound`."""
    view = order_by_token(token=token)
    merchant = access_party(actor=SYSTEM, party_id=view.merchant_id)
    now = door.shop.clock.now()
    debt = debt_of(view, texts, now)
    values = bill(
        texts,
        debt,
        now=now,
        chat_url=f"/s/{merchant.code}",
        live_url=f"/pay/{token}/state",
        ways=ways_of(door, token, view, texts) if debt.status in OPEN else [],
        trouble=trouble,
    )
    return Shop(merchant.code, worded(merchant.names, texts.locale)), values


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
        lines=tuple(
            Line(
                worded(line.names, texts.locale),
                Money(line.list_price_minor, currency),
                line.quantity,
                Money(line.list_price_minor * line.quantity, currency),
            )
            for line in view.lines
        ),
        discounts=((texts.say("Discount"), Money(-off, currency)),) if off else (),
        placed=view.placed_at,
        deadline=view.deadline,
    )


def ways_of(door: Door, token: str, view: OrderView, texts: Texts) -> list[Way]:
    """The gateways that can be pressed here."""
    ways = []
    for account in offered(merchant_id=view.merchant_id, currency=view.total.currency):
        if account.gateway == "sandbox" and door.sandbox_enabled:
            ways.append(
                Way(
                    name=texts.say("Sandbox"),
                    hint=texts.say("Play money"),
                    icon="credit-card",
                    action=f"/pay/{token}",
                    button=BUTTON,
                    hidden={"check": check_of(door, token)},
                )
            )
    return ways


def is_pressed(door: Door, token: str, fields: Mapping[str, list[str]]) -> bool:
    """Whether a form comes from this page, by the check in it. Raises `Problem` 422 without the sandbox's button."""
    if BUTTON not in fields or not door.sandbox_enabled:
        raise Problem(422)
    return hmac.compare_digest(fields.get("check", [""])[0].encode(), check_of(door, token).encode())


def check_of(door: Door, token: str) -> str:
    """Proof that a form came from this order's page."""
    key = door.session_key.reveal()
    return hmac.new(key, b"keystall checkout form\x00" + token.encode(), hashlib.sha256).hexdigest()[:32]
