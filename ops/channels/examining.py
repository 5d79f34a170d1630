"""The worker's check of a connection: it opens the secrets, asks the platform, and says what is wrong by its name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.chat.telegram.api import ApiAway, ApiProblem, BotServer, call, open_http, server_of
from channels.chat.telegram.shared import TOKEN
from channels.chat.wechat.courier import Apis
from channels.chat.wechat.rights import Right
from channels.pay.sandbox import SandboxGateway
from core.clock import Clock
from core.config import Config
from core.connections.chats import ChatAccount, ChatChannel, chat_account
from core.connections.checks import Answer, Found, Outcome
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.service import GatewayAccount
from core.connections.stars import bound_bot
from core.db import connection
from core.errors import NotFound
from core.ports import NoticeVerifier, Unauthentic
from core.ports import Outcome as Known
from core.secret import Secret
from core.vault.notices import SandboxNotice
from core.vault.primitives import SealError

SECONDS = 8.0
"""For one question to Telegram: somebody looks at a page that waits."""

LATEST_ERROR = 24 * 3600  # seconds: what went wrong before is history
MANY_WAITING = 100
OUTAGE = 500
"""Telegram's codes from here on say that it is out of order, not that it minds what was asked."""


@dataclass(frozen=True)
class StoreExaminer:
    """A `core.connections.checks.Examiner` with the worker's keys; `sandbox` is None where play money is off."""

    config: Config
    apis: Apis
    clock: Clock
    sandbox: SandboxGateway | None
    verifier: NoticeVerifier | None

    def chat(self, account: ChatAccount, /) -> Answer:
        """A bot or an official account."""
        if not account.enabled:
            return Answer(Outcome.LOOK, [Found.OFF])
        return self._bot(account) if account.channel is ChatChannel.TELEGRAM else self._official(account)

    def gateway(self, account: GatewayAccount, /) -> Answer:
        """A gateway account."""
        if not account.enabled:
            return Answer(Outcome.LOOK, [Found.OFF])
        return self._stars(account) if account.gateway == "stars" else self._sandbox(account)

    def _bot(self, account: ChatAccount) -> Answer:
        bot_key, telegram = self.config.secret(self.config.secrets.bot_key), self.config.telegram
        try:
            with connection():
                token = find_credential(
                    bot_key, kind=AccountKind.CHAT, account_id=account.id, name=TOKEN, holder=Holder.BOT
                )
                server = server_of(account.id, bot_key=bot_key, api_base=telegram.api_base, proxy=telegram.proxy)
        except (NotFound, SealError):
            return Answer(Outcome.BROKEN, [Found.NO_SECRETS])
        try:
            who, hook = asyncio.run(asked(server, token, "getMe", "getWebhookInfo"))
        except ApiProblem as problem:
            return Answer(Outcome.BROKEN, [refusal_of(problem)])
        except ApiAway:
            return Answer(Outcome.BROKEN, [Found.PLATFORM_AWAY])
        if str(who.get("id")) != account.external_id:
            return Answer(Outcome.BROKEN, [Found.OTHER_BOT])
        wrong = self._hook(account, hook)
        if wrong is not None:
            return Answer(Outcome.BROKEN, [wrong])
        later = _later(hook, self.clock.now())
        return Answer(Outcome.LOOK, later) if later else Answer(Outcome.OK, [Found.WORKS])

    def _hook(self, account: ChatAccount, hook: dict[str, Any]) -> Found | None:
        """What is wrong with where updates go; None where they come."""
        url, wanted = str(hook.get("url", "")), f"{self.config.public_url}/hooks/telegram/{account.opaque_id}"
        if self.config.telegram.mode != "webhook":
            return Found.HOOK_ELSEWHERE if url else None
        if not self.config.public_url.startswith("https://") and not self.config.telegram.api_base:
            return Found.HOOK_NEEDS_HTTPS
        if url == wanted:
            return None
        return Found.HOOK_ELSEWHERE if url else Found.HOOK_UNSET

    def _official(self, account: ChatAccount) -> Answer:
        try:
            permissions = self.apis.of(account).permissions()
        except (NotFound, SealError):
            return Answer(Outcome.BROKEN, [Found.NO_SECRETS])
        if permissions.problem:
            return Answer(Outcome.BROKEN, [wechat_problem(permissions.problem)])
        if permissions.rights[Right.MESSAGES] is Known.NO:
            return Answer(Outcome.LOOK, [Found.NO_MESSAGES])
        return Answer(Outcome.OK, [Found.WORKS])

    def _stars(self, account: GatewayAccount) -> Answer:
        act_key = self.config.secret(self.config.secrets.act_key)
        try:
            with connection():
                bound = bound_bot(account_id=account.id, act_key=act_key)
                bot = chat_account(account_id=account.chat_account_id or 0)
        except (NotFound, SealError):
            return Answer(Outcome.BROKEN, [Found.NOT_BOUND])
        if (bound.merchant_id, bound.external_id) != (account.merchant_id, bot.external_id):
            return Answer(Outcome.BROKEN, [Found.NOT_BOUND])
        return self.chat(bot)

    def _sandbox(self, account: GatewayAccount) -> Answer:
        """Sign as the sandbox does and read as the shop does; no notice is sent, so nothing is booked."""
        if self.sandbox is None or self.verifier is None:
            return Answer(Outcome.BROKEN, [Found.SANDBOX_OFF])
        notice = SandboxNotice(
            account=account.opaque_id,
            transaction="check",
            kind="paid",
            payment="00000000-0000-7000-8000-000000000000",
            amount_minor=1,
            currency=account.currency,
            at=int(self.clock.now().timestamp()),
        )
        try:
            self.verifier.verify(self.sandbox.signed(notice), opaque_id=account.opaque_id)
        except Unauthentic:
            return Answer(Outcome.BROKEN, [Found.KEYS_DIFFER])
        return Answer(Outcome.OK, [Found.WORKS])


async def asked(server: BotServer, token: Secret, *methods: str) -> list[dict[str, Any]]:
    """What Telegram answers to methods without parameters. Raises `ApiProblem`, `ApiAway`."""
    async with open_http(server) as http:
        return [await call(http, server, token, method, seconds=SECONDS) for method in methods]


def refusal_of(problem: ApiProblem) -> Found:
    """What Telegram's no is about."""
    if problem.code >= OUTAGE:
        return Found.PLATFORM_AWAY
    return Found.TOKEN_UNKNOWN if problem.code in {401, 404} else Found.PLATFORM_REFUSES


def wechat_problem(problem: str) -> Found:
    """What a problem of `channels.chat.wechat` is about."""
    if "40164" in problem:
        return Found.IP_NOT_LISTED
    if any(code in problem for code in ("40125", "40013", "40001")):
        return Found.APP_SECRET_WRONG
    return Found.PLATFORM_REFUSES if any(sign.isdigit() for sign in problem) else Found.PLATFORM_AWAY


def _later(hook: dict[str, Any], now: datetime) -> list[Found]:
    found = []
    if int(hook.get("last_error_date", 0)) > now.timestamp() - LATEST_ERROR:
        found.append(Found.POST_FAILED)
    if int(hook.get("pending_update_count", 0)) > MANY_WAITING:
        found.append(Found.MANY_WAIT)
    return found
