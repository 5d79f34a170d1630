"""Cards on a follower's own page: asked for by a press, sealed by the vault to the page's key, relayed unread.

Web sees ciphertext only; the page's script opens it (`static/js/seal.js`) and keeps it nowhere.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.texts import Texts
from channels.web.door import Door
from channels.web.linked.looks import OWN, SHOWS_CARDS
from channels.web.linked.orders import name_of
from channels.web.linked.visits import Visit
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.till import MOST_WAITS, state_of
from core.conversations.readers import PageReader, open_page_reader
from core.errors import NotFound, Refusal
from core.fulfilment.service import NothingDelivered, request_reread
from core.ids import Prefix, public
from core.messages.service import MessageKind, StoredMessage, messages_after, sealed_answers
from core.orders.rules import DeliveryState, OrderStatus
from core.orders.service import OrderView, order_view

WAIT = 15.0  # seconds that a question for cards waits for them


@dataclass(frozen=True, slots=True)
class Found:
    """What there is for a reader now: messages of the order with what was sealed to it, and what is still to come."""

    reader: PageReader
    sealed: dict[str, tuple[StoredMessage, bytes]]  # by delivery, the newest
    is_complete: bool
    is_delayed: bool


async def read(request: Request, visit: Visit, view: OrderView, texts: Texts) -> Response:
    """The cards of an order, sealed to the key in the request, as soon as there are any; at the latest after 15 s.

    `{"reader", "cards": [{"delivery", "name", "sealed"}], "complete", "delayed", "state", "state_text"}`. Asked again
    with the same key it asks the vault for nothing twice. Raises `Problem` 422, 429.
    """
    door: Door = request.app.state.door
    point = point_of(await request.body())
    if door.wakes.waiting_on(visit.topic) > MOST_WAITS:
        raise Problem(429, headers={"Retry-After": "10"})
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT
    with door.wakes.on(visit.topic) as waiting:
        while True:
            found = await door.run(look, door, visit, view, point)
            left = end - loop.time()
            if found.is_complete or found.is_delayed or left <= 0 or door.wakes.is_closing:
                return JSONResponse(await door.run(answer, visit, view, found, texts), headers=SAFE_HEADERS)
            await waiting.rest(min(left, 5.0))


def point_of(body: bytes) -> bytes:
    """The page's public key in a request. Raises `Problem` 422."""
    try:
        return base64.b64decode(json.loads(body)["key"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Problem(422) from None


def look(door: Door, visit: Visit, view: OrderView, point: bytes) -> Found:
    """What was sealed to this page so far; what was delivered before it opened is asked for, once a delivery.

    Raises `Invalid`, `TooManyReaders`, `NotFound` where the page's time is over, `RereadLimit`.
    """
    now = door.shop.clock.now()
    key = door.shop.order_keys.seal
    reader = open_page_reader(seal_key=key, conversation_id=visit.chat.id, point=point, now=now)
    view = fresh(visit, view)
    found = sealed_to(visit, view, reader)
    delivered = {str(line.delivery_id) for line in view.lines if line.delivery_state is DeliveryState.DELIVERED}
    if missing := delivered - set(found.sealed):
        try:
            request_reread(
                actor=visit.actor,
                conversation_id=visit.chat.id,
                order_id=view.id,
                submission_id=f"page:{reader.id}:{len(delivered)}:{len(missing)}",
                now=now,
            )
        except NothingDelivered:
            raise NotFound("cards") from None
    return found


def fresh(visit: Visit, view: OrderView) -> OrderView:
    """The order as it is now."""
    return order_view(actor=visit.actor, order_id=view.id)


def sealed_to(visit: Visit, view: OrderView, reader: PageReader) -> Found:
    """The answers of an order that its reader can open, and whether all of its lines are among them."""
    named = public(Prefix.ORDER, view.id)
    told = messages_after(conversation_id=visit.chat.id, after=reader.start_seq)
    mine = [message for message in told if message.body.get("order") == named]
    cards = [message for message in mine if message.kind is MessageKind.CARDS]
    answers = sealed_answers(message_ids=[message.id for message in cards], session_id=reader.id)
    sealed = {
        str(message.body["delivery"]): (message, answers[message.id]) for message in cards if message.id in answers
    }
    is_late = any(message.kind is MessageKind.DELIVERY_DELAYED for message in mine)
    is_complete = view.status is OrderStatus.DELIVERED and len(sealed) == len(view.lines)
    return Found(reader, sealed, is_complete, is_late)


def answer(visit: Visit, view: OrderView, found: Found, texts: Texts) -> dict[str, Any]:
    """The same for the page's script."""
    now_is = fresh(visit, view)
    state = state_of(now_is)
    return {
        "reader": str(found.reader.id),
        "cards": [
            {
                "delivery": delivery,
                "name": name_of(now_is, message.body, texts),
                "sealed": base64.b64encode(sealed).decode(),
            }
            for delivery, (message, sealed) in found.sealed.items()
        ],
        "complete": found.is_complete,
        "delayed": found.is_delayed,
        "state": state,
        "state_text": texts.say(OWN.looks[state].state),
    }


def may_read(visit: Visit, view: OrderView) -> bool:
    """Whether cards of an order can be read here: bought in this chat, and paid."""
    return view.conversation_id == visit.chat.id and state_of(view) in SHOWS_CARDS


def refused(refusal: Refusal, text: str, error: str) -> Response:
    """A refusal for the page's script, in words."""
    return JSONResponse({"trouble": text, "error_id": error}, refusal.http, headers=SAFE_HEADERS)
