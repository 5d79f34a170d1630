"""Telegram's flood limits: who was told to wait waits in every process of ours, the chat alone or the whole bot."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.connections.chats import ChatAccount
from core.messages.outgoing import pause, paused_beside, paused_until
from core.ports import SendAnswer, SendOutcome

WHOLE_BOT = 2
"""When so many other chats of a bot are quiet already, the limit is the bot's: Telegram does not say whose it is."""


def quiet_until(account: ChatAccount, chat: str, *, now: datetime) -> datetime | None:
    """Until when nothing may be sent into a chat; None where we may speak."""
    return paused_until(scopes=(account.source, account.address(chat)), now=now)


def note_flood(account: ChatAccount, chat: str, answer: SendAnswer, *, now: datetime) -> None:
    """Keep to what a 429 said, in every process; nothing happens for another answer."""
    if answer.outcome is not SendOutcome.LATER or answer.problem != "flood":
        return
    until, scope = now + timedelta(seconds=answer.retry_after), account.address(chat)
    pause(scope=scope, until=until)
    if paused_beside(prefix=f"{account.source}:", scope=scope, now=now) >= WHOLE_BOT:
        pause(scope=account.source, until=until)


def waits(until: datetime, *, now: datetime) -> SendAnswer:
    """The answer of somebody who did not even ask, since the limit has not ended."""
    return SendAnswer(SendOutcome.LATER, retry_after=max(0.1, (until - now).total_seconds()), problem="flood")
