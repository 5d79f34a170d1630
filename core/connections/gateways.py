"""A merchant's owner connects, pauses and disconnects the gateways at which its shoppers pay."""

from __future__ import annotations

from datetime import datetime

from core.actor import Actor
from core.audit import service as audit
from core.connections.credentials import AccountKind, drop_credentials
from core.connections.service import GatewayAccount, access_gateway_account, create_gateway_account, gateway_account
from core.db import atomic, changed, execute
from core.errors import Conflict
from core.parties.service import Role, require_change

SANDBOX = "sandbox"
NAMES = {"zh-CN": "沙箱", "en": "Sandbox"}

LOCK_MERCHANT = "SELECT pg_advisory_xact_lock(7195, hashint8(%s))"
OF_SANDBOX = "SELECT id FROM gateway_account WHERE merchant_id = %s AND gateway = 'sandbox' AND currency = %s"
SET_ENABLED = "UPDATE gateway_account SET enabled = %s WHERE id = %s AND enabled <> %s AND left_at IS NULL"
LEAVE = "UPDATE gateway_account SET enabled = false, left_at = %s WHERE id = %s AND left_at IS NULL"
BACK = (
    "UPDATE gateway_account SET enabled = true, left_at = NULL WHERE id = %s AND (left_at IS NOT NULL OR NOT enabled)"
)
HAS_LEFT = "SELECT left_at IS NOT NULL FROM gateway_account WHERE id = %s"


class GatewayLeft(Conflict):
    """The gateway was disconnected: connect it again."""


def connect_sandbox(*, actor: Actor, merchant_id: int, currency: str, now: datetime) -> GatewayAccount:
    """Play money for a merchant of a demo or test store; the one that it has is switched on again.

    Raises `NotFound`, `NotAllowed`, `Invalid`, `SandboxElsewhere`.
    """
    require_change(actor, merchant_id, Role.OWNER, what="party")
    with atomic():
        execute(LOCK_MERCHANT, (merchant_id,))
        found = execute(OF_SANDBOX, (merchant_id, currency))
        if not found:
            return create_gateway_account(
                actor=actor, merchant_id=merchant_id, gateway=SANDBOX, currency=currency, names=NAMES, now=now
            )
        account = gateway_account(account_id=found[0][0])
        if changed(BACK, (account.id,)):
            _note(actor, "gateway_account.enabled", account, now)
    return gateway_account(account_id=account.id)


def switch_gateway_account(*, actor: Actor, account_id: int, enabled: bool, now: datetime) -> None:
    """Offer a gateway to shoppers or not; what was begun there is still taken and booked.

    Raises `NotFound`, `NotAllowed`, `GatewayLeft`.
    """
    account = _owned(actor, account_id)
    with atomic():
        if changed(SET_ENABLED, (enabled, account_id, enabled)):
            _note(actor, f"gateway_account.{'enabled' if enabled else 'disabled'}", account, now)
        elif enabled and execute(HAS_LEFT, (account_id,))[0][0]:
            raise GatewayLeft()


def disconnect_gateway_account(*, actor: Actor, account_id: int, now: datetime) -> None:
    """Offer a gateway no more and forget its secrets; money that still comes in is booked. Twice does nothing.

    Raises `NotFound`, `NotAllowed`.
    """
    account = _owned(actor, account_id)
    with atomic():
        if account.gateway == SANDBOX:  # what says whose Stars they are is needed as long as some may come back
            drop_credentials(kind=AccountKind.GATEWAY, account_id=account_id)
        if changed(LEAVE, (now, account_id)):
            _note(actor, "gateway_account.disconnected", account, now)


def _owned(actor: Actor, account_id: int) -> GatewayAccount:
    account = access_gateway_account(actor=actor, account_id=account_id)
    require_change(actor, account.merchant_id, Role.OWNER, what="gateway_account")
    return account


def _note(actor: Actor, action: str, account: GatewayAccount, now: datetime) -> None:
    audit.append(
        actor=actor,
        action=action,
        object_kind="gateway_account",
        object_id=account.id,
        party_id=account.merchant_id,
        now=now,
    )
