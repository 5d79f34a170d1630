"""Wires what the vault needs, and those who ask it: without a chat platform, an HTTP client or Redis in their memory.

The rest is wired in `ops.wiring`, which takes four times the memory; the vault and the command line keep it out.
"""

from __future__ import annotations

from channels.keys.files import CredentialKeys, FileKeys
from core import db
from core.clock import Clock, DatabaseClock
from core.config import Config
from core.custody.staff.judging import Judge
from core.ports import KeySource
from core.settlement.behind_vault import PayoutDesk
from core.vault.callers import Caller, Credential
from core.vault.client import VaultClient


def clock() -> Clock:
    """The database's time, asked again every 30 s."""
    return DatabaseClock(db.database_now)


def key_source(config: Config) -> KeySource:
    """Where the vault's pair comes from: files that it may add to, or what something else gives it."""
    return FileKeys(config) if config.vault.private_key.startswith("file:") else CredentialKeys(config)


def vault_client(config: Config) -> VaultClient:
    """The worker's way to the vault process: it opens what was paid. Raises ConfigError without its key."""
    key = config.secret(config.secrets.worker_key)
    return VaultClient(config.vault_socket, credential=Credential(Caller.WORKER, key))


def operators_vault(config: Config) -> VaultClient:
    """The command line's way to the vault process: it imports and traces. Raises ConfigError without its key."""
    key = config.secret(config.secrets.operator_key)
    return VaultClient(config.vault_socket, credential=Credential(Caller.OPERATOR, key))


def money_desk(judge: Judge, config: Config, /) -> PayoutDesk:
    """Payouts and bank details, sealed under a key that no other process of the store has."""
    return PayoutDesk(judge.judged, config.secret(config.vault.link_key), judge.now)


FURTHER = (money_desk,)
"""Parts of the vault's desk that are of rooms above it."""
