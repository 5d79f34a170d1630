"""What tests of the command line share: the shape of a command's answer, and ports nobody uses."""

import socket
from collections.abc import Callable

Command = Callable[..., tuple[int, str, str]]
"""Runs a command with these settings; gives exit status, output and errors."""


def free_port() -> int:
    """A port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
