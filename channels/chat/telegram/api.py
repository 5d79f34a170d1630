"""The Bot API without a library: its address, one plain call. For commands, long polling and what nobody waits for.

What is sent to people goes through sender.py. A problem never carries the address that was called: the token is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.connections.credentials import Holder
from core.connections.sealed_settings import API_BASE, find_setting
from core.secret import Secret

if TYPE_CHECKING:
    import aiohttp

OFFICIAL = "https://api.telegram.org"
CONNECT_SECONDS = 10.0


@dataclass
class ApiProblem(Exception):
    """The Bot API said no; `code` is its error code, `said` its own words (never shown to shoppers)."""

    code: int
    said: str
    retry_after: float = 0.0

    def __str__(self) -> str:
        return f"{self.code} {self.said}"


class ApiAway(Exception):
    """No answer that could be read: not reached, cut off, late, or another server spoke."""


@dataclass(frozen=True, slots=True)
class BotServer:
    """Where a bot's API is: the server's address, and the proxy on the way there."""

    base: str = OFFICIAL
    proxy: str = ""


def server_of(account_id: int, *, bot_key: Secret, api_base: str, proxy: str) -> BotServer:
    """The server of an account: its own, as it was sealed, else the configured one, else Telegram's.

    Raises `SealError` where its own was altered: the token then goes nowhere.
    """
    own = find_setting(bot_key, account_id=account_id, name=API_BASE, holder=Holder.BOT)
    return BotServer((own or api_base or OFFICIAL).rstrip("/"), proxy)


def open_http(server: BotServer) -> aiohttp.ClientSession:
    """Connections to a server; close it. Must be called on a loop."""
    import aiohttp

    if not server.proxy:
        return aiohttp.ClientSession()
    from aiohttp_socks import ProxyConnector

    return aiohttp.ClientSession(connector=ProxyConnector.from_url(server.proxy, rdns=True))


async def call(
    http: aiohttp.ClientSession,
    server: BotServer,
    token: Secret,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    seconds: float = 20.0,
) -> Any:
    """Call one method and return its result. Raises `ApiProblem`, `ApiAway`."""
    import aiohttp

    url = f"{server.base}/bot{token.reveal().decode()}/{method}"
    patience = aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS)
    try:
        async with http.post(url, json=dict(params or {}), timeout=patience) as answer:
            body = json.loads(await answer.read())
    except Exception as error:
        if isinstance(error, aiohttp.ClientError | OSError | TimeoutError | ValueError) or is_proxy_error(error):
            raise ApiAway(type(error).__name__) from None
        raise
    if not isinstance(body, dict) or "ok" not in body:
        raise ApiAway("no answer of the Bot API")
    if not body["ok"]:
        more = body.get("parameters") or {}
        code, said = int(body.get("error_code", 0)), str(body.get("description", ""))
        raise ApiProblem(code, said, float(more.get("retry_after", 0)))
    return body.get("result")


def is_proxy_error(error: BaseException) -> bool:
    """Whether the way through the proxy failed; python-socks has no base class that others share."""
    return type(error).__module__.partition(".")[0] in {"python_socks", "aiohttp_socks"}
