"""The addresses of a chat's page: look, press, follow, read cards, and which phone it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.pages import PageKind
from bot.refusals import refuse
from bot.texts import Texts
from channels.web.bill import Trouble
from channels.web.door import Door
from channels.web.linked import cards as reading
from channels.web.linked import orders, placing, wallets
from channels.web.linked.browsers import claimed, keep_browser
from channels.web.linked.logins import asks_platform, gate
from channels.web.linked.visits import (
    OTHER_BROWSER,
    OVER,
    Visit,
    ios_page,
    is_at_home,
    is_ios,
    language_of,
    say,
    visit_of,
)
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.till import BUTTON, charged, fields_of, followed, is_from_page
from core.catalog.rules import UnknownListing
from core.conversations.devices import remember_device
from core.errors import NotFound, Refusal
from core.orders.service import OrderView
from core.payments.service import PaymentView

UNPLACED = "unplaced"
Fields = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A visit that may go on, and the order or payment that it is about now."""

    visit: Visit
    about: OrderView | PaymentView | None


async def opened(request: Request) -> Opened | Response:
    """Who may see what; or the page for who may not."""
    door: Door = request.app.state.door
    try:
        visit = await door.run(visit_of, door, request.path_params["token"])
        if not is_at_home(request, door, visit):
            raise NotFound("page")
        if visit.keeps_from_ios() and is_ios(request):
            return ios_page(request, door, visit)
        stopped = await gate(request, door, visit)
        return stopped or Opened(visit, await door.run(subject, visit))
    except NotFound:
        return say(request, door, OVER)


def subject(visit: Visit) -> OrderView | PaymentView | None:
    """What a link is about: nothing yet before its order is placed, and for the wallet. Raises `NotFound`."""
    match visit.kind:
        case PageKind.CHECKOUT:
            return placing.placed(visit)
        case PageKind.ORDER:
            return orders.named(visit)
        case PageKind.TOP_UP:
            return wallets.named(visit)
        case PageKind.WALLET:
            return None


async def page(request: Request) -> Response:
    """The page, as things stand; however often it is opened, nothing changes (fault 101)."""
    found = await opened(request)
    if isinstance(found, Response):
        return found
    response = await drawn(request, found)
    keep_browser(request, response, request.app.state.door, found.visit)
    return response


async def drawn(request: Request, found: Opened, trouble: Trouble | None = None, status: int = 200) -> Response:
    """The page of what a link is about, with what went wrong if something did."""
    door: Door = request.app.state.door
    texts = language_of(request, door, found.visit)
    asked = request.query_params.get("quantity", "")
    template, values = await door.run(values_of, door, found, texts, asked, trouble)
    shop = found.visit.shop(texts)
    return door.pages.draw(request, template, status=status, words=texts, shop=shop, **values)


def values_of(
    door: Door, found: Opened, texts: Texts, asked: str, trouble: Trouble | None
) -> tuple[str, dict[str, Any]]:
    """The template and its values."""
    visit, about = found.visit, found.about
    if isinstance(about, OrderView):
        return "linked_order.html.jinja", {"bill": orders.values_of(door, visit, about, texts, trouble)}
    if isinstance(about, PaymentView):
        return "linked_topup.html.jinja", {"bill": wallets.topup_values(door, visit, about, texts)}
    if visit.kind is PageKind.WALLET:
        return "linked_wallet.html.jinja", {"wallet": wallets.wallet_values(door, visit, texts, trouble)}
    try:
        wish = placing.wish_of(door, visit, asked, texts)
    except UnknownListing:
        return "linked_gone.html.jinja", {"url": visit.url}
    return "linked_place.html.jinja", {"wish": placing.values_of(door, visit, wish, texts, trouble)}


async def press(request: Request) -> Response:
    """One of the page's buttons; then the page again (303), or with the reason why not."""
    door: Door = request.app.state.door
    fields = await fields_of(request)
    found = await opened(request)
    if isinstance(found, Response):
        return found
    if not is_from_page(door, found.visit.token, fields):
        raise Problem(403)
    if not await door.run(is_its, request, door, found.visit):
        return say(request, door, OTHER_BROWSER, found.visit)
    await door.run(remember, door, found.visit, is_ios(request))
    try:
        target = await pressed(door, found, fields)
    except Refusal as refusal:
        about = await door.run(subject, found.visit)
        trouble = trouble_of(door, refusal, language_of(request, door, found.visit))
        return await drawn(request, Opened(found.visit, about), trouble, refusal.http)
    return RedirectResponse(target, 303, headers=SAFE_HEADERS)


async def pressed(door: Door, found: Opened, fields: Fields) -> str:
    """Do what a button says; where to go then. Raises `Problem` 422 for a button that this page does not have."""
    visit, about = found.visit, found.about
    if isinstance(about, OrderView):
        await press_order(door, visit, about, fields)
        return visit.url
    if isinstance(about, PaymentView):
        if BUTTON not in fields or not door.sandbox_enabled:
            raise Problem(422)
        look = partial(door.run, shown, door, found)
        await charged(door, visit.topic, partial(wallets.charge, door, about), look)
        return visit.url
    if visit.kind is PageKind.WALLET and wallets.BUTTON in fields:
        return await door.run(wallets.top_up, door, visit, fields[wallets.BUTTON][0])
    if visit.kind is not PageKind.CHECKOUT or placing.BUTTON not in fields:
        raise Problem(422)
    await door.run(place, door, visit, fields)
    return visit.url


def place(door: Door, visit: Visit, fields: Fields) -> None:
    """付款: place the order; what costs nothing is settled at once."""
    quantity, version = fields.get("quantity", [""])[0], fields.get("version", [""])[0]
    if not placing.is_count(quantity) or not placing.is_count(version):
        raise Problem(422)
    placing.place(door, visit, quantity=int(quantity), version=int(version))
    view = placing.placed(visit)
    if view is not None:
        orders.settle_if_free(door, visit, view)


async def press_order(door: Door, visit: Visit, view: OrderView, fields: Fields) -> None:
    """A button of an order's page; 付款 of an order that was placed meanwhile changes nothing."""
    if placing.BUTTON in fields:
        return
    if BUTTON in fields and door.sandbox_enabled:
        look = partial(door.run, shown, door, Opened(visit, view))
        await charged(door, visit.topic, partial(orders.charge, door, visit, view), look)
        return
    for button in (orders.WALLET, orders.CANCEL, orders.REFUND, orders.EXCHANGE):
        if button in fields:
            await door.run(orders.press, door, visit, view, button, fields[button][0])
            return
    raise Problem(422)


def is_its(request: Request, door: Door, visit: Visit) -> bool:
    """Whether who presses may: WeChat has said who it is, or the link is this browser's from now on."""
    return asks_platform(visit) or claimed(request, door, visit)


async def state(request: Request) -> Response:
    """`{"state"}`, when it changes."""
    door: Door = request.app.state.door
    found = await opened(request)
    if isinstance(found, Response):
        return found
    return await followed(request, found.visit.topic, partial(door.run, shown, door, found))


def shown(door: Door, found: Opened) -> str:
    """The state that a page follows."""
    about = subject(found.visit)
    if isinstance(about, OrderView):
        return orders.state_shown(about)
    return wallets.state_shown(door, about) if isinstance(about, PaymentView) else UNPLACED


async def cards(request: Request) -> Response:
    """Cards of an order, sealed to the page's key. Raises `Problem` 404 where there are none to read."""
    door: Door = request.app.state.door
    found = await opened(request)
    if isinstance(found, Response):
        return found
    view = found.about
    if not isinstance(view, OrderView) or not await door.run(reading.may_read, found.visit, view):
        raise Problem(404)
    if not await door.run(is_its, request, door, found.visit):
        raise Problem(403)
    texts = language_of(request, door, found.visit)
    try:
        return await reading.read(request, found.visit, view, texts)
    except Refusal as refusal:
        trouble = trouble_of(door, refusal, texts)
        return reading.refused(refusal, trouble.text, trouble.error_id)


async def seen(request: Request) -> Response:
    """The page's script says on what it was opened: whether prices may stand in the chat can depend on it.

    Raises `NotFound`.
    """
    door: Door = request.app.state.door
    visit = await door.run(visit_of, door, request.path_params["token"])
    ios = says_ios(await request.body()) or is_ios(request)
    if is_at_home(request, door, visit) and (ios or await gate(request, door, visit) is None):
        await door.run(remember, door, visit, ios)
    return Response(status_code=204, headers=SAFE_HEADERS)


def says_ios(body: bytes) -> bool:
    """Whether the script found a tablet that calls itself a desk."""
    try:
        return bool(json.loads(body)["ios"] is True)
    except (ValueError, KeyError, TypeError):
        return False


def remember(door: Door, visit: Visit, ios: bool) -> None:
    """The follower's last visit decides (`ios_rule` learned).

    Where WeChat does not say who visits, only that it was iOS is kept: a link that was forwarded to another phone must
    not bring prices into the chat of somebody who has an iPhone.
    """
    if not ios and not asks_platform(visit):
        return
    remember_device(identity_id=visit.chat.identity_id, is_ios=ios, now=door.shop.clock.now())


def trouble_of(door: Door, refusal: Refusal, texts: Texts) -> Trouble:
    """A refusal in the words of the conversation, which says what became of the money."""
    screen = refuse(door.shop.phrasebook.texts(texts.locale), refusal)
    return Trouble(screen.text, screen.error_id or "")
