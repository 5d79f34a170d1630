"""Links that a chat makes, and what stands on their pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx

from core.conversations.pages import mint_link
from core.ids import Prefix, public
from tests.builders import Shop, Talker

IN_WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50"
ON_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Mobile MicroMessenger/8.0.50"


def a_link(talker: Talker, kind: str, **params: str | int) -> str:
    """The path of a page that the chat of a follower leads to."""
    now = datetime.now(UTC)
    return f"/w/{mint_link(conversation_id=talker.conversation_id, kind=kind, params=params, now=now)}"


def a_wish(shop: Shop, talker: Talker, *, quantity: int = 1, price: int = 2500, **more: str | int) -> str:
    """The page before an order of A1, as `买 A1` makes it."""
    listing = shop.a_listing("A1")
    values = {"listing": listing, "code": "A1", "quantity": quantity, "version": 1, "price": price}
    return a_link(talker, "checkout", **values, **more)


def an_order(shop: Shop, talker: Talker, quantity: int = 1) -> tuple[str, str]:
    """An unpaid order of A1 and the path of its page."""
    placed = shop.place(talker, shop.a_listing("A1"), quantity, now=datetime.now(UTC))
    order = public(Prefix.ORDER, placed.order_id)
    return order, a_link(talker, "order", order=order)


def form_of(page: str, button: str) -> dict[str, str]:
    """The fields of the form that has a button, pressed."""
    for form in re.findall(r'<form[^>]*method="post".*?</form>', page, re.DOTALL):
        values = re.findall(rf'<button[^>]* name="{button}"[^>]* value="([^"]*)"', form)
        if values:
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))
            return {**hidden, button: values[0]}
    raise AssertionError(f"no button {button} on the page")


def has(page: str, button: str) -> bool:
    """Whether a button stands on a page and can be pressed."""
    return any("disabled" not in found for found in re.findall(rf'<button[^>]* name="{button}"[^>]*>', page))


def press(http: httpx.Client, path: str, button: str, **more: str) -> httpx.Response:
    """Open a page and press one of its buttons."""
    return http.post(path, data={**form_of(http.get(path).text, button), **more})
