"""The page where a wallet's top-up is paid: the checkout page without an order."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.texts import Texts, mark
from channels.web.bill import OPEN, TOP_UP, Debt, Line, Way, bill
from channels.web.checkout import BUTTON, SETTLE_WAIT, STATE_WAIT, check_of, is_pressed, until_changed
from channels.web.door import Door
from channels.web.pages import Shop
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from core.actor import SYSTEM
from core.ids import Prefix, public
from core.parties.service import access_party
from core.payments.rules import OrderNotPayable, PaymentState
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
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    topic = await door.run(topic_of, door, token)
    if not is_pressed(door, token, fields):
        raise Problem(403)
    with door.wakes.on(topic) as waiting:
        try:
            await door.run(charge, door, token)
        except OrderNotPayable:
            pass  # paid or over meanwhile: the page says which
        else:
            await until_changed(door, partial(door.run, shown_state, door, token), AWAITING, waiting.rest, SETTLE_WAIT)
    return RedirectResponse(request.url.path, 303, headers=SAFE_HEADERS)


def charge(door: Door, token: str) -> None:
    """Ask the sandbox to charge. Raises `NotFound`, `OrderNotPayable`, `NotForSale`."""
    request_sandbox_topup(keys=door.shop.order_keys, token=token, now=door.shop.clock.now())


async def state(request: Request) -> Response:
    """`{"state"}`: at once when it is another than `?state=`, else when it changes, at the latest after 20 s."""
    door: Door = request.app.state.door
    token: str = request.path_params["token"]
    known = request.query_params.get("state", "")
    topic = await door.run(topic_of, door, token)
    if door.wakes.waiting_on(topic) > 20:
        raise Problem(429, headers={"Retry-After": "10"})
    with door.wakes.on(topic) as waiting:
        look = partial(door.run, shown_state, door, token)
        now_is = await until_changed(door, look, known, waiting.rest, STATE_WAIT)
    return JSONResponse({"state": now_is}, headers=SAFE_HEADERS)


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
    shown = state_of(door, payment)
    debt = Debt(
        number=public(Prefix.PAYMENT, payment.id),
        status=shown,
        total=payment.amount,
        lines=(Line(texts.say(TOP_UP_LINE), payment.amount, 1, payment.amount),),
        placed=payment.created_at,
        deadline=payment.expires_at,
    )
    ways = []
    if shown in OPEN and payment.gateway == "sandbox" and door.sandbox_enabled:
        hidden = {"check": check_of(door, token)}
        hint = texts.say("Play money")
        ways.append(Way(texts.say("Sandbox"), hint, "credit-card", f"/topup/{token}", BUTTON, hidden))
    values = bill(
        texts,
        debt,
        now=door.shop.clock.now(),
        chat_url=f"/s/{merchant.code}",
        live_url=f"/topup/{token}/state",
        ways=ways,
        kind=TOP_UP,
    )
    return Shop(merchant.code, worded(merchant.names, texts.locale)), values
