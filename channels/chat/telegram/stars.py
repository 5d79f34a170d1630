"""Stars as updates: the last check before they are taken, Stars that came in, Stars that went back."""

from __future__ import annotations

import structlog

from bot.stars import precheck_words
from bot.texts import Texts
from channels.chat.telegram.intake import Call
from channels.chat.telegram.updates import Update
from core.clock import Clock
from core.connections.chats import ChatAccount
from core.errors import Invalid, NotFound
from core.orders.service import OrderPolicy
from core.payments.stars import check_precheckout
from core.payments.stars_events import receive_refunded_payment, receive_successful_payment

log = structlog.get_logger()


def checkout_answered(account: ChatAccount, update: Update, texts: Texts, *, clock: Clock) -> Call:
    """Yes, or no and why: one statement, asked within the ten seconds that Telegram waits (fault 34)."""
    said = update.said
    refusal = check_precheckout(
        chat_account_id=account.id,
        payload=str(said.get("invoice_payload", "")),
        currency=str(said.get("currency", "")),
        total=int(said.get("total_amount", 0)),
        user=update.user,
        now=clock.now(),
    )
    answer: Call = {"method": "answerPreCheckoutQuery", "pre_checkout_query_id": update.query, "ok": refusal is None}
    if refusal is None:
        return answer
    log.info("Stars are not taken", why=refusal.value)
    return answer | {"error_message": precheck_words(texts, refusal)}


def book_paid(account: ChatAccount, raw: bytes, *, policy: OrderPolicy, clock: Clock) -> None:
    """Stars came in: booked once for their charge id; what they pay for is told and delivered by the worker."""
    try:
        receive_successful_payment(chat_account_id=account.id, raw=raw, policy=policy, now=clock.now())
    except (NotFound, Invalid) as refusal:
        log.error("Stars came in that no account takes", account=account.id, why=refusal.reason)


def book_refunded(account: ChatAccount, raw: bytes, *, policy: OrderPolicy, clock: Clock) -> None:
    """Stars went back, by us or by somebody else."""
    try:
        receive_refunded_payment(chat_account_id=account.id, raw=raw, policy=policy, now=clock.now())
    except (NotFound, Invalid) as refusal:
        log.error("Stars went back that no account knows", account=account.id, why=refusal.reason)
