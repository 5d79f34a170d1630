"""Whether the store's ports are free, asked before anything starts, so that the refusal is one sentence."""

from __future__ import annotations

import errno
import socket
import time

from core.config import Config, ConfigError

_PATIENCE = 5.0  # seconds for the processes of a store that was killed to let go of their port


def check_free(config: Config, *, patient: bool) -> None:
    """Raise ConfigError when a listener of the web process would find its port taken or its host unknown."""
    end = time.monotonic() + (_PATIENCE if patient else 0)
    for host, port, setting in listeners(config):
        while (reason := taken(host, port)) is not None:
            if time.monotonic() >= end:
                raise ConfigError(_refusal(host, port, setting, reason))
            time.sleep(0.1)


def listeners(config: Config) -> list[tuple[str, int, str]]:
    """Host, port and setting of each listener."""
    web = config.web
    figures = [(web.ops_host, web.ops_port + place, "web.ops_port") for place in range(web.workers)]
    return [(web.host, web.port, "web.port"), *figures]


def taken(host: str, port: int) -> OSError | None:
    """None, or why nobody can listen there now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


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
