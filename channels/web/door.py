"""What the web doors are handed when the process starts, and the one way from the event loop to a use case."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import structlog
from starlette.requests import HTTPConnection

from bot.talk import ShopContext
from channels.network import network_mark
from channels.threads import in_thread
from channels.wake import Wakes
from channels.web.render import Pages
from core.errors import error_id
from core.ports import Counter, NoticeVerifier
from core.secret import Secret

Params = ParamSpec("Params")
Result = TypeVar("Result")

log = structlog.get_logger()

NETWORK_BITS = {4: 32, 6: 56}  # what one customer of a network provider usually gets


@dataclass(frozen=True)
class Door:
    """Built once by ops; `verifiers` has one entry per gateway whose notices are taken, by the gateway's name."""

    pages: Pages
    shop: ShopContext
    wakes: Wakes
    threads: ThreadPoolExecutor
    intake: ThreadPoolExecutor
    verifiers: Mapping[str, NoticeVerifier]
    counter: Counter
    inbox_key: Secret
    session_key: Secret
    verify_key: Secret
    public_url: str
    is_public_url_configured: bool
    sandbox_enabled: bool
    wechat_api_base: str = ""
    _kept: set[asyncio.Task[Any]] = field(default_factory=set, repr=False)

    def keep(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Work that goes on when nobody waits for it any more; how it ends is then in the log."""
        task = asyncio.create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._kept.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("work behind an answer failed", problem=type(error).__name__, error_id=error_id())

    async def run(self, use_case: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
        """Call a synchronous use case in a thread of the bounded pool; tried again over a stale connection."""
        return await in_thread(self.threads, use_case, *args, **kwargs)

    async def take_in(self, use_case: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
        """The same for what only reads who speaks: in threads of its own, so that it never waits behind answers."""
        return await in_thread(self.intake, use_case, *args, **kwargs)

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
        return network_mark(self.session_key, str(network))
