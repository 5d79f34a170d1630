"""The key files of a store: made once, 0600 in a 0700 folder, never overwritten; and whether they fit together."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from core.config import Config, ConfigError
from core.vault.primitives import SealError, public_of
from core.vault.seal import generate_keypair, generate_sign_key, key_id
from ops.engines.passwords import write_new
from ops.isolation.accounts import KEPT_BY_THE_VAULT
from ops.processes.vault_wiring import key_source

VAULT_KEYS = ("private_key", "public_key", "fingerprint_key", "audit_key", "link_key", "sign_key")
PROCESS_KEYS = (
    "verify_key",
    "act_key",
    "session_key",
    "seal_key",
    "inbox_key",
    "bot_key",
    "worker_key",
    "operator_key",
)


REPLACEABLE = ("secrets.worker_key", "secrets.operator_key")
"""Keys that nothing is sealed or signed with: a lost one is made anew at the next start."""


def references(config: Config) -> dict[str, str]:
    """Each key's setting and its reference, for example `vault.link_key` -> `file:keys/link.key`."""
    named = {f"vault.{name}": getattr(config.vault, name) for name in VAULT_KEYS}
    return named | {f"secrets.{name}": getattr(config.secrets, name) for name in PROCESS_KEYS}


def make_missing(config: Config, names: tuple[str, ...] | None = None) -> list[Path]:
    """Make the key files that are missing (of `names`, else all) and return them; one that exists is never touched.

    The vault's pair is made only when both halves are missing. Call it for a store without cards only: a lost key
    is put back from the escrow, never replaced, since what it sealed would stay closed for ever.
    """
    protect(config)
    made: list[Path] = []
    wanted = {name: text for name, text in references(config).items() if names is None or name in names}
    files = {name: path for name, text in wanted.items() if (path := _file(config, text)) is not None}
    pair = files.pop("vault.private_key", None), files.pop("vault.public_key", None)
    if pair[0] and pair[1] and not pair[0].exists() and not pair[1].exists():
        private, public = generate_keypair()
        made += _write(pair[0], private) + _write(pair[1], public)
    for name, path in files.items():
        make: Callable[[], bytes] = generate_sign_key if name == "vault.sign_key" else _random_key
        if not path.exists():
            made += _write(path, make())
    return made


def missing_files(config: Config) -> list[str]:
    """The settings whose key file does not exist."""
    files = {name: _file(config, reference) for name, reference in references(config).items()}
    return [name for name, path in files.items() if path is not None and not path.exists()]


def defects(config: Config, names: tuple[str, ...] | None = None) -> list[str]:
    """What is wrong with the keys, one sentence each: missing, empty, default, readable by others, not a pair."""
    found = []
    for name, reference in references(config).items():
        if names is not None and name not in names:
            continue
        try:
            config.secret(reference)
        except ConfigError as error:
            found.append(f"{name}: {error}")
        path = _file(config, reference)
        if path is not None and path.exists() and path.stat().st_mode & 0o077:
            found.append(f"{name}: {path} can be read by other users: chmod 600 {path}")
    return found


def is_pair(config: Config) -> bool:
    """Whether a private key of the vault belongs to its public key. Raises ConfigError when one is missing."""
    source = key_source(config)
    public, privates = source.public_key(), source.private_keys().values()
    try:
        return public in [public_of(private.reveal()) for private in privates]
    except SealError:
        return False


def versions(config: Config) -> list[str]:
    """The versions of the vault's key whose private half is here. Raises ConfigError, `SealError`."""
    return [key_id(public_of(private.reveal())) for private in key_source(config).private_keys().values()]


def _file(config: Config, reference: str) -> Path | None:
    kind, _, place = reference.partition(":")
    return config.data_dir / place if kind == "file" else None


def _write(path: Path, content: bytes) -> list[Path]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [path] if write_new(path, content) else []


def _random_key() -> bytes:
    return secrets.token_bytes(32)


def protect(config: Config) -> None:
    """Close the folder of the keys to other users; where the vault is a user of its own it keeps its way in."""
    for folder in (config.data_dir, config.keys_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(config.keys_dir.stat().st_mode) != KEPT_BY_THE_VAULT:
        os.chmod(config.keys_dir, 0o700)
