"""A bot that takes Stars beside a test shop: what its Telegram says, pays, shows on its statement and gives back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from bot.texts import Phrasebook
from channels.pay.stars import StarsGateway, StarsProblem, StarTransaction
from core.actor import OPERATOR
from core.connections.chats import ChatAccount
from core.connections.service import GatewayAccount
from core.connections.stars import BoundBot, bound_bot, connect_stars
from core.ids import Prefix, public
from core.money import Rate
from core.orders.service import PlacedOrder
from core.payments.service import (
    Booked,
    PrecheckRefusal,
    carry_out_refund,
    check_precheckout,
    make_intent,
    query_payment,
    receive_refunded_payment,
    receive_successful_payment,
    start_stars_payment,
)
from core.payments.statements import ConfirmedVerifier
from core.ports import Outcome
from core.secret import Secret
from core.vault.confirmations import confirmation_key
from tests.builders import Shop, Talker
from tests.support.chats import an_account, somebody
from tests.support.till import Till

ACT_KEY = Secret(b"the worker's act key of the tests")
WORKER_KEY = b"the worker's own key of the tests"
RATE = Rate(14, 1, "CNY")
USER = "5001"


@dataclass
class Telegram:
    """Telegram's own side for one bot: bills that were sent, the statement, refunds; `silent` gives no answers."""

    statement: list[StarTransaction] = field(default_factory=list)
    invoices: list[dict[str, object]] = field(default_factory=list)
    problems: list[StarsProblem] = field(default_factory=list)  # raised by the next calls, first to last
    after: list[StarsProblem] = field(default_factory=list)  # raised once the next calls have done their work
    given_back: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pages: list[tuple[int, int]] = field(default_factory=list)

    def send_invoice(self, *, chat: str, title: str, description: str, payload: str, amount: int) -> str:
        """A bill, as strictly as the Bot API takes it."""
        self._fail(self.problems)
        assert 1 <= len(title) <= 32
        assert 1 <= len(description) <= 255
        assert 1 <= len(payload.encode()) <= 128
        said = {"chat": chat, "title": title, "description": description, "payload": payload, "amount": amount}
        self.invoices.append(said)
        self._fail(self.after)
        return str(len(self.invoices))

    def refund(self, *, payer: str, charge: str) -> None:
        """One refund a charge."""
        self.asked.append(charge)
        self._fail(self.problems)
        paid = [one for one in self.statement if one.incoming and (one.id, one.payer) == (charge, payer)]
        if not paid:
            raise StarsProblem(400, "Bad Request: CHARGE_NOT_FOUND")
        if charge in self.given_back:
            raise StarsProblem(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
        self.given_back.append(charge)
        self.statement.append(StarTransaction(charge, paid[0].amount, paid[0].at, incoming=False))
        self._fail(self.after)

    def transactions(self, *, offset: int, limit: int) -> Sequence[StarTransaction]:
        """One page."""
        self._fail(self.problems)
        self.pages.append((offset, limit))
        return self.statement[offset : offset + limit]

    def charge(self, payload: str, amount: int, at: datetime, *, payer: str = USER, charge: str | None = None) -> str:
        """Somebody pays a bill; returns the charge's id."""
        charge = charge or f"stxcharge{len(self.statement):04}"
        self.statement.append(StarTransaction(charge, amount, at, incoming=True, payload=payload, payer=payer))
        return charge

    def _fail(self, problems: list[StarsProblem]) -> None:
        if problems:
            raise problems.pop(0)


@dataclass
class StarsTill:
    """A bot with Stars of the shop's merchant, and one of its private chats."""

    till: Till
    bot: ChatAccount
    account: GatewayAccount
    telegram: Telegram
    buyer: Talker
    worker_key: bytes = WORKER_KEY

    @property
    def shop(self) -> Shop:
        return self.till.shop

    @property
    def now(self) -> datetime:
        return self.till.now

    @property
    def gateway(self) -> StarsGateway:
        return StarsGateway(
            api_of=self._api_of,
            bound_bot_of=lambda account: bound_bot(account_id=account, act_key=ACT_KEY),
            key=confirmation_key(self.worker_key),
            phrasebook=Phrasebook(zone="Asia/Shanghai", default="zh-CN"),
            clock=self.till.clock,
        )

    def _api_of(self, bound: BoundBot) -> Telegram:
        assert bound.external_id == self.bot.external_id
        return self.telegram

    def bill(self, order: PlacedOrder, *, talker: Talker | None = None) -> UUID:
        """The button is pressed and the worker sends the bill; returns the payment's id."""
        actor = (talker or self.buyer).actor
        payment = start_stars_payment(actor=actor, order_id=order.order_id, keys=self.shop.keys, now=self.now)
        make_intent(payment_id=payment, gateways={"stars": self.gateway}, now=self.now)
        return payment

    def stars_of(self, payment: UUID) -> int:
        """What a payment asks for."""
        return int(self.shop.sql("SELECT amount_minor FROM payment WHERE id = %s", [payment])[0][0])

    def charge(self, payment: UUID, *, amount: int | None = None, payer: str = USER, charge: str | None = None) -> str:
        """Telegram takes the Stars of a bill."""
        stars = self.stars_of(payment) if amount is None else amount
        return self.telegram.charge(public(Prefix.PAYMENT, payment), stars, self.now, payer=payer, charge=charge)

    def update(
        self, payment: UUID, charge: str, *, amount: int | None = None, currency: str = "XTR",
        kind: str = "successful_payment",
    ) -> bytes:  # fmt: skip
        """The update that the bot gets."""
        said = {
            "currency": currency,
            "total_amount": self.stars_of(payment) if amount is None else amount,
            "invoice_payload": public(Prefix.PAYMENT, payment),
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": "",
        }
        message = {"message_id": 9, "date": 1772424000, "chat": {"id": int(USER), "type": "private"}}
        return json.dumps({"update_id": 77, "message": message | {kind: said}}).encode()

    def tell_paid(self, payment: UUID, charge: str, **changes: object) -> Booked:
        """The update of a payment arrives."""
        raw = self.update(payment, charge, **changes)  # type: ignore[arg-type]
        return receive_successful_payment(chat_account_id=self.bot.id, raw=raw, policy=self.shop.policy, now=self.now)

    def tell_refunded(self, payment: UUID, charge: str) -> Booked | None:
        """The update of a refund arrives."""
        raw = self.update(payment, charge, kind="refunded_payment")
        return receive_refunded_payment(chat_account_id=self.bot.id, raw=raw, policy=self.shop.policy, now=self.now)

    def checked(self, payment: UUID, **changes: object) -> PrecheckRefusal | None:
        """What Telegram is answered before it takes the Stars of a bill."""
        asked = {
            "chat_account_id": self.bot.id,
            "payload": public(Prefix.PAYMENT, payment),
            "currency": "XTR",
            "total": self.stars_of(payment),
            "user": USER,
            "now": self.now,
        }
        return check_precheckout(**asked | changes)

    def pay(self, order: PlacedOrder, *, talker: Talker | None = None) -> UUID:
        """Bill, payment and its update; returns the payment's id."""
        payment = self.bill(order, talker=talker)
        self.tell_paid(payment, self.charge(payment))
        return payment

    def query(self, payment: UUID) -> Outcome:
        """The poller asks."""
        return query_payment(
            payment_id=payment,
            gateways={"stars": self.gateway},
            verifiers={"stars": ConfirmedVerifier(confirmation_key(self.worker_key))},
            policy=self.shop.policy,
            now=self.now,
        )

    def send_refunds(self) -> list[Outcome | None]:
        """The worker sends every refund that waits."""
        waiting = self.shop.sql("SELECT id FROM refund WHERE state IN ('requested', 'sent', 'unknown') ORDER BY 1")
        gateways = {"stars": self.gateway}
        return [carry_out_refund(refund_id=one, gateways=gateways, now=self.now) for (one,) in waiting]


def a_stars_till(till: Till, *, number: str = "7000001", user: str = USER, rate: Rate = RATE) -> StarsTill:
    """A bot that takes Stars for the shop's merchant; the test's one role may do what the worker may."""
    sql = till.shop.sql
    sql("GRANT INSERT ON payment_confirmation TO keystall_shop")
    sql("GRANT SELECT, INSERT, UPDATE ON gateway_statement TO keystall_shop")
    bot = an_account(till.shop, number=number)
    account = connect_stars(actor=OPERATOR, bot=bot, rate=rate, act_key=ACT_KEY, api_base="", now=till.now)
    return StarsTill(till, bot, account, Telegram(), somebody(till.shop, bot, user))
