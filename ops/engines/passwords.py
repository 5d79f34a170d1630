"""The passwords of the embedded cluster's logins: random, made on first use, one 0600 file each under `keys`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from core.config import ConfigError


def password(data_dir: Path, role: str) -> str:
    """The password of a login of this folder's cluster; made and kept when there is none yet."""
    file = data_dir / "keys" / f"{role}.password"
    try:
        return _read(file)
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(file, secrets.token_urlsafe(32).encode())
        return _read(file)


def write_new(file: Path, content: bytes) -> bool:
    """Write a 0600 file that did not exist, complete or not at all; False (and nothing changed) when it exists."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(beside, file)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    return True


def _read(file: Path) -> str:
    try:
        text = file.read_text("ascii").strip()
    except PermissionError:
        raise ConfigError(f"{file} cannot be read: start as the user who owns it") from None
    if not text:
        raise ConfigError(f"{file} is empty: put it back from a backup of the keys folder")
    return text
