"""Card pages: links that the worker writes into messages, and what people and others press on the pages behind them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.db import execute
from core.fulfilment.card_pages import GONE, Press, ask_press, press_answer
from core.vault.links import OPENINGS, CardLink, content_context, content_key, press_proof
from core.vault.primitives import gcm_open
from tests.simulator import keeping
from tests.simulator.day import Day, Ordered
from tests.simulator.judge import found
from tests.simulator.processes import Process

DELIVERIES = "SELECT order_id, id FROM delivery ORDER BY id"


@dataclass
class Page:
    """A link as it came to its reader, and the presses that showed cards."""

    number: int
    order: Ordered
    link: CardLink
    presses: list[UUID] = field(default_factory=list)
    opened: set[UUID] = field(default_factory=set)


def write_a_link(day: Day) -> None:
    """The worker has the vault make a link to the cards of an order, for the chat that bought them or for another."""
    with day.processes.looking():
        deliveries = dict(execute(DELIVERIES))
    order = day.pick([one for one in day.orders if one.placed.order_id in deliveries])
    if order is None:
        return
    delivery = deliveries[order.placed.order_id]
    reads = order.payer if day.choice.random() < 0.8 else day.choice.choice(day.neighbours(order.payer))
    occasion, chat = UUID(day.a_submission()), day.session(reads).conversation_id
    day.note(f"a link to the cards of order {order.number}, for shopper {reads}")
    link = day.act(
        Process.WORKER,
        lambda: day.vault.card_link(delivery, occasion=occasion, locale="zh-CN", reader=chat),
    )
    if link is not None:
        found(
            day.session(reads).shopper_id == day.session(order.payer).shopper_id,
            "a link was made for a chat that is none of the buyer's",
        )
        day.pages.append(Page(len(day.pages), order, link))
        day.note(f"page {len(day.pages) - 1}")
        for _ in range(day.choice.choice([0, 1, 1, OPENINGS + 1])):
            _press(day, day.pages[-1])


def press_a_page(day: Day) -> None:
    """Somebody presses the button of a page: its reader, once more the same press, or who knows the number only."""
    page = day.pick(day.pages)
    if page is not None:
        _press(day, page)


def _press(day: Day, page: Page) -> None:
    way = day.choice.random()
    proof = press_proof(page.link.key.reveal()) if way > 0.15 else bytes(32)
    number = UUID(day.a_submission())
    if way > 0.8 and page.presses:
        number = day.choice.choice(page.presses)
    day.note(f"page {page.number} is pressed{'' if way > 0.15 else ' without its key'}")
    press, is_over = Press(number, page.link.id, proof), day.clock.now() >= page.link.expires_at
    if not day.act(Process.WEB, lambda: ask_press(press=press, now=day.clock.now())):
        return
    if way > 0.15 and number not in page.presses:
        page.presses.append(number)
    for _ in range(day.choice.choice([0, 4, 4, 8])):
        if not keeping.work(day):
            break
    answer = day.act(Process.WEB, lambda: press_answer(press_id=number))
    if answer is None:
        day.note("nobody has answered yet")
        return
    if answer == GONE:
        day.note("gone")
        return
    found(way > 0.15, "a page opened to somebody without its key")
    found(number in page.opened or not is_over, "a page opened after its day was over")
    _read(day, page, press, answer)


def _read(day: Day, page: Page, press: Press, answer: dict[str, Any]) -> None:
    """As the page's script opens it; the judge compares the cards with those of the chat."""
    key, context = page.link.key.reveal(), content_context(link=page.link.id, press=press.id)
    content = json.loads(gcm_open(content_key(key), base64.b64decode(answer["sealed"]), context))
    page.opened.add(press.id)
    found(len(page.opened) <= OPENINGS, f"page {page.number} opened {len(page.opened)} times")
    cards = frozenset(card["secret"] for card in content["cards"])
    day.shown.append((page.order.placed.order_id, cards))
    day.note(f"{len(cards)} cards, {answer['left']} times left")
