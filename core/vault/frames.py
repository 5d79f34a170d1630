"""What goes over the vault's socket: frames of a 4-byte big-endian length and one JSON object; bytes in base64.

The vault speaks first: `{"challenge": …}`, which requests are proved with (`core.vault.callers`).
"""

from __future__ import annotations

import json
import socket
from typing import Any

LONGEST_REQUEST = 64 * 1024
LONGEST_ANSWER = 16 * 1024 * 1024


class BrokenFrame(Exception):
    """The other side sent no whole frame, one that is too long, or no JSON object."""


def send_frame(connection: socket.socket, frame: dict[str, Any]) -> None:
    """Send one object. Raises OSError."""
    raw = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
    connection.sendall(len(raw).to_bytes(4, "big") + raw)


def read_frame(connection: socket.socket, *, longest: int) -> dict[str, Any] | None:
    """Read one object; None when the other side closed between two frames. Raises `BrokenFrame`, OSError."""
    head = _read(connection, 4)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > longest:
        raise BrokenFrame
    raw = _read(connection, length)
    try:
        frame = json.loads(raw)
    except ValueError:
        raise BrokenFrame from None
    if len(raw) < length or not isinstance(frame, dict):
        raise BrokenFrame
    return frame


def _read(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 65536))
        if not part:
            break
        parts += part
    return bytes(parts)
