"""Asks the vault process for its health, as `doctor`, `up` and the readiness page do."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path
from typing import Any

from core.config import Config

_SECONDS = 3.0
_LONGEST_ANSWER = 1 << 20


def vault_status(path: Path) -> dict[str, Any]:
    """The answer to {"op": "status"}: {"ok": true, …} or {"ok": false, "code", "text"}. Raises OSError, ValueError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(str(path))
        request = json.dumps({"op": "status"}).encode()
        connection.sendall(struct.pack(">I", len(request)) + request)
        (length,) = struct.unpack(">I", _read(connection, 4))
        if length > _LONGEST_ANSWER:
            raise ValueError("the vault's answer is too long")
        answer = json.loads(_read(connection, length))
    if not isinstance(answer, dict):
        raise ValueError("the vault's answer is not an object")
    return answer


def why_nothing_sells(config: Config) -> str | None:
    """None when the vault opens cards; else the reason in a few words."""
    try:
        answer = vault_status(config.vault_socket)
    except (OSError, ValueError) as error:
        return f"the vault process does not answer ({error})"
    if answer.get("ok"):
        return str(answer["reason"]) if answer.get("reason") else None
    return str(answer.get("text") or "the vault refuses to say why")


def _read(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(length - len(parts))
        if not part:
            raise ValueError("the vault closed the connection")
        parts += part
    return bytes(parts)
