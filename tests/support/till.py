"""A till for tests: gateway accounts of the sandbox, its signed notices, and looks at what became of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from channels.pay.sandbox import SandboxGateway, SandboxVerifier
from core.clock import FixedClock
from core.ids import new_id
from core.ledger.checks import CHECKS as LEDGER_CHECKS
from core.money import Money
from core.orders.service import PlacedOrder
from core.payments.checks import CHECKS as PAYMENT_CHECKS
from core.payments.service import NoticeAnswer, receive_notice, start_payment, start_topup
from core.ports import Outcome, RawNotice
from core.vault.notices import SandboxNotice, sandbox_private_key, sandbox_public_key, sign_notice
from tests.builders import NOON, Shop, Talker, broken

ACT_KEY = b"the worker's act key of the tests"
PRIVATE_KEY = sandbox_private_key(ACT_KEY)
PUBLIC_KEY = sandbox_public_key(ACT_KEY)


@dataclass
class CountingCounter:
    """Counts in memory what a Counter counts."""

    hits: dict[str, int] = field(default_factory=dict)

    def hit(self, name: str, *, seconds: int) -> int:
        """Count one."""
        self.hits[name] = self.hits.get(name, 0) + 1
        return self.hits[name]

    def seen(self, name: str, *, seconds: int) -> int:
        """How many there were."""
        return self.hits.get(name, 0)


@dataclass
class ScriptedGateway:
    """A gateway that answers refunds as it is told, and notes each question."""

    answers: list[Outcome]
    asked: list[UUID] = field(default_factory=list)
    given: set[UUID] = field(default_factory=set)

    def start(self, payment_id: UUID, amount: Money) -> object:
        """Refunds only."""
        raise AssertionError("nothing is started here")

    def query(self, payment_id: UUID) -> tuple[Outcome, RawNotice | None]:
        """It knows nothing."""
        return Outcome.UNKNOWN, None

    def refund(self, refund_id: UUID, payment_id: UUID, external_id: str, amount: Money) -> Outcome:
        """The next answer of the script; money moves with a YES, once per refund."""
        self.asked.append(refund_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is Outcome.YES:
            self.given.add(refund_id)
        return answer


@dataclass
class Till:
    """The sandbox beside a `Shop`; the clock starts at NOON."""

    shop: Shop
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    counter: CountingCounter = field(default_factory=CountingCounter)
    accounts: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def verifiers(self) -> dict[str, SandboxVerifier]:
        return {"sandbox": SandboxVerifier(PUBLIC_KEY, clock=self.clock)}

    @property
    def gateway(self) -> SandboxGateway:
        return SandboxGateway(PRIVATE_KEY, clock=self.clock, address="http://127.0.0.1:9")

    def account(self, name: str = "main", *, merchant: int | None = None, currency: str = "CNY") -> tuple[int, str]:
        """A gateway account: (id, opaque id)."""
        if name not in self.accounts:
            opaque_id = f"opaque-{name}-0123456789"
            owner = self.shop.merchant if merchant is None else merchant
            rows = self.shop.sql(
                "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
                " VALUES (%s, 'sandbox', %s, %s, %s, now()) RETURNING id",
                [opaque_id, owner, currency, json.dumps({"zh-CN": "沙箱", "en": "Sandbox"})],
            )
            self.accounts[name] = (rows[0][0], opaque_id)
        return self.accounts[name]

    def start(self, order: PlacedOrder, *, account: str = "main") -> UUID:
        """An intent for an order; returns the payment's id."""
        return start_payment(order_id=order.order_id, gateway_account_id=self.account(account)[0], now=self.now)

    def notice(
        self,
        payment: UUID,
        minor: int,
        *,
        account: str = "main",
        currency: str = "CNY",
        kind: str = "paid",
        transaction: str | None = None,
        at: datetime | None = None,
    ) -> RawNotice:
        """What the sandbox would send, signed."""
        said = SandboxNotice(
            account=self.account(account)[1],
            transaction=transaction or f"sbx_{new_id().hex}",
            kind=kind,
            payment=str(payment),
            amount_minor=minor,
            currency=currency,
            at=int((at or self.now).timestamp()),
        )
        body, headers = sign_notice(PRIVATE_KEY, said)
        return RawNotice(body, headers)

    def receive(self, raw: RawNotice, *, account: str = "main") -> NoticeAnswer:
        """A notice arrives at an account's address."""
        return receive_notice(
            gateway="sandbox",
            opaque_id=self.account(account)[1],
            raw=raw,
            verifiers=self.verifiers,
            counter=self.counter,
            policy=self.shop.policy,
            now=self.now,
        )

    def pay(self, order: PlacedOrder, *, account: str = "main") -> UUID:
        """Start a payment of an order and let its notice arrive; returns the payment's id."""
        payment = self.start(order, account=account)
        minor = self.shop.sql("SELECT amount_minor FROM payment WHERE id = %s", [payment])[0][0]
        self.receive(self.notice(payment, minor, account=account), account=account)
        return payment

    def wait(self, **time: float) -> datetime:
        """Move the clock."""
        return self.clock.move(timedelta(**time))

    def order_state(self, order: PlacedOrder) -> str:
        """The stored state of an order."""
        return str(self.shop.sql("SELECT state FROM shop_order WHERE id = %s", [order.order_id])[0][0])

    def payment_state(self, payment: UUID) -> str:
        """The stored state of a payment."""
        return str(self.shop.sql("SELECT state FROM payment WHERE id = %s", [payment])[0][0])

    def events(self) -> list[tuple[str, str | None, str | None]]:
        """Each event in the order of arrival: where it was booked, why, what became of it."""
        return self.shop.sql("SELECT booked_to, reason, resolution FROM payment_event ORDER BY received_at, id")

    def told(self) -> list[str]:
        """The kinds of all messages, oldest first."""
        return [row[0] for row in self.shop.sql("SELECT kind FROM message ORDER BY id")]

    def queued(self, kind: str) -> list[UUID]:
        """The references of the queue rows of one kind."""
        rows = [json.loads(bytes(row[0])) for row in self.shop.sql("SELECT data FROM keystall_task ORDER BY id")]
        return [UUID(row["ref"]) for row in rows if row["kind"] == kind]

    def balances(self, currency: str = "CNY") -> dict[str, int]:
        """The balance of each kind of account, from transfers; zeros are left out."""
        rows = self.shop.sql(
            "SELECT a.kind, sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END)::bigint"
            " FROM account a JOIN transfer t ON a.id IN (t.debit_id, t.credit_id)"
            " WHERE a.currency = %s GROUP BY a.kind",
            [currency],
        )
        return {kind: total for kind, total in rows if total}

    def fill_wallet(self, talker: Talker, minor: int) -> None:
        """Fill a shopper's wallet the real way: a top-up, paid."""
        payment = start_topup(
            actor=talker.actor,
            gateway_account_id=self.account()[0],
            amount=Money(minor, "CNY"),
            now=self.now,
        )
        self.receive(self.notice(payment, minor))

    def violations(self) -> dict[str, int]:
        """Every check of the books and of payments that finds something."""
        return broken(self.shop.sql, LEDGER_CHECKS | PAYMENT_CHECKS)
