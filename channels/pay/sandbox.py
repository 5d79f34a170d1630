"""The sandbox gateway: play money with the same moves as a real one, so that the whole path can be tried.

Only in a database that was made for it and while the shop listens on loopback. The worker is both our side and the
sandbox's own: it keeps what was "charged" in tables that no other role writes, and signs notices with Ed25519.
"""

from __future__ import annotations

import ipaddress
import time
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from core.clock import Clock
from core.config import ConfigError
from core.db import execute, in_transaction
from core.errors import Invalid
from core.ids import new_id
from core.money import Money
from core.payments.rules import PaymentState
from core.payments.service import PaymentView, find_payment, make_intent
from core.ports import Notice, Outcome, RawNotice, Started, Unauthentic
from core.vault.notices import SIGNATURE_HEADER, SandboxNotice, UnsignedNotice, read_notice, sign_notice

FRESH = timedelta(seconds=300)
"""How far a notice's time may be from the store's clock, in both directions."""

TRIES = 4
"""How often a notice is sent before the poller has to find the payment."""

CHARGE = """
INSERT INTO sandbox_charge (payment_id, opaque_id, transaction_no, amount_minor, currency, paid_at, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (payment_id) DO NOTHING
"""
FIND_CHARGE = "SELECT transaction_no, opaque_id, amount_minor, currency FROM sandbox_charge WHERE payment_id = %s"
LOCK_CHARGE = "SELECT amount_minor, currency, transaction_no FROM sandbox_charge WHERE payment_id = %s FOR UPDATE"
REFUNDED = "SELECT coalesce(sum(amount_minor), 0) FROM sandbox_refund WHERE payment_id = %s AND refund_id <> %s"
REFUND = """
INSERT INTO sandbox_refund (refund_id, payment_id, transaction_no, amount_minor, created_at)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (refund_id) DO NOTHING
"""


def refuse_elsewhere(*, kind: str, host: str) -> None:
    """Raise ConfigError unless play money is allowed here: a demo or test database, a loopback listener."""
    if kind not in ("demo", "test"):
        raise ConfigError(
            "pay.sandbox.enabled is set, but this is not a demo database: play money would be sold for real goods. "
            "Set it to false, or use `python run.py demo` in a folder of its own"
        )
    if not _is_loopback(host):
        raise ConfigError(
            f"pay.sandbox.enabled is set, but the shop listens on {host}: anyone there could pay with play money. "
            "Set web.host to 127.0.0.1 or pay.sandbox.enabled to false"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class SandboxVerifier:
    """The web process's half: `public_key` (Ed25519, 32 bytes) stands in the `installation` row."""

    def __init__(self, public_key: bytes, *, clock: Clock) -> None:
        self._public_key = public_key
        self._clock = clock

    def verify(self, raw: RawNotice, *, opaque_id: str) -> Notice:
        """The notice that the sandbox signed for this account within 300 s of now. Raises `Unauthentic`."""
        try:
            said = read_notice(self._public_key, raw.body, raw.headers, account=opaque_id)
            amount = Money(said.amount_minor, said.currency)
        except (UnsignedNotice, Invalid):
            raise Unauthentic("the sandbox did not sign this") from None
        if abs(self._clock.now().timestamp() - said.at) > FRESH.total_seconds():
            raise Unauthentic("a notice from another time")
        if said.kind not in ("paid", "refunded"):
            raise Unauthentic("a notice of another kind")
        return Notice(
            external_id=said.transaction,
            kind=said.kind,
            payment_id=UUID(said.payment),
            amount=amount,
            account=said.account,
        )


class SandboxGateway:
    """The worker's half, and behind it the sandbox's own side; `private_key` is its Ed25519 key (32 bytes).

    `address` is where the shop listens, for example `http://127.0.0.1:8000`; it must be loopback.
    """

    def __init__(self, private_key: bytes, *, clock: Clock, address: str, timeout: float = 5.0) -> None:
        if not _is_loopback(httpx.URL(address).host):
            raise ConfigError(f"the sandbox sends its notices to loopback only, not to {address}: set web.host to it")
        self._private_key = private_key
        self._clock = clock
        self._address = address.rstrip("/")
        self._timeout = timeout

    def start(self, payment_id: UUID, amount: Money) -> Started:
        """An intent; the sandbox has no page of its own, the button stands on ours."""
        return Started(external_ref=f"sandbox-{payment_id.hex}", url=None)

    def query(self, payment_id: UUID) -> tuple[Outcome, RawNotice | None]:
        """YES with a freshly signed notice once the payment was charged, else NO."""
        notice = self._paid_notice(payment_id)
        return (Outcome.NO, None) if notice is None else (Outcome.YES, self.signed(notice))

    def refund(self, refund_id: UUID, payment_id: UUID, external_id: str, amount: Money) -> Outcome:
        """Give a charge back, once per `refund_id`; NO for more than was charged, or a charge that never was."""

        def work() -> Outcome:
            charge = execute(LOCK_CHARGE, (payment_id,))
            if not charge or charge[0][1:] != (amount.currency, external_id):
                return Outcome.NO
            given = execute(REFUNDED, (payment_id, refund_id))[0][0]
            if given + amount.minor > charge[0][0]:
                return Outcome.NO
            execute(REFUND, (refund_id, payment_id, external_id, amount.minor, self._clock.now()))
            return Outcome.YES

        return in_transaction(work, repeatable=True)

    def charge(self, payment: PaymentView) -> None:
        """The shopper pressed the button: take the money, once per payment."""
        now = self._clock.now()
        money = (payment.amount.minor, payment.amount.currency)
        execute(CHARGE, (payment.id, payment.opaque_id, f"sbx_{new_id().hex}", *money, now, now))

    def send_notice(self, payment_id: UUID) -> bool:
        """Send the notice of a charged payment to the shop until it answers 200; False when it never does."""
        notice = self._paid_notice(payment_id)
        if notice is None:
            return False
        with httpx.Client(timeout=self._timeout, trust_env=False, follow_redirects=False) as client:
            for attempt in range(TRIES):
                if attempt:
                    time.sleep(0.2 * 2**attempt)
                raw = self.signed(notice)
                try:
                    answer = client.post(
                        f"{self._address}/hooks/pay/sandbox/{notice.account}", content=raw.body, headers=raw.headers
                    )
                except httpx.TransportError:
                    continue
                if answer.status_code == httpx.codes.OK:
                    return True
        return False

    def _paid_notice(self, payment_id: UUID) -> SandboxNotice | None:
        rows = execute(FIND_CHARGE, (payment_id,))
        if not rows:
            return None
        transaction, opaque_id, amount, currency = rows[0]
        return SandboxNotice(
            account=opaque_id,
            transaction=transaction,
            kind="paid",
            payment=str(payment_id),
            amount_minor=amount,
            currency=currency,
            at=int(self._clock.now().timestamp()),
        )

    def signed(self, notice: SandboxNotice) -> RawNotice:
        """A notice as the sandbox sends it."""
        body, headers = sign_notice(self._private_key, notice)
        return RawNotice(body=body, headers={name: headers[name] for name in ("content-type", SIGNATURE_HEADER)})


def pay_in_sandbox(payment_id: UUID, *, sandbox: SandboxGateway, now: datetime) -> bool:
    """The work behind the sandbox's button: the intent, the charge, the notice. True once the shop took the notice.

    Repeated, it charges nothing again and sends the same notice; when no notice arrives the poller finds the payment.
    """
    payment = make_intent(payment_id=payment_id, gateways={"sandbox": sandbox}, now=now)
    if payment.gateway != "sandbox" or payment.state not in (PaymentState.PENDING, PaymentState.EXPIRED):
        return False
    sandbox.charge(find_payment(payment_id=payment_id))
    return sandbox.send_notice(payment_id)
