"""What gateways paid to the bank of who collects with them, and how long sales wait before they can be paid out.

A merchant that owns its gateway says itself what it got: its own word, good for taking its own share out and never a
basis for what it owes others (books.md). The platform collects only where the gateway itself splits payments.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import peewee

from core.actor import Actor
from core.audit.service import append
from core.connections.service import access_gateway_account
from core.db import changed, constraint, execute, in_transaction
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.money import GREATEST, Money
from core.parties.rules import Role
from core.parties.service import platform_id, require_change
from core.settlement.claims import HAVE_ROW
from core.settlement.found import checked
from core.settlement.rules import SPLITTING
from core.submission import claim_submission

LONGEST_PERIOD = 365

RECORD = """
INSERT INTO gateway_settlement (id, gateway_account_id, debtor_id, currency, amount, is_own, reference, recorded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
ADD = """
UPDATE settled_money SET settled = settled + %(amount)s, settled_for_others = settled_for_others + %(others)s
WHERE debtor_id = %(debtor)s AND currency = %(currency)s
"""
FIND = """
SELECT debtor_id, currency, amount, is_own, taken_back_at IS NOT NULL FROM gateway_settlement WHERE id = %s
"""
TAKE_BACK = "UPDATE gateway_settlement SET taken_back_at = %s WHERE id = %s AND taken_back_at IS NULL"
SET_DAYS = """
INSERT INTO settle_period (party_id, debtor_id, days) VALUES (%s, %s, %s)
ON CONFLICT (party_id, debtor_id) DO UPDATE SET days = EXCLUDED.days
"""


class NotItsCollector(Conflict):
    """This gateway's money lands with its merchant; the platform collects only where the gateway splits payments."""


class SettlementBooked(Conflict):
    """Money with this reference is recorded for the gateway already."""


class SettlementInUse(Conflict):
    """What a settlement brought was made available already: it cannot be taken back."""


def record_settlement(
    *,
    actor: Actor,
    gateway_account_id: int,
    debtor_id: int,
    amount: Money,
    reference: str,
    submission_id: str,
    now: datetime,
) -> UUID:
    """A gateway paid `amount` to its collector's bank; `reference` is the bank's number of it and counts once.

    Returns the settlement's id. Raises `NotFound`, `NotAllowed`, `Invalid`, `NotItsCollector`, `SettlementBooked`.
    """
    require_change(actor, debtor_id, Role.FINANCE, what="party")
    reference = checked(reference, what="reference")
    if not 0 < amount.minor <= GREATEST:
        raise Invalid(what="amount")
    account = access_gateway_account(actor=actor, account_id=gateway_account_id)
    is_own = account.merchant_id == debtor_id
    if not is_own and not (debtor_id == platform_id() and account.gateway in SPLITTING):
        raise NotItsCollector(gateway=account.gateway)
    row = (new_id(), gateway_account_id, debtor_id, amount.currency, amount.minor, is_own, reference, now)
    try:
        return in_transaction(lambda: _record(actor, submission_id, row), repeatable=True)
    except peewee.IntegrityError as error:
        if constraint(error) != "gateway_settlement_once":
            raise
        raise SettlementBooked(reference=reference) from None


def _record(actor: Actor, submission_id: str, row: tuple[UUID, int, int, str, int, bool, str, datetime]) -> UUID:
    settlement_id, gateway_account_id, debtor_id, currency, minor, is_own, reference, now = row
    first = claim_submission(
        merchant_id=debtor_id,
        caller=f"{actor.kind}:{actor.id}",
        operation="payout.settled",
        key=submission_id,
        request=[gateway_account_id, minor, currency, reference],
        reference=settlement_id,
        now=now,
    )
    if first is not None:
        return first
    execute(RECORD, row)
    _add(debtor_id, currency, minor, is_own=is_own)
    _audit(actor, "settlement.recorded", settlement_id, debtor_id, {"amount_minor": minor, "own": is_own}, now)
    return settlement_id


def take_back_settlement(*, actor: Actor, settlement_id: UUID, reason: str, now: datetime) -> None:
    """A settlement was recorded wrongly; its reference may be recorded again. Only while nothing of it was released.

    Raises `NotFound` (also when it was taken back before), `NotAllowed`, `Invalid`, `SettlementInUse`.
    """
    reason = checked(reason, what="reason")

    def work() -> None:
        rows = execute(FIND, (settlement_id,))
        if not rows:
            raise NotFound("settlement")
        debtor_id, currency, amount, is_own, is_taken_back = rows[0]
        require_change(actor, debtor_id, Role.FINANCE, what="settlement")
        if is_taken_back or changed(TAKE_BACK, (now, settlement_id)) != 1:
            raise NotFound("settlement")
        _audit(actor, "settlement.taken_back", settlement_id, debtor_id, {"reason": reason}, now)
        _add(debtor_id, currency, -amount, is_own=is_own)

    try:
        in_transaction(work)
    except peewee.IntegrityError as error:
        if constraint(error) not in ("released_within_settled", "released_to_others_within_settled"):
            raise
        raise SettlementInUse from None


def set_settle_days(*, actor: Actor, party_id: int, debtor_id: int, days: int, now: datetime) -> None:
    """How many days a party's sales wait before this debtor pays them out: the debtor's finance staff or the platform.

    Raises `NotFound`, `NotAllowed`, `Invalid` for anything but 0 to 365.
    """
    require_change(actor, debtor_id, Role.FINANCE, what="party")
    if not 0 <= days <= LONGEST_PERIOD:
        raise Invalid(what="days")

    def work() -> None:
        execute(SET_DAYS, (party_id, debtor_id, days))
        _audit(actor, "settlement.period_set", party_id, debtor_id, {"days": days, "party": party_id}, now)

    in_transaction(work, repeatable=True)


def _add(debtor_id: int, currency: str, amount: int, *, is_own: bool) -> None:
    execute(HAVE_ROW, (debtor_id, currency))
    which = {"debtor": debtor_id, "currency": currency}
    changed(ADD, which | {"amount": amount, "others": 0 if is_own else amount})


def _audit(
    actor: Actor,
    action: str,
    object_id: UUID | int,
    debtor_id: int,
    detail: Mapping[str, str | int | bool | None],
    now: datetime,
) -> None:
    append(
        actor=actor,
        action=action,
        object_kind="settlement",
        object_id=object_id,
        detail=detail,
        party_id=debtor_id,
        now=now,
    )
