"""The operator's listener: is it alive, is it ready, all figures for Prometheus, and a page for people."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from channels.figures import Family, Kind, exposed, gauge
from core.config import Config
from ops.alarms.every import ALARMS
from ops.alarms.firing import firing, in_words
from ops.figures.gathered import Gathered
from ops.figures.published import Published
from ops.health import MENDS, Health, Part, alive, is_ready
from ops.version import version

RUNBOOK = Path(__file__).resolve().parent.parent / "docs" / "runbook.md"
TEMPLATES = Path(__file__).resolve().parent / "templates"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as the page shows it."""

    meaning: str
    name: str
    values: Sequence[tuple[str, str]]  # its labels, and its number in words


def operator_app(health: Health, gathered: Gathered, config: Config) -> Starlette:
    """The second listener's application."""
    page = OperatorPage(health, gathered, config)

    async def ready(request: Request) -> Response:
        parts = await health.parts()
        shown = {name: part.problem or "ok" for name, part in parts.items()}
        well = is_ready(parts)
        return JSONResponse({"status": "ready" if well else "not ready", "parts": shown}, 200 if well else 503)

    async def metrics(request: Request) -> Response:
        _, families = await page.now()
        return PlainTextResponse(exposed(families), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            Route("/", page.show),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", metrics),
            Route("/runbook/{name}", page.runbook),
        ]
    )


class OperatorPage:
    """What is wrong and what to do, what runs, and the figures as they are now."""

    def __init__(self, health: Health, gathered: Gathered, config: Config) -> None:
        self._health = health
        self._gathered = gathered
        self._config = config
        loader = FileSystemLoader(TEMPLATES)
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)

    async def now(self) -> tuple[dict[str, Part], list[Family]]:
        """The parts, and all figures, theirs included."""
        parts = await self._health.parts()
        families = await asyncio.to_thread(self._gathered.families)
        up: dict[tuple[str, ...], float] = {(name,): 0 if part.problem else 1 for name, part in parts.items()}
        whether = gauge("keystall_part_up", "Whether each thing that the store needs is well.", up, ("part",))
        return parts, sorted([*families, whether], key=lambda family: family.name)

    async def show(self, request: Request) -> Response:
        """The page."""
        parts, families = await self.now()
        known = {
            "store": self._config.store.name,
            "version": version(),
            "now": datetime.now(UTC),
            "is_ready": is_ready(parts),
            "parts": [(name, part, MENDS[name]) for name, part in parts.items()],
            "alarms": firing(families),
            "sections": {alarm.name: section(alarm.name) for alarm in ALARMS},
            "processes": [process_row(one) for one in self._gathered.processes()],
            "figures": shown(families),
        }
        return self._answer("operator.html.jinja", known)

    async def runbook(self, request: Request) -> Response:
        """What the runbook says of one alarm."""
        name: str = request.path_params["name"]
        text = section(name)
        if not text:
            return PlainTextResponse("The runbook has no such section.\n", 404, headers=HEADERS)
        return self._answer("section.html.jinja", {"name": name, "paragraphs": text})

    def _answer(self, template: str, known: Mapping[str, object]) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        text = self._templates.get_template(template).render(**known, nonce=nonce)
        return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": policy})


def shown(families: Sequence[Family]) -> list[Shown]:
    """Every gauge and counter with its meaning; histograms are for Prometheus."""
    return [
        Shown(
            one.meaning,
            one.name,
            [(" ".join(sample.labels.values()), in_words(one.name, sample.value)) for sample in one.samples],
        )
        for one in families
        if one.kind is not Kind.HISTOGRAM and one.samples and not one.name.startswith("keystall_process_")
    ]


def process_row(one: Published) -> dict[str, object]:
    """What the page says of a process."""
    numbers = {family.name: family.samples[0].value for family in one.families if len(family.samples) == 1}
    return {
        "name": f"{one.process} {one.place}" if one.place else one.process,
        "host": one.host,
        "runs": in_words("keystall_age_seconds", (one.written_at - one.started_at).total_seconds()),
        "starts": one.starts,
        "memory": in_words("keystall_memory_bytes", numbers.get("keystall_process_memory_bytes", 0)),
        "descriptors": in_words("keystall_descriptors", numbers.get("keystall_process_descriptors", 0)),
        "connections": in_words("keystall_connections", numbers.get("keystall_database_connections_in_use", 0)),
    }


@cache
def sections() -> dict[str, tuple[str, ...]]:
    """The runbook's sections about alarms, as paragraphs of plain text."""
    found = re.findall(r"^### (Keystall\w+)\n(.*?)(?=^##|\Z)", RUNBOOK.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return {name: tuple(_plain(part) for part in text.strip().split("\n\n")) for name, text in found}


def section(name: str) -> tuple[str, ...]:
    """The paragraphs about one alarm; none where the runbook has no such section."""
    return sections().get(name, ())


def _plain(paragraph: str) -> str:
    words = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(paragraph.split()))
    return words.replace("**", "").replace("`", "")
