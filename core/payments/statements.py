"""Money of gateways that sign nothing: the worker asks for the account's statement and keeps what it heard, with proof.

A statement only grows, so it is read from where the last reading ended; one reading confirms every payment on it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from core.clock import Clock
from core.connections.stars import BoundBot
from core.db import execute, in_transaction
from core.money import Money
from core.payments import stars_sql
from core.ports import Notice, Outcome, RawNotice, Unauthentic
from core.vault.client import Opened, VaultCode, VaultRefused
from core.vault.confirmations import Confirmation, confirm, is_confirmed
from core.work import Work, enqueue_missing

CERTAIN_AFTER = timedelta(minutes=10)
"""Money that the statement still does not show so long after its update never came."""

PROOF_HEADER = "keystall-confirmation"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """Money that came in, as an account's statement has it (amount in minor units, time UTC)."""

    external_id: str
    payment_id: UUID
    payer: str
    amount_minor: int
    paid_at: datetime


class StatementReader(Protocol):
    """The worker's half of a gateway that is asked instead of believed."""

    def read_statement(self, gateway_account_id: int, /) -> bool:
        """Record all that is new on an account's statement; False when its end was not reached."""
        ...


class Vault(Protocol):
    """`core.vault.client.VaultClient`, or what a test puts in its place."""

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened: ...


def statement_seen(*, gateway_account_id: int) -> int:
    """How many transactions of an account's statement were read before."""
    rows = execute(stars_sql.STATEMENT_SEEN, (gateway_account_id,))
    return int(rows[0][0]) if rows else 0


def record_page(
    *,
    gateway_account_id: int,
    bot: BoundBot,
    lines: Sequence[StatementLine],
    currency: str,
    seen: int,
    key: bytes,
    now: datetime,
) -> None:
    """Keep what one page of a statement says came in, with proof, and that `seen` transactions were read by then.

    A payment whose update has not come is asked about by the queue: no update has to arrive (fault 33).
    """
    proofs = [
        confirm(key, Confirmation(gateway_account_id, bot.merchant_id, x.external_id, x.payment_id, x.payer,
                                  x.amount_minor, currency))
        for x in lines
    ]  # fmt: skip
    names = [line.external_id for line in lines]
    page = {
        "account": gateway_account_id,
        "merchant": bot.merchant_id,
        "seen": seen,
        "currency": currency,
        "external_ids": names,
        "payments": [line.payment_id for line in lines],
        "payers": [line.payer for line in lines],
        "amounts": [line.amount_minor for line in lines],
        "times": [line.paid_at for line in lines],
        "proofs": proofs,
        "now": now,
    }

    def work() -> None:
        execute(stars_sql.RECORD_PAGE, page)
        missing = execute(stars_sql.UNBOOKED, (gateway_account_id, names))
        enqueue_missing(Work.QUERY_PAYMENT, [payment_id for (payment_id,) in missing])

    in_transaction(work, repeatable=True)


def confirmed_notice(*, gateway_account_id: int, opaque_id: str, payment_id: UUID) -> RawNotice | None:
    """What the statement says came in for a payment, as evidence; None when nothing did. Read the statement first."""
    rows = execute(stars_sql.CHARGE_OF_PAYMENT, (gateway_account_id, payment_id))
    if not rows:
        return None
    external_id, merchant_id, payer, amount, currency, proof = rows[0]
    said = {
        "account": opaque_id,
        "gateway_account": gateway_account_id,
        "merchant": merchant_id,
        "external_id": external_id,
        "payment": str(payment_id),
        "payer": payer,
        "amount_minor": amount,
        "currency": currency,
    }
    body = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return RawNotice(body, {"content-type": "application/json", PROOF_HEADER: base64.b64encode(bytes(proof)).decode()})


def payer_of(*, gateway_account_id: int, external_id: str) -> str | None:
    """The gateway's number of who paid a charge; None when the statement does not show it."""
    rows = execute(stars_sql.PAYER, (gateway_account_id, external_id))
    return str(rows[0][0]) if rows else None


class ConfirmedVerifier:
    """Reads what `confirmed_notice` wrote, in the worker: nothing that comes in at a door is ever believed so."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def verify(self, raw: RawNotice, *, opaque_id: str) -> Notice:
        """Raises `Unauthentic`."""
        try:
            said = json.loads(raw.body)
            heard = Confirmation(
                gateway_account=said["gateway_account"],
                merchant=said["merchant"],
                external_id=said["external_id"],
                payment=UUID(said["payment"]),
                payer=said["payer"],
                amount_minor=said["amount_minor"],
                currency=said["currency"],
            )
            proof = base64.b64decode(raw.headers.get(PROOF_HEADER, ""))
        except (ValueError, KeyError, TypeError):
            raise Unauthentic("not a confirmation") from None
        if said["account"] != opaque_id or not is_confirmed(self._key, heard, proof):
            raise Unauthentic("the worker did not confirm this")
        return Notice(
            external_id=heard.external_id,
            kind="paid",
            payment_id=heard.payment,
            amount=Money(heard.amount_minor, heard.currency),
            account=opaque_id,
        )


def confirm_delivery(*, delivery_id: UUID, readers: Mapping[str, StatementReader], now: datetime) -> Outcome:
    """Read the statements that a delivery's proof waits for: YES when all they should show is there now.

    NO when money still does not stand there long after its update came: it never did. UNKNOWN: ask again. Where the
    order's shopper has nothing that waits, the money is another wallet's by now (its account was let go since): every
    statement of the merchant is read, and the vault says whether that was enough.
    """
    waiting = execute(stars_sql.UNCONFIRMED, (delivery_id,))
    if not waiting:
        everywhere = execute(stars_sql.ACCOUNTS_OF_MERCHANT, (list(readers), delivery_id))
        return Outcome.NO if _read(everywhere, readers) and _is_old(everywhere, now) else Outcome.UNKNOWN
    are_read = _read(waiting, readers)
    left = execute(stars_sql.UNCONFIRMED, (delivery_id,))
    if not left:
        return Outcome.YES
    return Outcome.NO if are_read and _is_old(left, now) else Outcome.UNKNOWN


def _read(accounts: Sequence[tuple[int, str, datetime]], readers: Mapping[str, StatementReader]) -> bool:
    """Read the statements of all; whether each was read to its end."""
    read = [readers[gateway].read_statement(account) for account, gateway, _ in accounts if gateway in readers]
    return len(read) == len(accounts) and all(read)


def _is_old(accounts: Sequence[tuple[int, str, datetime]], now: datetime) -> bool:
    return all(now - last > CERTAIN_AFTER for _, _, last in accounts)


class ConfirmingVault:
    """The worker's way to the vault, which asks gateways first where the vault says that a proof is missing.

    The common way costs nothing: only an order paid where nobody signs is refused once, confirmed, and opened then.
    """

    def __init__(self, vault: Vault, *, readers: Mapping[str, StatementReader], clock: Clock) -> None:
        self._vault = vault
        self._readers = readers
        self._clock = clock

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        """Like the vault's own. Raises `VaultAway`, `VaultRefused`; `UNPAID` for money that certainly never came."""
        try:
            return self._vault.open_delivery(delivery, reader=reader, plain=plain)
        except VaultRefused as refusal:
            if refusal.vault_code is not VaultCode.UNCONFIRMED:
                raise
        outcome = confirm_delivery(delivery_id=delivery, readers=self._readers, now=self._clock.now())
        try:
            return self._vault.open_delivery(delivery, reader=reader, plain=plain)
        except VaultRefused as again:
            if again.vault_code is VaultCode.UNCONFIRMED and outcome is Outcome.NO:
                text = "the gateway's own statement does not show the payment"
                raise VaultRefused(VaultCode.UNPAID, text) from None
            raise
