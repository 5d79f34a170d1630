"""Secrets of chat and gateway accounts: kept sealed, each with the key of the processes that use it.

The database alone opens none of them, and no process opens those of another: web checks what comes in, bot and worker
speak as a bot, only the worker acts with merchants' keys.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from core.connections.handed_in import SealingKeys, is_handed_in, open_handed_in, seal_for
from core.db import changed, execute
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
DROP = "DELETE FROM credential WHERE account_kind = %s AND account_id = %s"
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
    sealed = bytes(rows[0][0])
    if is_handed_in(sealed, kind=kind, name=name, holder=holder):
        return open_handed_in(key, sealed, kind=kind, account_id=account_id, name=name, holder=holder)
    return Secret(gcm_open(_key(key, holder), sealed, _context(kind, account_id, name)))


def hand_in_credential(
    keys: SealingKeys, *, kind: AccountKind, account_id: int, name: str, holder: Holder, value: Secret, now: datetime
) -> None:
    """Keep a credential that somebody typed into the panel, sealed for `holder`, in the caller's transaction.

    Web keeps what it checks itself with its own key; what others use it seals to their public keys and never opens.
    """
    if holder is Holder.VERIFY:
        store_credential(keys.verify, kind=kind, account_id=account_id, name=name, holder=holder, value=value, now=now)
        return
    public = keys.publics[holder.value]
    sealed = seal_for(public, kind=kind, account_id=account_id, name=name, holder=holder, value=value)
    execute(STORE, (kind.value, account_id, name, holder.value, sealed, now))


def drop_credentials(*, kind: AccountKind, account_id: int) -> int:
    """Forget all that is kept sealed of an account, in the caller's transaction; returns how many there were."""
    return changed(DROP, (kind.value, account_id))


def has_credential(*, kind: AccountKind, account_id: int, name: str) -> bool:
    """Whether an account has a credential of this name; any process may ask, only its holder opens it."""
    return bool(execute(HAS, (kind.value, account_id, name)))


def _key(key: Secret, holder: Holder) -> bytes:
    return derive(key.reveal(), f"{PURPOSE} {holder.value}", 32)


def _context(kind: AccountKind, account_id: int, name: str) -> bytes:
    return framed(PURPOSE, kind.value, account_id, name)
