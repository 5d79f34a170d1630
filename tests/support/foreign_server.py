"""A server that is none of the store's: it keeps what it was asked, and says what its owner wants to be believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ForeignServer:
    """`url` is its address, `heard` the path and body of every request; transactions are those it makes up."""

    url: str = ""
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    transactions: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> bytes:
        """What the Bot API would answer, were it true."""
        is_first = sum("getStarTransactions" in one for one, _ in self.heard) == 0
        self.heard.append((path, body))
        result: Any = True
        if "getStarTransactions" in path:
            result = {"transactions": self.transactions if is_first else []}
        return json.dumps({"ok": True, "result": result}).encode()


@contextmanager
def a_foreign_server() -> Iterator[ForeignServer]:
    """One on loopback, until the block ends."""
    foreign = ForeignServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = foreign.answer(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    foreign.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield foreign
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
