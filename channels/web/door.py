"""What the web doors are handed when the process starts, and the one way from the event loop to a use case."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import peewee
from starlette.requests import HTTPConnection

from bot.talk import ShopContext
from channels.web.render import Pages
from channels.web.wake import Wakes
from core import db
from core.ports import Counter, NoticeVerifier
from core.secret import Secret

Params = ParamSpec("Params")
Result = TypeVar("Result")

RECONNECTS = 2  # before a database that does not answer becomes a 503
NETWORK_BITS = {4: 32, 6: 56}  # what one customer of a network provider usually gets


@dataclass(frozen=True)
class Door:
    """Built once by ops; `verifiers` has one entry per gateway whose notices are taken, by the gateway's name."""

    pages: Pages
    shop: ShopContext
    wakes: Wakes
    threads: ThreadPoolExecutor
    verifiers: Mapping[str, NoticeVerifier]
    counter: Counter
    inbox_key: Secret
    session_key: Secret
    public_url: str
    is_public_url_configured: bool
    sandbox_enabled: bool

    async def run(self, use_case: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
        """Call a synchronous use case in a thread of the bounded pool; its connection goes back to the pool after.

        Connections that a restarted database has left behind are replaced and the call is made again: every use case
        behind a door of ours has one effect however often it is called.
        """
        context = contextvars.copy_context()

        def call() -> Result:
            for _ in range(RECONNECTS):
                try:
                    with db.connection():
                        return use_case(*args, **kwargs)
                except (peewee.OperationalError, peewee.InterfaceError) as error:
                    if db.sqlstate(error) not in {None, *db.GONE}:
                        raise
                    db.db.close_idle()
            with db.connection():
                return use_case(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self.threads, lambda: context.run(call))

    @property
    def is_https(self) -> bool:
        """Whether shoppers reach the shop over https: cookies are then bound to it."""
        return self.public_url.startswith("https://")

    def origin_of(self, request: HTTPConnection) -> str:
        """The origin that our own pages have: the configured one, else the one this request came to."""
        if self.is_public_url_configured:
            return self.public_url
        return f"{request.url.scheme}://{request.headers.get('host', '')}"

    def network_of(self, request: HTTPConnection) -> str:
        """A keyed hash of the client's network, for quotas only; the address itself is kept nowhere."""
        try:
            address = ipaddress.ip_address(request.client.host if request.client else "")
        except ValueError:
            return ""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        network = ipaddress.ip_network((address, NETWORK_BITS[address.version]), strict=False)
        key = self.session_key.reveal()
        return hmac.new(key, b"keystall network\x00" + str(network).encode(), hashlib.sha256).hexdigest()[:32]
