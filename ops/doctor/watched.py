"""How the store is, for the panel's health page: what doctor says that the web process can see, and what runs.

Asked from requests of the panel, off their connection; the picture is taken anew every ten seconds at most, by one
thread, and everyone else gets the one before.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import peewee
import redis
from playhouse.pool import MaxConnectionsExceeded

from admin.platform.checked import Beat, Check, Health, Light, Process
from channels.figures import Family
from core import db
from core.config import Config
from ops.alarms.alarm import Severity
from ops.alarms.firing import firing, in_words
from ops.backups.looking import looked_at
from ops.doctor.finding import Finding
from ops.doctor.machine import folder_findings, package_findings
from ops.doctor.pages import card_page
from ops.figures.gathered import Gathered
from ops.figures.published import Published
from ops.health import MENDS, bot, database, worker
from ops.store import why_nothing_sells

KEPT = timedelta(seconds=10)

SWEEPS = "SELECT key, value FROM keystall_counter WHERE queue = 'sweep' ORDER BY key LIMIT 100"
ROUNDS = "SELECT name, done_at, next_at FROM vault_round ORDER BY name LIMIT 100"
GATEWAYS = """
SELECT g.gateway || ' · ' || p.code, (SELECT max(e.received_at) FROM (
    SELECT gateway_account_id, received_at FROM payment_event ORDER BY id DESC LIMIT 5000) e
    WHERE e.gateway_account_id = g.id)
FROM gateway_account g JOIN party p ON p.id = g.merchant_id WHERE g.enabled ORDER BY 1 LIMIT 100
"""
"""The last notice of each account among the last 5,000 of all."""

MISSING = (peewee.PeeweeException, MaxConnectionsExceeded, OSError)


class Watched:
    """Called by threads of the panel; never raises."""

    def __init__(self, config: Config, gathered: Gathered, now: Callable[[], datetime]) -> None:
        self._config = config
        self._gathered = gathered
        self._now = now
        self._taking = threading.Lock()
        self._kept: Health | None = None

    def __call__(self) -> Health:
        """The picture, ten seconds old at most; an older one only while a new one is being taken."""
        kept = self._kept
        if kept is not None and self._now() - kept.at < KEPT:
            return kept
        if not self._taking.acquire(blocking=kept is None):
            assert kept is not None
            return kept
        try:
            if self._kept is None or self._now() - self._kept.at >= KEPT:
                self._kept = self._taken()
            return self._kept
        finally:
            self._taking.release()

    def _taken(self) -> Health:
        families = self._gathered.families()
        numbers = {one.name: one.samples[0].value for one in families if len(one.samples) == 1}
        return Health(
            at=self._now(),
            checks=[*self._parts(), *alarms(families), *self._doctor()],
            processes=[process(one) for one in self._gathered.processes()],
            queue=int(numbers["keystall_queue_tasks"]) if "keystall_queue_tasks" in numbers else None,
            queue_seconds=numbers.get("keystall_queue_oldest_seconds"),
            budget_left=budget_left(families),
            sweeps=beats(SWEEPS, lambda name, due: Beat(name, None, datetime.fromtimestamp(due / 1000, UTC))),
            rounds=beats(ROUNDS, Beat),
            gateways=beats(GATEWAYS, Beat),
        )

    def _parts(self) -> Iterator[Check]:
        """What the store needs, each asked now."""
        asked = {"database": database, "vault": self._vault, "worker": worker, "bot": bot, "redis": self._redis}
        for name, ask in asked.items():
            try:
                problem = ask()
            except Exception as error:  # noqa: BLE001 - whatever it was, the part is not well
                problem = type(error).__name__
            light = Light.OK if not problem else Light.WARN if name in ("redis", "bot") else Light.BAD
            yield Check(name, light, f"{problem}. {MENDS[name]}" if problem else "")

    def _redis(self) -> str:
        with contextlib.closing(redis.Redis.from_url(self._config.redis.url, socket_timeout=2)) as client:
            client.ping()
        return ""

    def _vault(self) -> str:
        return why_nothing_sells(self._config) or ""

    def _doctor(self) -> Iterator[Check]:
        """What of doctor the web process can see: it knows no other process's keys."""
        yield from said(lambda: list(folder_findings(self._config)))
        yield from said(lambda: list(package_findings()))
        yield from said(self._pages)
        yield from said(lambda: [Finding("backups", text, is_notice=look) for text, look in looked_at(self._config)])

    def _pages(self) -> Sequence[Finding]:
        text, is_notice = card_page(self._config)
        return [Finding("pages", text, is_notice=is_notice)]


def alarms(families: Sequence[Family]) -> Iterator[Check]:
    """Each alarm that fires now."""
    for one in firing(families):
        light = Light.BAD if one.alarm.severity is Severity.NOW else Light.WARN
        where = f" ({one.where})" if one.where else ""
        yield Check("alarm", light, f"{one.alarm.says}{where}: {one.value}", one.alarm.name)


def said(ask: Callable[[], Sequence[Finding]]) -> Iterator[Check]:
    """Findings of doctor as checks; one that cannot be asked from here is left out."""
    try:
        found = ask()
    except Exception:  # noqa: BLE001 - a confined process sees less than the command line
        return
    for one in found:
        yield Check(one.what, Light.BAD if one.is_defect else Light.WARN if one.is_notice else Light.OK, one.text)


def budget_left(families: Sequence[Family]) -> list[tuple[str, float]]:
    """How much of each opening budget is left in the pool or shop that used the most."""
    return [
        (sample.labels["budget"], max(0.0, 1 - sample.value))
        for family in families
        if family.name == "keystall_opening_budget_used_ratio"
        for sample in family.samples
    ]


def beats(statement: str, shape: Callable[..., Beat]) -> list[Beat]:
    """Rows of a question as beats; none while the database does not answer."""
    try:
        with db.connection():
            return [shape(*row) for row in db.execute(statement)]
    except MISSING:
        return []


def process(one: Published) -> Process:
    """What a process last told of itself."""
    numbers = {family.name: family.samples[0].value for family in one.families if len(family.samples) == 1}
    memory = in_words("keystall_memory_bytes", numbers.get("keystall_process_memory_bytes", 0))
    name = f"{one.process} {one.place}" if one.place else one.process
    return Process(name, one.host, one.started_at, one.written_at, one.starts, memory)
