"""The one access token of each official account: kept sealed for all workers, fetched anew by one of them at a time.

Whoever fetches a token beside the others ends theirs, and they his, without end (fault 52). So a worker that has no
token, or whose token was refused, waits for the lock and looks again: mostly somebody has fetched one meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import peewee

from core.clock import Clock
from core.db import atomic, connection, db, execute, sqlstate
from core.errors import Unavailable
from core.secret import Secret
from core.vault.primitives import derive, framed, gcm_open, gcm_seal

PURPOSE = "keystall wechat access token"

RENEWED_BEFORE = timedelta(minutes=4)
"""A token with less than this left is not used any more: WeChat has a new one for us in the old one's last five."""

LOCK_CLASS = 5201
"""Of `pg_advisory_xact_lock(class, account)`; nothing else in the store uses it."""

FIND = "SELECT sealed FROM wechat_token WHERE chat_account_id = %s AND expires_at > %s"
PATIENCE = "SET LOCAL lock_timeout = '20s'"
LOCK = "SELECT pg_advisory_xact_lock(%s, hashint8(%s))"
STORE = """
INSERT INTO wechat_token (chat_account_id, sealed, expires_at, refreshed_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (chat_account_id)
    DO UPDATE SET sealed = EXCLUDED.sealed, expires_at = EXCLUDED.expires_at, refreshed_at = EXCLUDED.refreshed_at
"""


@dataclass(frozen=True, slots=True)
class FetchedToken:
    """What WeChat handed out, and how long it works."""

    value: Secret
    lasts: timedelta


class TokenBeingFetched(Unavailable):
    """Another worker has been fetching this account's token for too long."""


class FetchToken(Protocol):
    """Asks WeChat for a token; `refused` is the one that does not work any more, where there is one.

    It must come back within some seconds: others wait for the lock meanwhile, at most 20.
    """

    def __call__(self, *, refused: Secret | None) -> FetchedToken: ...


def find_token(key: Secret, *, account_id: int, now: datetime) -> Secret | None:
    """The account's token, opened with the act key; None where there is none that lasts. Raises `SealError`."""
    with connection():
        rows = execute(FIND, (account_id, now + RENEWED_BEFORE))
    return Secret(gcm_open(_key(key), bytes(rows[0][0]), _context(account_id))) if rows else None


def renew_token(key: Secret, *, account_id: int, refused: Secret | None, fetch: FetchToken, clock: Clock) -> Secret:
    """A token that works: the one that another worker has fetched meanwhile, else a new one from `fetch`.

    One worker at a time fetches for an account, across processes; the others wait and take what it got. Raises
    `TokenBeingFetched`, what `fetch` raises (nothing is changed then), and `RuntimeError` inside a transaction, whose
    end could undo the token.
    """
    if db.in_transaction():
        raise RuntimeError("a token is fetched outside any transaction")
    with connection(), atomic():
        lock(account_id)
        found = find_token(key, account_id=account_id, now=clock.now())
        if found is not None and found != refused:
            return found
        fetched = fetch(refused=refused)
        now = clock.now()
        sealed = gcm_seal(_key(key), fetched.value.reveal(), _context(account_id))
        execute(STORE, (account_id, sealed, now + fetched.lasts, now))
    return fetched.value


def lock(account_id: int) -> None:
    """Be the only one who fetches for this account, until the transaction ends. Raises `TokenBeingFetched`."""
    execute(PATIENCE)
    try:
        execute(LOCK, (LOCK_CLASS, account_id))
    except peewee.OperationalError as error:
        if sqlstate(error) == "55P03":
            raise TokenBeingFetched() from None
        raise


def _key(key: Secret) -> bytes:
    return derive(key.reveal(), PURPOSE, 32)


def _context(account_id: int) -> bytes:
    return framed(PURPOSE, account_id)
