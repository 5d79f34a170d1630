"""The crowd itself: everybody buys at once, each process is killed once, and then everything is counted."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.crowd.people import Shopper, TelegramShopper, WeChatShopper
from tests.crowd.town import MERCHANTS, PROCESSES, Town, town

KINDS = (TelegramShopper, WeChatShopper)


@dataclass(frozen=True)
class Count:
    """What came of it. `violations`: of the invariants and of what the platforms would not have taken."""

    shoppers: int
    with_their_card: int
    sold_twice: int
    lost: int
    violations: int
    killed: tuple[str, ...]
    taps: int
    turns: int
    seconds: float
    median: float
    slowest: float

    def lines(self) -> list[str]:
        """As the command prints it."""
        return [
            f"shoppers {self.shoppers}",
            f"with exactly their card {self.with_their_card}",
            f"sold twice {self.sold_twice}",
            f"lost {self.lost}",
            f"violations {self.violations}",
            f"killed {', '.join(self.killed)}",
            f"taps on Telegram {self.taps}, turns on WeChat {self.turns}, besides the payment",
            f"whole run {self.seconds:.0f} s, paid to card median {self.median:.1f} s, slowest {self.slowest:.1f} s",
        ]


def crowd(shoppers: int, *, outage: float = 5.0, at_once: int = 40) -> Count:
    """Let so many buy one card each; `outage` seconds of each platform. Raises what a shopper could not do."""
    with town() as made:
        people: list[Shopper] = []
        began, killed = time.monotonic(), list[str]()
        with ThreadPoolExecutor(at_once) as pool:
            trouble = threading.Thread(target=make_trouble, args=(made, outage, killed))
            trouble.start()
            running = []
            for number in range(shoppers):
                merchant = list(MERCHANTS)[number % 2]
                person = KINDS[number // 2 % 2](f"{merchant}-{number}")
                people.append(person)
                running.append(pool.submit(person.buy, made, merchant, number))
            for one in running:
                one.result()
            trouble.join()
        return counted(made, people, killed, time.monotonic() - began)


def make_trouble(made: Town, outage: float, killed: list[str]) -> None:
    """Each process once, and each platform away once, one after the other."""
    for name in PROCESSES:
        time.sleep(2.0)
        if made.kill(name):
            killed.append(name)
    made.tg.outage(kind="drop")
    time.sleep(outage)
    made.tg.outage(False)
    made.wx.outage(kind="drop")
    time.sleep(outage)
    made.wx.outage(False)


def counted(made: Town, people: Sequence[Shopper], killed: Sequence[str], seconds: float) -> Count:
    """What everybody has, and what the store says of itself."""
    every = [card for person in people for card in person.cards]
    verified = made.store.run("verify").stdout.splitlines()
    broken = [line for line in verified if line.startswith("INV-") and line.split()[1] != "0"]
    assert any(line.startswith("INV-") for line in verified), verified
    times = sorted(person.seconds for person in people)
    return Count(
        shoppers=len(people),
        with_their_card=sum(len(person.cards) == 1 for person in people),
        sold_twice=len(every) - len(set(every)),
        lost=sum(not person.cards for person in people),
        violations=len(broken) + len(made.tg.violations) + len(made.wx.violations),
        killed=tuple(killed),
        taps=max((person.turns for person in people if isinstance(person, TelegramShopper)), default=0),
        turns=max((person.turns for person in people if isinstance(person, WeChatShopper)), default=0),
        seconds=seconds,
        median=statistics.median(times),
        slowest=times[-1],
    )
