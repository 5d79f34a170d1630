"""A network between the store and its database that loses exactly one reply: that to a COMMIT which was done."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = re.compile(rb"COMMIT(?:\x00|; SELECT set_config)")
_PIECE = 65536


@dataclass
class DroppingProxy:
    """Listens on loopback and passes everything on to a database's Unix socket, until it is told to lose a reply."""

    upstream: str
    dropped: int = 0
    _armed: threading.Event = field(default_factory=threading.Event)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]

    def lose_the_next(self) -> None:
        """The next COMMIT is done, its reply is lost, and the connection with it."""
        self._armed.set()

    def serve(self) -> None:
        """Accept until the end, then close everything."""
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.upstream)
                thread = threading.Thread(target=self._pass_on, args=(client, server), daemon=True)
                self._threads.append(thread)
                thread.start()

        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def end(self) -> None:
        """Let it end."""
        self._ending.set()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        losing = False
        with client, server, contextlib.suppress(ConnectionError):
            while not self._ending.is_set():
                for side in select.select([client, server], [], [], 0.05)[0]:
                    piece = side.recv(_PIECE)
                    if not piece:
                        return
                    if side is client:
                        losing = losing or (COMMIT.search(piece) is not None and self._armed.is_set())
                        server.sendall(piece)
                    elif losing:  # the server has answered, so the commit is done
                        self._armed.clear()
                        self.dropped += 1
                        return
                    else:
                        client.sendall(piece)


@contextlib.contextmanager
def dropping(url: str) -> Iterator[tuple[DroppingProxy, str]]:
    """Such a network before the database of `url`, and the address behind which it lies."""
    parts = urlsplit(url)
    folder = unquote(parse_qs(parts.query)["host"][0])
    proxy = DroppingProxy(f"{folder}/.s.PGSQL.5432")
    serving = threading.Thread(target=proxy.serve, daemon=True)
    serving.start()
    try:
        login = parts.netloc.rpartition("@")[0]
        yield proxy, f"postgresql://{login}@127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"
    finally:
        proxy.end()
        serving.join(5)
