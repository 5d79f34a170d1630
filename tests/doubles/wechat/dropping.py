"""Connections that can end without an answer."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """Knows its transport by the client's address."""

    open: dict[tuple[str, int], asyncio.Transport] = {}  # noqa: RUF012 (one per process; ports are unique)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            self.open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            self.open.pop(self.client, None)
        super().connection_lost(exc)


async def dropped(request: Request) -> Response:
    """End the connection; what is returned reaches nobody."""
    transport = Connection.open.get(tuple(request.scope["client"]))
    if transport is not None:
        transport.abort()
    await asyncio.sleep(0.01)
    return Response(status_code=502)
