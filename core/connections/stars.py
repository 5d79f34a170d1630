"""Telegram Stars as a gateway: one account a bot, at a rate that its merchant sets.

Which bot's statement the worker asks about an account's money, and whose account it is, are not read from the tables,
which whoever writes the database could point at a bot of theirs: both are sealed beside the account, with the key that
only the worker has (and the command line, which makes the account).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.connections.chats import ChatAccount, ChatChannel
from core.connections.credentials import AccountKind, Holder, find_credential, store_credential
from core.connections.service import GatewayAccount, create_gateway_account, gateway_account
from core.db import atomic, changed, execute
from core.errors import Invalid, NotAllowed
from core.money import Rate
from core.parties.service import Role, require_change
from core.secret import Secret

STARS = "stars"
CURRENCY = "XTR"
NAMES = {"zh-CN": "Telegram 星星", "en": "Telegram Stars"}
BOT = "bot"

OF_BOT = "SELECT id FROM gateway_account WHERE gateway = 'stars' AND settings ->> 'chat_account' = %s::text"
SET_RATE = """
UPDATE gateway_account SET settings = settings || jsonb_build_object('rate', %s::jsonb), enabled = true WHERE id = %s
"""
KIND = "SELECT kind FROM installation"


class StarsElsewhere(NotAllowed):
    """A demo database takes Stars from a Bot API server on this machine only: nobody pays a demo real money."""


def connect_stars(
    *, actor: Actor, bot: ChatAccount, rate: Rate, act_key: Secret, api_base: str, now: datetime
) -> GatewayAccount:
    """Let orders in the chats of a merchant's bot be paid in Stars, at this rate from now on; twice sets the rate.

    `api_base` is the Bot API server that this bot is reached at, empty for Telegram's own. Raises `NotFound`,
    `NotAllowed`, `Invalid`, `StarsElsewhere`.
    """
    if bot.channel is not ChatChannel.TELEGRAM:
        raise Invalid(what="bot")
    refuse_real_stars(api_base=api_base)
    frozen = {"minor": rate.minor, "units": rate.units, "currency": rate.currency}
    with atomic():
        found = find_stars_account(chat_account_id=bot.id)
        if found is not None:
            return _change_rate(actor, found, frozen, now)
        made = create_gateway_account(
            actor=actor,
            merchant_id=bot.merchant_id,
            gateway=STARS,
            currency=CURRENCY,
            names=NAMES,
            settings={"rate": frozen, "chat_account": bot.id},
            now=now,
        )
        secret, kind = Secret(f"{bot.merchant_id}:{bot.external_id}"), AccountKind.GATEWAY
        store_credential(act_key, kind=kind, account_id=made.id, name=BOT, holder=Holder.ACT, value=secret, now=now)
    return made


def refuse_real_stars(*, api_base: str) -> None:
    """Raise `StarsElsewhere` in a demo database for a Bot API server that is not on this machine."""
    if execute(KIND) == [("demo",)] and not is_loopback(api_base):
        raise StarsElsewhere


def is_loopback(address: str) -> bool:
    """Whether an address (`http://127.0.0.1:8081`) is this machine; the empty one is Telegram's own."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_stars_account(*, chat_account_id: int) -> GatewayAccount | None:
    """Where what a bot is paid is booked, enabled or not (its money is booked all the same); None if it takes none."""
    rows = execute(OF_BOT, (chat_account_id,))
    return gateway_account(account_id=rows[0][0]) if rows else None


@dataclass(frozen=True, slots=True)
class BoundBot:
    """For whom an account was made, as it was sealed: its merchant, and Telegram's number of its bot."""

    merchant_id: int
    external_id: str


def bound_bot(*, account_id: int, act_key: Secret) -> BoundBot:
    """For whom an account was made. Raises `NotFound`; `SealError` if what was sealed was altered."""
    found = find_credential(act_key, kind=AccountKind.GATEWAY, account_id=account_id, name=BOT, holder=Holder.ACT)
    merchant, _, bot = found.reveal().decode().partition(":")
    return BoundBot(int(merchant), bot)


def _change_rate(actor: Actor, account: GatewayAccount, frozen: Mapping[str, Any], now: datetime) -> GatewayAccount:
    require_change(actor, account.merchant_id, Role.FINANCE, what="gateway_account")
    changed(SET_RATE, (Jsonb(dict(frozen)), account.id))
    audit.append(
        actor=actor,
        action="gateway_account.changed",
        object_kind="gateway_account",
        object_id=account.id,
        detail={"rate": f"{frozen['minor']}/{frozen['units']}"},
        party_id=account.merchant_id,
        now=now,
    )
    return gateway_account(account_id=account.id)
