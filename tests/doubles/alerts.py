"""Somebody who is alerted: the JSON service of apprise on loopback, with answers by a script."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AlertDouble:
    """Keeps what it was told; `status` is what it answers with."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        handler = type("Bound", (_Handler,), {"double": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="alert double")
        self._thread.start()

    def address(self, token: str = "alert-canary-3Rk") -> str:
        """What the store is told: a URL with a token in it."""
        return f"json://user:{token}@127.0.0.1:{self.port}/alerts"

    def stop(self) -> None:
        """End the server and its threads."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    double: AlertDouble

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.double.status == 200:
            self.double.told.append(json.loads(body))
        self.send_response(self.double.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def alert_double() -> Iterator[AlertDouble]:
    """Somebody who is alerted until the block ends."""
    double = AlertDouble()
    try:
        yield double
    finally:
        double.stop()
