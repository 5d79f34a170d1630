"""What the panel has ops ask while somebody connects a bot or an official account, or looks whether the shop answers.

Only hosts that the operator configured, or the platforms' own, are called: nothing that a merchant types is an address.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import httpx

from admin.panel import Connecting
from channels.chat.telegram.api import OFFICIAL, ApiAway, ApiProblem, BotServer
from channels.chat.wechat.wire import ApiAway as WeChatAway
from channels.chat.wechat.wire import ApiProblem as WeChatProblem
from channels.chat.wechat.wire import ask, open_http
from core.config import Config
from core.connections.platforms import AppSecretWrong, BotName, NotListed, PlatformAway, PlatformRefuses, TokenUnknown
from core.secret import Secret
from ops.channels.examining import asked

WRONG_SECRET = frozenset({40001, 40013, 40125, 40243, 41002, 41004})
NOT_ON_LIST = 40164
ADDRESS = re.compile(r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b")
PAGE_SECONDS = 4.0
LARGEST_PAGE = 512 * 1024


@dataclass(frozen=True)
class StorePlatforms:
    """An `admin.panel.Platforms`, by the store's settings."""

    telegram: BotServer
    wechat_base: str
    public_url: str

    @classmethod
    def of(cls, config: Config) -> StorePlatforms:
        """By these settings; the servers of accounts with one of their own are the operator's affair."""
        base = config.telegram.api_base.rstrip("/") or OFFICIAL
        return cls(BotServer(base, config.telegram.proxy), config.wechat.api_base, config.public_url)

    def bot_of(self, token: Secret, /) -> BotName:
        """Whose token it is. Raises `TokenUnknown`, `PlatformRefuses`, `PlatformAway`."""
        try:
            (who,) = asyncio.run(asked(self.telegram, token, "getMe"))
        except ApiProblem as problem:
            if problem.code in {401, 404}:
                raise TokenUnknown() from None
            if problem.code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise PlatformAway() from None
            raise PlatformRefuses(code=problem.code) from None
        except ApiAway:
            raise PlatformAway() from None
        return BotName(str(who.get("id", "")), str(who.get("username", ""))[:64], str(who.get("first_name", ""))[:64])

    def check_official_account(self, app_id: str, app_secret: Secret, /) -> None:
        """Ask for the token that is in force already; nobody's ends by that. Raises `AppSecretWrong`, `NotListed`, …"""
        http = open_http(self.wechat_base)
        given = {"grant_type": "client_credential", "appid": app_id, "secret": app_secret.reveal().decode()}
        try:
            ask(http, "POST", "/cgi-bin/stable_token", json=given | {"force_refresh": False})
        except WeChatProblem as problem:
            if problem.code in WRONG_SECRET:
                raise AppSecretWrong() from None
            if problem.code == NOT_ON_LIST:
                named = ADDRESS.search(problem.said)
                raise NotListed(address=named[0] if named else "") from None
            raise PlatformRefuses(code=problem.code) from None
        except WeChatAway:
            raise PlatformAway() from None
        finally:
            http.close()

    def shop_answers(self, code: str, /) -> str:
        """Whether the page of this shop answers at the store's own address. The code is a party's, checked before."""
        try:
            with (
                httpx.Client(timeout=PAGE_SECONDS, trust_env=False, follow_redirects=False) as client,
                client.stream("GET", f"{self.public_url}/s/{code}") as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    return str(answer.status_code)
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST_PAGE:
                        break
        except httpx.HTTPError:
            return "away"
        return "" if f'data-merchant="{code}"'.encode() in body else "elsewhere"


def connecting_of(config: Config) -> Connecting:
    """What the panel's pages of setting up are handed."""
    return Connecting(
        platforms=StorePlatforms.of(config),
        verify_key=config.secret(config.secrets.verify_key),
        public_url=config.public_url,
        currency=config.store.currency,
        zone=config.store.timezone,
        has_sandbox=config.pay.sandbox.enabled,
        telegram_mode=config.telegram.mode,
    )
