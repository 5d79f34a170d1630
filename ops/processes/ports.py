"""The store's listening sockets: taken before anything starts, so that the refusal is one sentence, and kept by the
supervisor, so that they outlive every web process: while one is started again, connections wait instead of failing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator, Mapping

from core.config import Config, ConfigError

SHOP, OPERATOR = "shop", "operator"
SOCKETS = "KEYSTALL_SOCKETS"  # for a web process: the open descriptors by name, `shop=7,operator=8`

_PATIENCE = 5.0  # seconds for the processes of a store that was killed to let go of their port
_BACKLOG = 2048  # connections that wait while no web process takes them


def reserved(config: Config, *, patient: bool = False) -> dict[str, socket.socket]:
    """The bound sockets by name; nobody can connect yet. Raises ConfigError when a port is taken, a host unknown."""
    end = time.monotonic() + (_PATIENCE if patient else 0)
    made: dict[str, socket.socket] = {}
    try:
        for name, host, port, setting in listeners(config):
            made[name] = _bound(host, port, setting, end)
    except ConfigError:
        close(made)
        raise
    return made


@contextlib.contextmanager
def kept(sockets: Mapping[str, socket.socket]) -> Iterator[Mapping[str, socket.socket]]:
    """The same sockets; the ports are given up at the end of the block."""
    try:
        yield sockets
    finally:
        close(sockets)


def open_to_all(sockets: Mapping[str, socket.socket]) -> None:
    """From now on connections are taken in, and wait for whoever accepts them."""
    for one in sockets.values():
        one.listen(_BACKLOG)


def close(sockets: Mapping[str, socket.socket]) -> None:
    """Give the ports up, once nobody else holds the sockets either."""
    for one in sockets.values():
        one.close()


def handed_over(sockets: Mapping[str, socket.socket]) -> tuple[dict[str, str], tuple[int, ...]]:
    """What a web process gets: the environment that names the descriptors, and the descriptors."""
    if not sockets:
        return {}, ()
    named = ",".join(f"{name}={one.fileno()}" for name, one in sockets.items())
    return {SOCKETS: named}, tuple(one.fileno() for one in sockets.values())


def received(config: Config) -> dict[str, socket.socket]:
    """In a web process: the supervisor's sockets; without a supervisor its own. Raises ConfigError as `reserved`."""
    given = os.environ.pop(SOCKETS, "")
    if not given:
        made = reserved(config)
        open_to_all(made)
        return made
    pairs = (one.partition("=") for one in given.split(","))
    return {name: socket.socket(fileno=int(number)) for name, _, number in pairs}


def listeners(config: Config) -> list[tuple[str, str, int, str]]:
    """Name, host, port and setting of each listener."""
    web = config.web
    return [(SHOP, web.host, web.port, "web.port"), (OPERATOR, web.ops_host, web.ops_port, "web.ops_port")]


def taken(host: str, port: int) -> OSError | None:
    """None, or why nobody can listen there now."""
    try:
        _bind(host, port).close()
    except OSError as error:
        return error
    return None


def _bound(host: str, port: int, setting: str, end: float) -> socket.socket:
    while True:
        try:
            return _bind(host, port)
        except OSError as error:
            if time.monotonic() >= end:
                raise ConfigError(_refusal(host, port, setting, error)) from None
        time.sleep(0.1)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _refusal(host: str, port: int, setting: str, reason: OSError) -> str:
    variable = "KEYSTALL_" + setting.upper().replace(".", "__")
    if reason.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use: stop what listens there, or set {setting} ({variable}) to another port"
        )
    if reason.errno == errno.EACCES:
        return f"port {port} on {host} is not ours to take: set {setting} ({variable}) to 1024 or more"
    return (
        f"{host}:{port} cannot be listened on ({reason.strerror}): mend {setting.replace('port', 'host')} or {setting}"
    )
