"""Telegram Stars as a gateway, the worker's half: sends bills, reads the bot's statement, gives Stars back.

Nothing that Telegram's servers do not say themselves is believed here: what a bot was told is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from bot.stars import bill_words
from bot.texts import Phrasebook
from core.clock import Clock
from core.connections.stars import CURRENCY, BoundBot
from core.errors import NotFound, Refusal
from core.ids import Prefix, parse
from core.money import GREATEST, Money
from core.payments.service import find_payment
from core.payments.stars import invoice_of
from core.payments.statements import StatementLine, confirmed_notice, payer_of, record_page, statement_seen
from core.ports import Outcome, RawNotice, Started
from core.vault.primitives import SealError

PAGE = 100
"""Transactions of one page of a statement, the most that the Bot API gives."""

ALREADY_BACK = "CHARGE_ALREADY_REFUNDED"
"""A refund that was asked for before and whose answer was lost (fault 36)."""

log = structlog.get_logger()


class StarsProblem(Exception):
    """Telegram did not do it. `status` is its HTTP status, None without an answer; `description` its own words."""

    def __init__(self, status: int | None, description: str = "") -> None:
        super().__init__(f"{status or 'no answer'} {description}".strip())
        self.status = status
        self.description = description

    @property
    def is_certain(self) -> bool:
        """Whether Telegram judged the request itself and said no: not a flood, an outage or a token that is wrong."""
        return self.status == 400


@dataclass(frozen=True, slots=True)
class StarTransaction:
    """One transaction of a bot's statement; `payload` and `payer` are those of an invoice that somebody paid.

    `incoming` is False for what left the bot: refunds, withdrawals.
    """

    id: str
    amount: int
    at: datetime
    incoming: bool
    payload: str = ""
    payer: str = ""


class StarsApi(Protocol):
    """What is asked of the Bot API as one bot. Every call raises `StarsProblem`."""

    def send_invoice(self, *, chat: str, title: str, description: str, payload: str, amount: int) -> str:
        """Send a bill over `amount` Stars into a private chat; returns the message's number there."""
        ...

    def refund(self, *, payer: str, charge: str) -> None:
        """Give the Stars of one charge back, whole."""
        ...

    def transactions(self, *, offset: int, limit: int) -> Sequence[StarTransaction]:
        """The bot's statement from the `offset`-th transaction on, oldest first."""
        ...


class StarsGateway:
    """`api_of` gives the Bot API as the bot that an account was made for; `key` makes confirmations.

    `bound_bot_of` reads for whom an account was made, from what was sealed with the worker's key.
    """

    def __init__(
        self,
        *,
        api_of: Callable[[BoundBot], StarsApi],
        bound_bot_of: Callable[[int], BoundBot],
        key: bytes,
        phrasebook: Phrasebook,
        clock: Clock,
    ) -> None:
        self._api_of = api_of
        self._bound_bot_of = bound_bot_of
        self._key = key
        self._phrasebook = phrasebook
        self._clock = clock

    def start(self, payment_id: UUID, amount: Money) -> Started:
        """Send the bill into its chat. Raises `StarsProblem` and `NotFound`: the poller starts it again."""
        invoice = invoice_of(payment_id=payment_id)
        api = self._api_of(self._bound_bot_of(invoice.gateway_account_id))
        title, description = bill_words(self._phrasebook.texts(invoice.locale), invoice)
        message = api.send_invoice(
            chat=invoice.chat, title=title, description=description, payload=invoice.payload, amount=amount.minor
        )
        return Started(external_ref=f"message:{message}", url=None)

    def query(self, payment_id: UUID) -> tuple[Outcome, RawNotice | None]:
        """YES with what the statement shows, NO when it was read to its end and shows nothing, else UNKNOWN."""
        payment = find_payment(payment_id=payment_id)
        if payment.gateway_account_id is None:
            raise NotFound("gateway_account")
        is_whole = self.read_statement(payment.gateway_account_id)
        notice = confirmed_notice(
            gateway_account_id=payment.gateway_account_id, opaque_id=payment.opaque_id, payment_id=payment_id
        )
        if notice is not None:
            return Outcome.YES, notice
        return (Outcome.NO if is_whole else Outcome.UNKNOWN), None

    def refund(self, refund_id: UUID, payment_id: UUID, external_id: str, amount: Money) -> Outcome:
        """Give a charge back, whole. Telegram keeps one refund a charge, so a repeat has one effect (fault 36).

        A charge that the statement does not show is never answered with NO: nothing would become wallet money.
        """
        account_id = find_payment(payment_id=payment_id).gateway_account_id
        if account_id is None:
            raise NotFound("gateway_account")
        payer = payer_of(gateway_account_id=account_id, external_id=external_id)
        if payer is None:
            self.read_statement(account_id)
            payer = payer_of(gateway_account_id=account_id, external_id=external_id)
        if payer is None:
            log.warning("stars.refund_without_charge", refund=str(refund_id))
            return Outcome.UNKNOWN
        try:
            self._api_of(self._bound_bot_of(account_id)).refund(payer=payer, charge=external_id)
        except (StarsProblem, SealError, Refusal) as problem:
            return self._refund_refused(refund_id, problem)
        return Outcome.YES

    def read_statement(self, gateway_account_id: int, /) -> bool:
        """Record what is new on a bot's statement; False when Telegram did not show it to the end."""
        try:
            bot = self._bound_bot_of(gateway_account_id)
            api = self._api_of(bot)
            while True:
                seen = statement_seen(gateway_account_id=gateway_account_id)
                page = api.transactions(offset=seen, limit=PAGE)
                self._record(gateway_account_id, bot, page, seen + len(page))
                if len(page) < PAGE:
                    return True
        except (StarsProblem, SealError, Refusal) as problem:
            log.warning("stars.statement_unread", account=gateway_account_id, problem=str(problem))
            return False

    def _record(self, account_id: int, bot: BoundBot, page: Sequence[StarTransaction], seen: int) -> None:
        lines = [line for line in map(_line, page) if line is not None]
        record_page(
            gateway_account_id=account_id,
            bot=bot,
            lines=lines,
            currency=CURRENCY,
            seen=seen,
            key=self._key,
            now=self._clock.now(),
        )

    def _refund_refused(self, refund_id: UUID, problem: Exception) -> Outcome:
        if isinstance(problem, StarsProblem) and ALREADY_BACK in problem.description:
            return Outcome.YES
        log.warning("stars.refund_refused", refund=str(refund_id), problem=str(problem))
        is_certain = isinstance(problem, StarsProblem) and problem.is_certain
        return Outcome.NO if is_certain else Outcome.UNKNOWN


def _line(transaction: StarTransaction) -> StatementLine | None:
    """A paid bill of ours; None for everything else that a bot's statement shows."""
    if not transaction.incoming or not transaction.payer or not 1 <= transaction.amount <= GREATEST:
        return None
    try:
        payment_id = parse(Prefix.PAYMENT, transaction.payload)
    except NotFound:
        return None
    return StatementLine(transaction.id, payment_id, transaction.payer, transaction.amount, transaction.at)
