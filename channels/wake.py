"""Waiting without threads: one LISTEN connection per process wakes whoever waits on the event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import TracebackType
from typing import Self

import psycopg
import structlog

from core.waking import DOORS

LISTEN_AGAIN = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts to connect
LONGEST_BLIND = 1.0  # seconds between two looks while no notice can arrive

log = structlog.get_logger()


class Wakes:
    """Notices by topic (`conv:<conversation>`, `pay:<payment>`): payloads of the store's NOTIFY, nothing else."""

    def __init__(self, url: str, *, name: str = "keystall") -> None:
        self._url = url
        self._name = name  # by which the database shows the connection to whoever asks who is there
        self._waiting: dict[str, set[Waiting]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.is_listening = False
        self.is_closing = False

    def open(self) -> None:
        """Begin to listen; called on the loop."""
        self._task = asyncio.create_task(self._listen_for_ever())

    def release(self) -> None:
        """Let everyone who waits go, now and from now on."""
        self.is_closing = True
        self._wake_all()

    async def close(self) -> None:
        """Stop listening, for good."""
        self.release()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def on(self, *topics: str) -> Waiting:
        """Wait for any of these topics: enter it before looking at the tables, so that no notice falls between."""
        return Waiting(self, topics)

    @property
    def waiting(self) -> int:
        """How many waits are open."""
        return sum(len(those) for those in self._waiting.values())

    def waiting_on(self, topic: str) -> int:
        """How many waits are open on one topic."""
        return len(self._waiting.get(topic, ()))

    def add(self, waiting: Waiting) -> None:
        """Called by `Waiting`."""
        for topic in waiting.topics:
            self._waiting[topic].add(waiting)

    def remove(self, waiting: Waiting) -> None:
        """Called by `Waiting`."""
        for topic in waiting.topics:
            self._waiting[topic].discard(waiting)
            if not self._waiting[topic]:
                del self._waiting[topic]

    def _wake_all(self) -> None:
        for those in self._waiting.values():
            for waiting in those:
                waiting.woken.set()

    async def _listen_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                reached = psycopg.AsyncConnection.connect(self._url, autocommit=True, application_name=self._name)
                async with await reached as connection:
                    await connection.execute(f"LISTEN {DOORS}")
                    self.is_listening, failures = True, 0
                    self._wake_all()  # what was told while nobody listened
                    async for notice in connection.notifies():
                        for waiting in self._waiting.get(notice.payload, ()):
                            waiting.woken.set()
            except (psycopg.Error, OSError) as problem:
                log.warning("no notices from the database", problem=type(problem).__name__)
            self.is_listening = False
            await asyncio.sleep(LISTEN_AGAIN[min(failures, len(LISTEN_AGAIN) - 1)])
            failures += 1


class Waiting:
    """One who waits for topics; used as `with wakes.on(topic) as waiting`."""

    def __init__(self, wakes: Wakes, topics: tuple[str, ...]) -> None:
        self._wakes = wakes
        self.topics = topics
        self.woken = asyncio.Event()

    def __enter__(self) -> Self:
        self._wakes.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wakes.remove(self)

    async def rest(self, seconds: float) -> bool:
        """Sleep until a notice, at most `seconds`; whether a look is due. Blind, one is due every second."""
        is_blind = not self._wakes.is_listening
        try:
            async with asyncio.timeout(max(0.0, min(seconds, LONGEST_BLIND) if is_blind else seconds)):
                await self.woken.wait()
        except TimeoutError:
            return is_blind
        self.woken.clear()
        return True
