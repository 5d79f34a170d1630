"""Wires Telegram Stars into the worker: its gateway, what confirms its payments, and the way to the vault between."""

from __future__ import annotations

from dataclasses import dataclass

from bot.texts import Phrasebook
from channels.pay.stars import StarsGateway
from channels.pay.stars_api import TelegramApis
from core.clock import Clock
from core.config import Config
from core.connections.stars import STARS, BoundBot, bound_bot
from core.payments.statements import ConfirmedVerifier, ConfirmingVault
from core.vault.client import VaultClient
from core.vault.confirmations import confirmation_key


@dataclass(frozen=True)
class Stars:
    """Both halves of the gateway as the worker holds them; no door gets the verifier, since nobody signs at a door."""

    gateway: StarsGateway
    verifier: ConfirmedVerifier
    apis: TelegramApis

    def confirming(self, vault: VaultClient, *, clock: Clock) -> ConfirmingVault:
        """The way to the vault that asks Telegram first where a proof is missing."""
        return ConfirmingVault(vault, readers={STARS: self.gateway}, clock=clock)

    def close(self) -> None:
        """Give connections to Telegram back."""
        self.apis.close()


def stars(config: Config, *, clock: Clock) -> Stars:
    """Telegram Stars with the worker's keys. Raises ConfigError where one is missing."""
    act_key = config.secret(config.secrets.act_key)
    key = confirmation_key(config.secret(config.secrets.worker_key).reveal())
    apis = TelegramApis(
        config.secret(config.secrets.bot_key), api_base=config.telegram.api_base, proxy=config.telegram.proxy
    )

    def reads(account_id: int) -> BoundBot:
        return bound_bot(account_id=account_id, act_key=act_key)

    gateway = StarsGateway(
        api_of=apis.of,
        bound_bot_of=reads,
        key=key,
        phrasebook=Phrasebook(zone=config.store.timezone, default=config.store.default_locale),
        clock=clock,
    )
    return Stars(gateway, ConfirmedVerifier(key), apis)
