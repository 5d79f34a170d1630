"""The only place that wires everything: settings and keys of one process become what its doors and handlers are handed.

Each function reads only the settings that its process was given (security.md, "Processes and what each may have").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.talk import ShopContext
from bot.texts import Phrasebook
from channels.pay.sandbox import SandboxVerifier
from core import db
from core.clock import Clock, DatabaseClock
from core.config import Config
from core.orders.values import OrderKeys, OrderPolicy
from core.ports import Counter, NoticeVerifier
from core.risk.rules import HoldPolicy
from core.vault.client import VaultClient
from ops.counter import FallingBackCounter

STRANGERS_WAIT = timedelta(minutes=10)
"""Someone without a paid order keeps cards from others no longer than this."""


def clock() -> Clock:
    """The database's time, asked again every 30 s."""
    return DatabaseClock(db.database_now)


def order_policy(config: Config) -> OrderPolicy:
    """The settings `[orders]` and the store's zone."""
    orders = config.orders
    hold_for = timedelta(minutes=orders.hold_minutes)
    return OrderPolicy(
        hold_for=hold_for,
        stranger_hold_for=min(hold_for, STRANGERS_WAIT),
        zone=config.store.timezone,
        holds=HoldPolicy(
            unpaid_per_shopper=orders.unpaid_per_shopper,
            unpaid_per_network=orders.unpaid_per_network,
            stranger_share_percent=orders.stranger_share_percent,
            share_percent=orders.share_percent,
        ),
    )


def order_keys(config: Config) -> OrderKeys:
    """The order-seal key (web, bot, vault) and the key that links are derived from (web, bot)."""
    return OrderKeys(seal=config.secret(config.secrets.seal_key), session=config.secret(config.secrets.session_key))


def shop_context(config: Config) -> ShopContext:
    """What the dialog engine is handed."""
    return ShopContext(
        clock=clock(),
        phrasebook=Phrasebook(zone=config.store.timezone, default=config.store.default_locale),
        order_policy=order_policy(config),
        order_keys=order_keys(config),
        button_key=config.secret(config.secrets.session_key),
    )


def counter(config: Config) -> Counter:
    """Where throttles and rates are counted."""
    return FallingBackCounter(config.redis.url)


def vault_client(config: Config) -> VaultClient:
    """The way to the vault process, for the worker and the command line."""
    return VaultClient(config.vault_socket)


def verifiers(config: Config) -> Mapping[str, NoticeVerifier]:
    """Who checks the notices of which gateway. The sandbox only where it is switched on, in a database made for it."""
    rows = db.execute("SELECT kind, sandbox_public_key FROM installation")
    if not config.pay.sandbox.enabled or not rows or rows[0][0] == "production" or rows[0][1] is None:
        return {}
    return {"sandbox": SandboxVerifier(bytes(rows[0][1]), clock=clock())}
