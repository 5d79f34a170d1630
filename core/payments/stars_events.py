"""What Telegram tells a bot about Stars, paid or given back: booked at once by the bot, delivered by the worker.

An update carries no signature, so what is booked here opens no card by itself: the vault waits until the worker has
asked Telegram (core.payments.statements). The raw update is kept as evidence for people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.connections.service import GatewayAccount
from core.connections.stars import STARS, find_stars_account
from core.db import execute
from core.errors import Invalid, NotFound
from core.ids import Prefix, parse
from core.money import Money
from core.orders.service import OrderPolicy
from core.payments import stars_sql
from core.payments.notices import Booked, book
from core.ports import Notice, RawNotice

RAW_UPDATE = {"content-type": "application/json", "source": "telegram update"}


def receive_successful_payment(*, chat_account_id: int, raw: bytes, policy: OrderPolicy, now: datetime) -> Booked:
    """Book the update with `message.successful_payment` that a bot got, once for its charge id; settles the order.

    A second payment of the same bill has another charge id and goes back to its source (fault 35). `raw` is the update
    as Telegram sent it. Raises `NotFound` for a bot that takes no Stars, `Invalid` for an update of another shape.
    """
    said = _said(raw, "successful_payment")
    return _book(_account(chat_account_id), said, "paid", raw, policy, now)


def receive_refunded_payment(*, chat_account_id: int, raw: bytes, policy: OrderPolicy, now: datetime) -> Booked | None:
    """Book the update with `message.refunded_payment`: somebody else gave the Stars back, the books follow.

    None for the refunds that we asked for ourselves, which the refund's own answer books. Raises like the other.
    """
    said = _said(raw, "refunded_payment")
    account = _account(chat_account_id)
    if execute(stars_sql.OWN_REFUND, (account.id, said["telegram_payment_charge_id"])):
        return None
    return _book(account, said, "refunded", raw, policy, now)


def _account(chat_account_id: int) -> GatewayAccount:
    account = find_stars_account(chat_account_id=chat_account_id)
    if account is None:
        raise NotFound("gateway_account")
    return account


def _said(raw: bytes, what: str) -> dict[str, Any]:
    """The part of an update that speaks of money. Raises `Invalid`."""
    try:
        said = json.loads(raw)["message"][what]
        texts = (said["telegram_payment_charge_id"], said["invoice_payload"], said["currency"])
        total = said["total_amount"]
    except (ValueError, KeyError, TypeError):
        raise Invalid(what="update") from None
    if not all(isinstance(text, str) and text for text in texts) or type(total) is not int or total < 1:
        raise Invalid(what="update")
    return dict(said)


def _book(
    account: GatewayAccount, said: Mapping[str, Any], kind: str, raw: bytes, policy: OrderPolicy, now: datetime
) -> Booked:
    try:
        payment_id = parse(Prefix.PAYMENT, said["invoice_payload"])
    except NotFound:
        payment_id = None  # a bill that is none of ours: its money is booked aside all the same
    notice = Notice(
        external_id=said["telegram_payment_charge_id"],
        kind=kind,
        payment_id=payment_id,
        amount=Money(said["total_amount"], said["currency"]),
        account=account.opaque_id,
    )
    kept = RawNotice(raw, dict(RAW_UPDATE))
    return book(gateway=STARS, opaque_id=account.opaque_id, notice=notice, raw=kept, policy=policy, now=now)
