"""The page where a wallet's top-up is paid: the checkout page without an order."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.texts import Texts, mark
from channels.web.bill import OPEN, TOP_UP, Debt, Line, bill
from channels.web.door import Door
from channels.web.pages import Shop
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.till import charged, fields_of, followed, is_pressed, is_sandbox, sandbox_way
from core.actor import SYSTEM
from core.ids import Prefix, public
from core.parties.service import access_party
from core.payments.rules import PaymentState
from core.payments.service import PaymentView, conversation_of, request_sandbox_topup, topup_by_token
from core.titles import worded

AWAITING, TOPPED_UP = "awaiting_payment", "topped_up"

SHOWN = {
    PaymentState.CREATED: AWAITING,
    PaymentState.PENDING: AWAITING,
    PaymentState.SUCCEEDED: TOPPED_UP,
    PaymentState.PART_REFUNDED: TOPPED_UP,
    PaymentState.REFUNDED: "refunded",
    PaymentState.REVIEW: "in_review",
    PaymentState.EXPIRED: "expired",
    PaymentState.FAILED: "expired",
}
"""What the page says of each state of a payment."""

TOP_UP_LINE = mark("Wallet top-up")


async def page(request: Request) -> Response:
    """The page of one top-up, whatever state it is in. Raises `NotFound`."""
    door: Door = request.app.state.door
    texts = door.pages.language(request)
    shop, values = await door.run(bill_of, door, request.path_params["token"], texts)
    return door.pages.draw(request, "checkout.html.jinja", shop=shop, bill=values)


async def press(request: Request) -> Response:
    """The sandbox's button: the worker charges, the page waits for the money, then shows the state (303)."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    fields = await fields_of(request)
    topic = await door.run(topic_of, door, token)
    if not is_pressed(door, token, fields):
        raise Problem(403)
    await charged(door, topic, partial(charge, door, token), partial(door.run, shown_state, door, token))
    return RedirectResponse(request.url.path, 303, headers=SAFE_HEADERS)


def charge(door: Door, token: str) -> None:
    """Ask the sandbox to charge. Raises `NotFound`, `OrderNotPayable`, `NotForSale`."""
    request_sandbox_topup(keys=door.shop.order_keys, token=token, now=door.shop.clock.now())


async def state(request: Request) -> Response:
    """`{"state"}`, when it changes. Raises `NotFound`."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    topic = await door.run(topic_of, door, token)
    return await followed(request, topic, partial(door.run, shown_state, door, token))


def topic_of(door: Door, token: str) -> str:
    """What wakes who waits for this top-up. Raises `NotFound`."""
    payment = topup_by_token(keys=door.shop.order_keys, token=token)
    return f"conv:{conversation_of(payment) or payment.id}"


def shown_state(door: Door, token: str) -> str:
    """The state that the page shows."""
    return state_of(door, topup_by_token(keys=door.shop.order_keys, token=token))


def state_of(door: Door, payment: PaymentView) -> str:
    """A top-up's state; past its time it is shown as expired before the gateway was asked again."""
    shown = SHOWN[payment.state]
    return "expired" if shown == AWAITING and door.shop.clock.now() >= payment.expires_at else shown


def bill_of(door: Door, token: str, texts: Texts) -> tuple[Shop, dict[str, object]]:
    """What the template needs of one top-up. Raises `NotFound`."""
    payment = topup_by_token(keys=door.shop.order_keys, token=token)
    merchant = access_party(actor=SYSTEM, party_id=payment.merchant_id)
    values = values_of(door, payment, texts, page_url=f"/topup/{token}", token=token, chat_url=f"/s/{merchant.code}")
    return Shop(merchant.code, worded(merchant.names, texts.locale)), values


def values_of(
    door: Door, payment: PaymentView, texts: Texts, *, page_url: str, token: str, chat_url: str
) -> dict[str, object]:
    """A top-up as the template of bills shows it on the page of a token."""
    shown = state_of(door, payment)
    debt = Debt(
        number=public(Prefix.PAYMENT, payment.id),
        status=shown,
        total=payment.amount,
        lines=(Line(texts.say(TOP_UP_LINE), payment.amount, 1, payment.amount),),
        placed=payment.created_at,
        deadline=payment.expires_at,
    )
    is_open = shown in OPEN and is_sandbox(door, payment.gateway)
    ways = [sandbox_way(door, texts, action=page_url, token=token)] if is_open else []
    live_url, now = f"{page_url}/state", door.shop.clock.now()
    return bill(texts, debt, now=now, chat_url=chat_url, live_url=live_url, ways=ways, kind=TOP_UP)
