"""What a bot's update costs before its handler runs: from the raw body to the handler of what was meant.

No database and no network: what is measured is ours alone, and that it does not grow with the number of screens.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

from bot.engine import HANDLERS as SCREENS
from bot.incoming import Incoming
from bot.words import understand
from channels.chat.telegram.dialog import HANDLERS
from channels.chat.telegram.updates import UpdateKind, read_update
from ops.bench.figures import Figure

GOAL_US = 150.0
MANY_SCREENS = 1000
ROUNDS, EACH = 40, 200

SENDER = {"id": 5001, "is_bot": False, "first_name": "小明", "username": "ming", "language_code": "zh-hans"}
CHAT = {"id": 5001, "first_name": "小明", "username": "ming", "type": "private"}
WORDS = json.dumps(
    {"update_id": 1, "message": {"message_id": 7, "from": SENDER, "chat": CHAT, "date": 1, "text": "买 A1 2"}}
).encode()
UNDER = {"message_id": 6, "from": SENDER | {"is_bot": True}, "chat": CHAT, "date": 1, "text": "请确认订单" * 20}
TAP = json.dumps(
    {"update_id": 2, "callback_query": {"id": "1", "from": SENDER, "message": UNDER, "data": "x" * 22}}
).encode()


@dataclass(frozen=True, slots=True)
class UpdateCost:
    """Microseconds an update, in the median round."""

    words_us: float
    tap_us: float
    many_screens_us: float


def measured() -> list[Figure]:
    """Each against the goal; well under a second."""
    cost = measure()
    return [
        Figure("updates", "a bot's update, words", cost.words_us, "µs", GOAL_US),
        Figure("updates", "a bot's update, a tap", cost.tap_us, "µs", GOAL_US),
        Figure("updates", f"words with {MANY_SCREENS} screens", cost.many_screens_us, "µs", GOAL_US),
    ]


def measure() -> UpdateCost:
    """Measure in this thread; well under a second."""
    many: dict[Any, Any] = {f"screen {number}": number for number in range(MANY_SCREENS)} | dict(SCREENS)
    return UpdateCost(
        words_us=spent(lambda: dispatched(WORDS, SCREENS)),
        tap_us=spent(lambda: dispatched(TAP, SCREENS)),
        many_screens_us=spent(lambda: dispatched(WORDS, many)),
    )


def dispatched(raw: bytes, screens: Mapping[Any, Any]) -> object:
    """From the body to who answers it: the update read, its handler found, the words understood, their screen found."""
    update = read_update(raw)
    if update is None:
        raise ValueError("an update of the bench says nothing")
    handler = HANDLERS[update.kind]
    is_tap = update.kind is UpdateKind.TAP
    nobody = UUID(int=0)
    incoming = Incoming(
        "telegram", nobody, 1, nobody, nobody, update.locale, f"telegram:1:{update.id}",
        None if is_tap else update.text, update.text if is_tap else None,
    )  # fmt: skip
    return handler if incoming.action else screens[understand(incoming.text or "").intent]


def spent(work: Callable[[], object]) -> float:
    """Microseconds a call, in the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(EACH):
            work()
        rounds.append((time.perf_counter() - began) / EACH * 1e6)
    return median(rounds)
