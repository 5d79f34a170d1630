"""What a merchant is connected to: the accounts at which its shoppers pay. Credentials live with the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, execute
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_token
from core.money import EXPONENT, Rate
from core.parties.service import PartyKind, Role, access_party, may_see, require_change
from core.titles import Names, checked_names

GATEWAYS = frozenset({"sandbox", "stars"})
"""The gateways that this installation speaks to."""

OWN_CURRENCY = {"stars": "XTR"}
"""Gateways that take one currency only, whatever the orders are in."""

CREATE = (
    "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, settings, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id"
)
COLUMNS = "id, opaque_id, gateway, merchant_id, currency, names, enabled, settings FROM gateway_account"
IS_OFFERED = "enabled AND EXISTS (SELECT 1 FROM party m WHERE m.id = merchant_id AND m.status = 'active')"
OF_MERCHANT = f"SELECT {COLUMNS} WHERE merchant_id = %s AND currency = %s AND {IS_OFFERED} ORDER BY id"
EXCHANGING = (
    f"SELECT {COLUMNS} WHERE merchant_id = %s AND currency <> %s AND settings -> 'rate' ->> 'currency' = %s"
    f" AND {IS_OFFERED} ORDER BY id"
)
EVERY = """
SELECT g.id, g.opaque_id, g.gateway, g.merchant_id, g.currency, g.names, g.enabled, g.settings, m.code
FROM gateway_account g JOIN party m ON m.id = g.merchant_id ORDER BY g.id
"""
BY_OPAQUE_ID = f"SELECT {COLUMNS} WHERE opaque_id = %s"
BY_ID = f"SELECT {COLUMNS} WHERE id = %s"
INSTALLATION = "SELECT kind, sandbox_public_key IS NOT NULL FROM installation"


class SandboxElsewhere(NotAllowed):
    """The sandbox gateway works only in a database that was marked for it when it was made."""


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """An account of a merchant at a gateway; `opaque_id` stands in the address of its callbacks.

    `settings` holds no secret: for Stars `rate` (`minor`, `units`, `currency`) and `chat_account`, the bot's.
    """

    id: int
    opaque_id: str
    gateway: str
    merchant_id: int
    currency: str
    names: dict[str, str]
    enabled: bool
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> Rate | None:
        """At which its currency pays for orders in another now; None where it pays for its own only."""
        rate = self.settings.get("rate")
        return Rate(rate["minor"], rate["units"], rate["currency"]) if rate else None

    @property
    def chat_account_id(self) -> int | None:
        """The bot in whose chats it is paid; None where it is paid anywhere."""
        found = self.settings.get("chat_account")
        return int(found) if found is not None else None


def create_gateway_account(
    *,
    actor: Actor,
    merchant_id: int,
    gateway: str,
    currency: str,
    names: Names,
    settings: Mapping[str, Any] | None = None,
    now: datetime,
) -> GatewayAccount:
    """Connect a merchant to a gateway. Raises `NotFound`, `NotAllowed`, `Invalid`, `SandboxElsewhere`."""
    require_change(actor, merchant_id, Role.FINANCE, what="party")
    if access_party(actor=actor, party_id=merchant_id).kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    if gateway not in GATEWAYS or currency not in EXPONENT or OWN_CURRENCY.get(gateway, currency) != currency:
        raise Invalid(what="gateway")
    if gateway == "sandbox" and execute(INSTALLATION) not in ([("demo", True)], [("test", True)]):
        raise SandboxElsewhere()
    opaque_id = new_token()
    row = (opaque_id, gateway, merchant_id, currency, Jsonb(checked_names(names, what="name")))
    with atomic():
        account_id = int(execute(CREATE, (*row, Jsonb(dict(settings or {})), now))[0][0])
        audit.append(
            actor=actor,
            action="gateway_account.created",
            object_kind="gateway_account",
            object_id=account_id,
            party_id=merchant_id,
            now=now,
        )
    return by_opaque_id(opaque_id)


def gateway_accounts(*, merchant_id: int, currency: str) -> list[GatewayAccount]:
    """The enabled accounts of a merchant in one currency, oldest first: the rails that a shopper is offered.

    A suspended merchant has none."""
    return [GatewayAccount(*row) for row in execute(OF_MERCHANT, (merchant_id, currency))]


def exchanging_accounts(*, merchant_id: int, currency: str) -> list[GatewayAccount]:
    """The enabled accounts of a merchant that take another currency for orders in this one, by a rate of their own."""
    return [GatewayAccount(*row) for row in execute(EXCHANGING, (merchant_id, currency, currency))]


def every_gateway_account() -> list[tuple[GatewayAccount, str]]:
    """All accounts with their merchants' codes, those that are off too, oldest first; for the command line."""
    return [(GatewayAccount(*row), code) for *row, code in execute(EVERY)]


def by_opaque_id(opaque_id: str) -> GatewayAccount:
    """The account whose callback address this is, enabled or not (its money is still booked). Raises `NotFound`."""
    return _account(execute(BY_OPAQUE_ID, (opaque_id,)) if opaque_id.isascii() and "\0" not in opaque_id else [])


def gateway_account(*, account_id: int) -> GatewayAccount:
    """The account of this id, for the store itself. Raises `NotFound`."""
    return _account(execute(BY_ID, (account_id,)))


def access_gateway_account(*, actor: Actor, account_id: int) -> GatewayAccount:
    """An account that the actor may see. Raises `NotFound`, the same for missing and foreign."""
    account = gateway_account(account_id=account_id)
    if not may_see(actor, account.merchant_id):
        raise NotFound("gateway_account")
    return account


def _account(rows: list[tuple[Any, ...]]) -> GatewayAccount:
    if not rows:
        raise NotFound("gateway_account")
    return GatewayAccount(*rows[0])
