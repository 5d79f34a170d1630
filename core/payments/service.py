"""The door of the payments room: every use case of a payment's life, and what the worker and the sweeps call."""

from __future__ import annotations

from core.payments.intents import (
    PaymentView,
    find_payment,
    is_being_paid,
    make_intent,
    offered,
    payment_state,
    query_payment,
    request_own_sandbox_payment,
    request_sandbox_payment,
    start_payment,
)
from core.payments.joining import join_due
from core.payments.late import choose_exchange, choose_refund, decide_due, undecided
from core.payments.notices import Booked, NoticeAnswer, book, forged_this_hour, receive_notice
from core.payments.refunds import carry_out_refund
from core.payments.stars import (
    PrecheckRefusal,
    check_precheckout,
    stars_price,
    stars_topup_price,
    start_stars_payment,
    start_stars_topup,
)
from core.payments.stars_events import receive_refunded_payment, receive_successful_payment
from core.payments.sweeps import poll_due, reconcile_due, refund_due
from core.payments.topups import conversation_of, request_sandbox_topup, start_topup, topup_by_token, topup_token
from core.payments.wallet import hold_wallet_part, pay_from_wallet, settle_free, wallet_balance

__all__ = [
    "Booked",
    "NoticeAnswer",
    "PaymentView",
    "PrecheckRefusal",
    "book",
    "carry_out_refund",
    "check_precheckout",
    "choose_exchange",
    "choose_refund",
    "conversation_of",
    "decide_due",
    "find_payment",
    "forged_this_hour",
    "hold_wallet_part",
    "is_being_paid",
    "join_due",
    "make_intent",
    "offered",
    "pay_from_wallet",
    "payment_state",
    "poll_due",
    "query_payment",
    "receive_notice",
    "receive_refunded_payment",
    "receive_successful_payment",
    "reconcile_due",
    "refund_due",
    "request_own_sandbox_payment",
    "request_sandbox_payment",
    "request_sandbox_topup",
    "settle_free",
    "stars_price",
    "stars_topup_price",
    "start_payment",
    "start_stars_payment",
    "start_stars_topup",
    "start_topup",
    "topup_by_token",
    "topup_token",
    "undecided",
    "wallet_balance",
]
