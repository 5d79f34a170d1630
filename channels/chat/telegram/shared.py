"""What all bots of a process share, and where a bot's updates are posted; without aiogram, which waits for a bot."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

from channels.chat.telegram.api import BotServer
from channels.chat.telegram.dialog import Dialog
from channels.wake import Wakes
from core.clock import Clock
from core.secret import Secret

TOKEN = "token"  # noqa: S105 (the names of credentials)
HOOK_SECRET = "webhook_secret"  # noqa: S105 - what web compares with
HOOK_SECRET_TOLD = "webhook_secret_told"  # noqa: S105 - the same, for the process that tells it to Telegram


@dataclass(frozen=True)
class Shared:
    """One dialog for all; no ordinary use case ever fills the threads of `intake` and `urgent` (fault 34)."""

    dialog: Dialog
    wakes: Wakes
    clock: Clock
    inbox_key: Secret = field(repr=False)
    threads: Executor
    intake: Executor
    urgent: Executor


@dataclass(frozen=True)
class Hook:
    """Where Telegram shall post updates, and the secret that proves that it was Telegram."""

    url: str
    secret: Secret = field(repr=False)


@dataclass(frozen=True)
class BotKeys:
    """A bot's secrets as the bot process has them, and where its API is."""

    token: Secret
    hook_secret: Secret
    server: BotServer
