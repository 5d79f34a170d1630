"""Secrets of chat and gateway accounts: kept sealed, each with the key of the processes that use it.

The database alone opens none of them, and no process opens those of another: web checks what comes in, bot and worker
speak as a bot, only the worker acts with merchants' keys.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from core.db import execute
from core.errors import NotFound
from core.secret import Secret
from core.vault.primitives import derive, framed, gcm_open, gcm_seal

PURPOSE = "keystall credential"


class AccountKind(StrEnum):
    """Whose credential it is."""

    CHAT = "chat"  # a row of chat_account
    GATEWAY = "gateway"  # a row of gateway_account
    SUPPLIER = "supplier"  # a row of supplier_account


class Holder(StrEnum):
    """Which key opens a credential, and so which processes may use it."""

    VERIFY = "verify"  # web: checks what comes in (webhook secrets, WeChat's token and AES key)
    BOT = "bot"  # bot and worker: speaks as a bot
    ACT = "act"  # worker: acts outside (app secrets, gateway API keys)


STORE = """
INSERT INTO credential (account_kind, account_id, name, opened_by, sealed, created_at) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (account_kind, account_id, name)
    DO UPDATE SET opened_by = EXCLUDED.opened_by, sealed = EXCLUDED.sealed, created_at = EXCLUDED.created_at
"""
HAS = "SELECT 1 FROM credential WHERE account_kind = %s AND account_id = %s AND name = %s"
FIND = "SELECT sealed FROM credential WHERE account_kind = %s AND account_id = %s AND name = %s AND opened_by = %s"


def store_credential(
    key: Secret, *, kind: AccountKind, account_id: int, name: str, holder: Holder, value: Secret, now: datetime
) -> None:
    """Keep a credential, sealed with `key` (that of `holder`), in the caller's transaction; replaces the one before."""
    sealed = gcm_seal(_key(key, holder), value.reveal(), _context(kind, account_id, name))
    execute(STORE, (kind.value, account_id, name, holder.value, sealed, now))


def find_credential(key: Secret, *, kind: AccountKind, account_id: int, name: str, holder: Holder) -> Secret:
    """One credential, opened with `key`. Raises `NotFound`, and `SealError` for another key, account or name."""
    rows = execute(FIND, (kind.value, account_id, name, holder.value))
    if not rows:
        raise NotFound("credential")
    return Secret(gcm_open(_key(key, holder), bytes(rows[0][0]), _context(kind, account_id, name)))


def has_credential(*, kind: AccountKind, account_id: int, name: str) -> bool:
    """Whether an account has a credential of this name; any process may ask, only its holder opens it."""
    return bool(execute(HAS, (kind.value, account_id, name)))


def _key(key: Secret, holder: Holder) -> bytes:
    return derive(key.reveal(), f"{PURPOSE} {holder.value}", 32)


def _context(kind: AccountKind, account_id: int, name: str) -> bytes:
    return framed(PURPOSE, kind.value, account_id, name)
