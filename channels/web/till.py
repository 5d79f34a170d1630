"""What the pages share where something is paid: their forms, the wait for the money, the question for the state."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.texts import Texts
from channels.web.bill import Way
from channels.web.door import Door
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from core.connections.service import GatewayAccount
from core.money import Money
from core.orders.rules import OrderStatus
from core.orders.service import OrderView
from core.payments.rules import OrderNotPayable
from core.payments.service import is_being_paid, offered

SETTLE_WAIT = 5.0  # seconds that a press of the button waits for the money
STATE_WAIT = 20.0  # seconds that a question for the state waits for a change
MOST_WAITS = 20  # questions that wait on one conversation
BUTTON = "sandbox-pay"
PAYING = "paying"

Look = Callable[[], Awaitable[str]]


async def fields_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form."""
    return parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)


def check_of(door: Door, token: str) -> str:
    """Proof that a form came from the page of this token."""
    key = door.session_key.reveal()
    return hmac.new(key, b"keystall checkout form\x00" + token.encode(), hashlib.sha256).hexdigest()[:32]


def is_from_page(door: Door, token: str, fields: Mapping[str, list[str]]) -> bool:
    """Whether a form came from the page of this token."""
    return hmac.compare_digest(fields.get("check", [""])[0].encode(), check_of(door, token).encode())


def is_pressed(door: Door, token: str, fields: Mapping[str, list[str]]) -> bool:
    """The same of a form with the sandbox's button. Raises `Problem` 422 without it."""
    if BUTTON not in fields or not door.sandbox_enabled:
        raise Problem(422)
    return is_from_page(door, token, fields)


def gateways_of(door: Door, texts: Texts, *, merchant_id: int, total: Money, action: str, token: str) -> list[Way]:
    """The gateways of a merchant that can be pressed on the page of a token."""
    accounts = pressable(door, merchant_id=merchant_id, currency=total.currency)
    return [sandbox_way(door, texts, action=action, token=token) for _ in accounts]


def pressable(door: Door, *, merchant_id: int, currency: str) -> list[GatewayAccount]:
    """The gateway accounts of a merchant that a page can ask for money."""
    return [one for one in offered(merchant_id=merchant_id, currency=currency) if is_sandbox(door, one.gateway)]


def is_sandbox(door: Door, gateway: str) -> bool:
    """Whether a gateway is play money, and play money is on."""
    return gateway == "sandbox" and door.sandbox_enabled


def sandbox_way(door: Door, texts: Texts, *, action: str, token: str) -> Way:
    """Play money, pressed on the page of a token."""
    hidden = {"check": check_of(door, token)}
    return Way(texts.say("Sandbox"), texts.say("Play money"), "credit-card", action, BUTTON, hidden)


def state_of(view: OrderView) -> str:
    """An order's status as pages show it: `paying` while a gateway is being asked."""
    if view.status is OrderStatus.AWAITING_PAYMENT and is_being_paid(order_id=view.id):
        return PAYING
    return view.status.value


async def charged(door: Door, topic: str, charge: Callable[[], object], look: Look) -> None:
    """Ask for the money and wait for it a little. Raises what `charge` refuses with.

    What was paid, expired or cancelled meanwhile is no refusal: the page says which.
    """
    with door.wakes.on(topic) as waiting, suppress(OrderNotPayable):
        await door.run(charge)
        await until_changed(door, look, OrderStatus.AWAITING_PAYMENT, waiting.rest, SETTLE_WAIT)


async def followed(request: Request, topic: str, look: Look) -> JSONResponse:
    """`{"state"}`: at once when it is another than `?state=`, else when it changes, at the latest after 20 s."""
    door: Door = request.app.state.door
    known = request.query_params.get("state", "")
    if door.wakes.waiting_on(topic) > MOST_WAITS:
        raise Problem(429, headers={"Retry-After": "10"})
    with door.wakes.on(topic) as waiting:
        now_is = await until_changed(door, look, known, waiting.rest, STATE_WAIT)
    return JSONResponse({"state": now_is}, headers=SAFE_HEADERS)


async def until_changed(
    door: Door, look: Look, known: str, rest: Callable[[float], Awaitable[bool]], seconds: float
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
