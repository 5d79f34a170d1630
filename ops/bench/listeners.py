"""Do a thousand idle web chats slow a checkout? Two messages of an order over HTTP, with and without them, in turns."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any
from uuid import uuid4

import httpx

from core.config import Config
from ops.bench.figures import Figure
from ops.races.trial import Buyer, Trial, trial

LISTENERS = 1000
TURNS, EACH = 4, 30
CARDS = 5 * TURNS * EACH  # unpaid orders together may hold half of them
GOAL = 1.2
PATIENCE = 20.0  # seconds for one answer


def measured(config: Config, say: Callable[[str], None], *, listeners: int = LISTENERS) -> list[Figure]:
    """The ratio of a checkout's median time with the listeners to that without; about a minute."""
    alone: list[float] = []
    beside: list[float] = []
    with trial(config, cards=CARDS) as store:
        idle = store.buyers(listeners)
        for _ in range(TURNS):
            alone += checkouts(store)
            with listening(store, idle):
                beside += checkouts(store)
    say(f"{len(alone)} checkouts alone, and as many beside {listeners:,} listeners")
    ratio = median(beside) / median(alone)
    return [
        Figure("listeners", f"a checkout beside {listeners:,} idle web chats", ratio, "×", GOAL),
        Figure("listeners", "a checkout (order and confirm over HTTP), median", 1000 * median(alone), "ms"),
    ]


def checkouts(store: Trial) -> list[float]:
    """Seconds of each order, from the words to the payment page; every order by another shopper."""
    taken = []
    address = f"http://127.0.0.1:{store.config.web.port}/api/v1/chat/trial/messages"
    with httpx.Client(timeout=PATIENCE, trust_env=False) as http:
        for buyer in store.buyers(EACH):
            http.headers["Authorization"] = f"Bearer {buyer.token}"
            began = time.perf_counter()
            confirm = said(http, address, {"text": "buy A1 1"})
            action = next(one["action"] for one in confirm["options"] if one["label"].startswith(("确认", "Confirm")))
            if said(http, address, {"action": action})["kind"] != "pay":
                raise RuntimeError("an order of the bench was not placed")
            taken.append(time.perf_counter() - began)
    return taken


def said(http: httpx.Client, address: str, words: dict[str, str]) -> dict[str, Any]:
    """The last screen of the answer. Raises HTTPStatusError."""
    answer = http.post(address, json={"id": str(uuid4()), **words}).raise_for_status()
    return dict(answer.json()["screens"][-1])


@contextlib.contextmanager
def listening(store: Trial, idle: Sequence[Buyer]) -> Iterator[None]:
    """One open stream for each shopper, until the block ends."""
    with contextlib.ExitStack() as stack:
        for buyer in idle:
            stream = stack.enter_context(socket.create_connection(("127.0.0.1", store.config.web.port), PATIENCE))
            stream.sendall(
                b"GET /api/v1/chat/trial/messages/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Authorization: Bearer " + buyer.token.encode() + b"\r\n\r\n"
            )
            status = stream.recv(1024).partition(b"\r\n")[0]
            if b" 200 " not in status:
                raise RuntimeError(f"a listener of the bench was refused: {status.decode()}")
        yield
