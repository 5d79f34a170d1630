"""Whether a connection works: a person asks, the worker tries it where its secrets open, and writes what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.connections.chats import ChatAccount, chat_account
from core.connections.credentials import AccountKind
from core.connections.service import GatewayAccount, gateway_account
from core.db import atomic, changed, connection, execute
from core.errors import Limited, NotFound
from core.ids import new_id
from core.parties.service import Role, may_see, require_change
from core.work import Work, enqueue

EVERY = timedelta(seconds=3)
"""One account is tried no more often than this, however often the button is pressed."""

GIVEN_UP = timedelta(minutes=1)
"""An answer that is not there by then will not come: the worker is away."""

ASK = """
INSERT INTO connection_check AS c (id, account_kind, account_id, merchant_id, asked_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (account_kind, account_id) DO UPDATE
    SET id = EXCLUDED.id, merchant_id = EXCLUDED.merchant_id, asked_at = EXCLUDED.asked_at, finished_at = NULL,
        outcome = '', found = '[]', heard_at = NULL
    WHERE c.asked_at < %s
RETURNING id
"""
FIND = "SELECT account_kind, account_id FROM connection_check WHERE id = %s AND finished_at IS NULL"
FINISH = """
UPDATE connection_check SET finished_at = %s, outcome = %s, found = %s, heard_at = %s WHERE id = %s
"""
HEARD_BY_CHAT = "SELECT max(received_at) FROM inbox WHERE source = %s"
HEARD_BY_GATEWAY = "SELECT max(received_at) FROM payment_event WHERE gateway_account_id = %s"


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"  # it works
    LOOK = "look"  # it works, but somebody should do something
    BROKEN = "broken"  # it does not work, and the finding says the mend


class Found(StrEnum):
    """What a check found; the panel has a sentence and a mend for each."""

    WORKS = "works"
    OFF = "off"  # it is paused
    NO_SECRETS = "no_secrets"  # a secret is missing, or does not open with the key here
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 - Telegram does not know the token
    OTHER_BOT = "other_bot"  # the token is another bot's
    PLATFORM_AWAY = "platform_away"  # Telegram or WeChat does not answer from here
    PLATFORM_REFUSES = "platform_refuses"  # it answers, with a no that has no mend of its own here
    HOOK_ELSEWHERE = "hook_elsewhere"  # updates are posted elsewhere
    HOOK_UNSET = "hook_unset"  # updates are posted nowhere: the bot process has not told Telegram yet
    HOOK_NEEDS_HTTPS = "hook_needs_https"  # the store's address is no https one
    POST_FAILED = "post_failed"  # Telegram could not post lately
    MANY_WAIT = "many_wait"  # many updates wait at Telegram
    APP_SECRET_WRONG = "app_secret_wrong"  # noqa: S105 - WeChat refuses AppID or AppSecret
    IP_NOT_LISTED = "ip_not_listed"  # this machine is not on the account's list of addresses
    NO_MESSAGES = "no_messages"  # the account may say nothing unasked
    NEVER_HEARD = "never_heard"  # nothing came in yet
    SANDBOX_OFF = "sandbox_off"  # play money is switched off in this store
    KEYS_DIFFER = "keys_differ"  # what one side signs the other does not believe
    NOT_BOUND = "not_bound"  # the account was not made for this merchant's bot


@dataclass(frozen=True, slots=True)
class Answer:
    """What trying it showed, the worst first."""

    outcome: Outcome
    found: Sequence[Found] = ()


class Examiner(Protocol):
    """Tries connections; the worker's, which has their keys. Never raises for what the other side says or does not."""

    def chat(self, account: ChatAccount, /) -> Answer:
        """A bot or an official account."""

    def gateway(self, account: GatewayAccount, /) -> Answer:
        """A gateway account."""


class TriedJustNow(Limited):
    """It was tried some seconds ago."""


def ask_for_check(*, actor: Actor, kind: AccountKind, account_id: int, now: datetime) -> UUID:
    """Have an account tried by the worker, at once. Raises `NotFound`, `NotAllowed`, `TriedJustNow`."""
    merchant_id = _merchant_of(kind, account_id)
    if not may_see(actor, merchant_id):
        raise NotFound("account")
    require_change(actor, merchant_id, Role.OWNER, what="account")
    check = new_id()
    with atomic():
        if not execute(ASK, (check, kind.value, account_id, merchant_id, now, now - EVERY)):
            raise TriedJustNow()
        enqueue(Work.CHECK_CONNECTION, check)
    return check


def carry_out_check(*, check_id: UUID, examiner: Examiner, now: datetime) -> None:
    """Try it, and write down what was found; one that was answered or asked anew meanwhile is left alone."""
    with connection():
        rows = execute(FIND, (check_id,))
        if not rows:
            return
        kind, account_id = AccountKind(rows[0][0]), int(rows[0][1])
        chat = chat_account(account_id=account_id) if kind is AccountKind.CHAT else None
        gateway = gateway_account(account_id=account_id) if kind is AccountKind.GATEWAY else None
        heard = execute(HEARD_BY_CHAT, (chat.source,)) if chat else execute(HEARD_BY_GATEWAY, (account_id,))
    heard_at = heard[0][0]
    answer = examiner.chat(chat) if chat else examiner.gateway(gateway) if gateway else Answer(Outcome.BROKEN)
    found = list(answer.found)
    if chat and heard_at is None and answer.outcome is not Outcome.BROKEN:
        found.append(Found.NEVER_HEARD)
    with connection():
        changed(FINISH, (now, answer.outcome.value, Jsonb([one.value for one in found]), heard_at, check_id))


def _merchant_of(kind: AccountKind, account_id: int) -> int:
    if kind is AccountKind.CHAT:
        return chat_account(account_id=account_id).merchant_id
    if kind is AccountKind.GATEWAY:
        return gateway_account(account_id=account_id).merchant_id
    raise NotFound("account")
