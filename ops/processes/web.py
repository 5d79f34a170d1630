"""The web process: assembles pages, API, hooks and panel, listens, and stops without cutting anyone off."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from admin import reading
from admin.app import make_app as panel_app
from admin.arriving import ADDRESSES
from admin.panel import WORDS as PANEL_WORDS
from admin.panel import Panel
from admin.sizes import largest_of
from bot.texts import Phrasebook
from channels.pay.sandbox import refuse_elsewhere
from channels.wake import Wakes
from channels.web.app import Application
from channels.web.door import Door
from channels.web.frame import hosts_of, page_host_of
from channels.web.render import STATIC, Pages
from channels.web.words import load_words
from core import db
from core.config import Config
from core.payments.service import forged_this_hour
from core.ports import Counter, Counts
from core.secret import Secret
from core.vault.client import VaultClient
from core.vault.primitives import derive
from ops import wiring
from ops.channels.platforms import connecting_of
from ops.doctor.watched import Watched
from ops.figures.gathered import Gathered
from ops.figures.process import figures_of_this_process
from ops.figures.published import Publisher, place_from_environment
from ops.health import Health, health_routes
from ops.operating import operator_app
from ops.processes import ports
from ops.processes.listening import listener, listening_to_signals, run_until_asked

THREADS = 16  # use cases at once; what waits, waits on the loop
INTAKE_THREADS = 4  # who speaks, where an answer has its time
PANEL_THREADS = 8
FILES_ARRIVE = re.compile("/admin" + ADDRESSES.pattern)  # cards, which the panel seals as they come
VAULT_ANSWERS = 5.0  # seconds; then the panel says that the vault is away
SPARE_CONNECTIONS = 2  # figures, and whoever reads them


def main(config: Config, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. `config` holds the addresses and keys of this process only."""
    db.connect(config.database.roles.shop, size=THREADS + INTAKE_THREADS + PANEL_THREADS + SPARE_CONNECTIONS)
    reading.connect(config.database.roles.panel, size=PANEL_THREADS)
    try:
        asyncio.run(serve(config, ready))
    finally:
        reading.disconnect()
        db.close()


async def serve(config: Config, ready: Callable[[], None]) -> None:
    """Both listeners in one loop: the shop's, and the operator's for figures and details."""
    wakes, asked = Wakes(config.database.roles.direct), listening_to_signals()
    sockets = ports.received(config)
    async with assembled(config, wakes) as (shop, operator):
        servers = [listener(config, shop, sockets[ports.SHOP]), listener(config, operator, sockets[ports.OPERATOR])]
        await run_until_asked(servers, asked, ready, wakes)


@contextlib.asynccontextmanager
async def assembled(config: Config, wakes: Wakes) -> AsyncIterator[tuple[Application, ASGIApp]]:
    """The two applications, with their threads and their LISTEN connection, until the block ends."""
    figures = figures_of_this_process()
    publisher = Publisher("web", figures, place=place_from_environment())
    with (
        contextlib.closing(wiring.counter(config)) as counter,
        ThreadPoolExecutor(THREADS, thread_name_prefix="use-case") as threads,
        ThreadPoolExecutor(INTAKE_THREADS, thread_name_prefix="intake") as intake,
    ):
        pools = (threads, intake)
        loop = asyncio.get_running_loop()
        door = await loop.run_in_executor(threads, make_door, config, wakes, *pools, counter)
        gathered = Gathered(publisher, budget=config.vault.opening_budget_per_hour)
        watched = Watched(config, gathered, door.shop.clock.now)
        panel = await loop.run_in_executor(threads, make_panel, config, door, counter, watched)
        health = Health(config)
        figures.gauge("keystall_waits", "Open long polls and streams.", lambda: wakes.waiting)
        figures.gauge("keystall_listening", "Whether notices of the database arrive.", lambda: wakes.is_listening)
        wakes.open()
        publisher.start()
        try:
            yield (
                Application(
                    door,
                    figures=figures,
                    hosts=hosts_of(config.web.public_url, config.web.panel_url, config.web.page_url),
                    page_host=page_host_of(config.web.page_url, config.web.public_url, config.web.panel_url),
                    streamed=FILES_ARRIVE,
                    larger=largest_of(panel, mounted_at="/admin"),
                    further=[*health_routes(health), Route("/admin", to_panel), panel_mount(panel)],
                ),
                operator_app(health, gathered, config),
            )
        finally:
            await asyncio.get_running_loop().run_in_executor(None, publisher.stop)
            await wakes.close()


def make_door(
    config: Config, wakes: Wakes, threads: ThreadPoolExecutor, intake: ThreadPoolExecutor, counter: Counter
) -> Door:
    """What the web doors are handed; reads this process's own keys."""
    with db.connection():
        if config.pay.sandbox.enabled:
            refuse_elsewhere(kind=installation_kind(), host=config.web.host)
        verifiers = wiring.verifiers(config)
        return Door(
            pages=Pages.load(load_words(zone=config.store.timezone, default=config.store.default_locale)),
            shop=wiring.shop_context(config),
            wakes=wakes,
            threads=threads,
            intake=intake,
            verifiers=verifiers,
            counter=counter,
            inbox_key=config.secret(config.secrets.inbox_key),
            session_key=config.secret(config.secrets.session_key),
            verify_key=config.secret(config.secrets.verify_key),
            public_url=config.public_url,
            is_public_url_configured=bool(config.web.public_url),
            sandbox_enabled="sandbox" in verifiers,
            wechat_api_base=config.wechat.api_base,
        )


def installation_kind() -> str:
    """What the database was made for; empty before it was marked."""
    rows = db.execute("SELECT kind FROM installation")
    return str(rows[0][0]) if rows else ""


def to_panel(request: Request) -> Response:
    """/admin without its slash; the answer names no host."""
    return RedirectResponse("/admin/", 308)


def make_panel(config: Config, door: Door, counts: Counts, watched: Watched) -> Flask:
    """The panel, with what it is handed."""
    with db.connection():
        is_demo = installation_kind() == "demo"
    return panel_app(
        Panel(
            book=Phrasebook(zone=config.store.timezone, default=config.store.default_locale, folder=PANEL_WORDS),
            vault=VaultClient(config.vault_socket, timeout=VAULT_ANSWERS),
            now=door.shop.clock.now,
            form_key=Secret(derive(config.secret(config.secrets.session_key).reveal(), "keystall panel forms", 32)),
            is_https=(config.web.panel_url or config.public_url).startswith("https://"),
            shared=STATIC,
            store_name=config.store.name,
            is_demo=is_demo,
            health=watched,
            forged_notices=partial(forged_this_hour, gateways=tuple(door.verifiers), counts=counts),
            vault_public=wiring.vault_public(config),
            seal_key=config.secret(config.secrets.seal_key),
            connecting=connecting_of(config),
        )
    )


def panel_mount(panel: Flask) -> BaseRoute:
    """The Flask panel under /admin; what it waits for is the vault's yes or no, a moment, without a connection."""
    mounted = cast("ASGIApp", WSGIMiddleware(cast("Any", panel), workers=PANEL_THREADS))
    return Mount("/admin", mounted, name="panel")
