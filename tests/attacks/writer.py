"""What a writer in the database tries with nothing but web's login: each way to a card by itself, on a fresh sale.

Each way is SQL that the role `shop` may run (a way that the rights forbid counts as refused there). `sale` is an honest
paid order of somebody else, `mine` the attacker's own unpaid order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from core.vault.client import Opened, VaultRefused
from core.vault.primitives import SealError
from core.vault.seal import answer_context, open_answer
from tests.support.sales import Counter, Sale

ALL_AT_ONCE = "every way at once"
PAY = """
UPDATE shop_order SET state = 'paid', paid_minor = total_minor, paid_at = now() WHERE id = %(mine)s;
UPDATE card SET state = 'claimed' WHERE line_id = %(my_line)s
"""
"""Said to be paid: what every way begins with."""

_WALLET = (
    PAY
    + """;
INSERT INTO account (kind, holder, counterparty, currency, bounded)
SELECT kind, 'shopper:' || %(my_shopper)s::text, 'party:' || merchant_id, currency, true
FROM shop_order, (VALUES ('wallet'), ('wallet_hold')) AS k (kind) WHERE id = %(mine)s;
INSERT INTO account (kind, holder, counterparty, currency, bounded)
SELECT 'world', 'source:mine', 'party:' || merchant_id, currency, false FROM shop_order WHERE id = %(mine)s;
"""
)
_FILL = """
INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)
SELECT d.id, w.id, o.total_minor, o.currency, 'top_up', {}, now() FROM shop_order o
JOIN account w ON w.kind = 'wallet' AND w.holder = 'shopper:' || o.shopper_id
JOIN account d ON d.holder = 'source:mine' WHERE o.id = %(mine)s;
INSERT INTO money_hold (id, account_id, held_in_id, order_id, amount, captured, state, created_at, settled_at)
SELECT gen_random_uuid(), w.id, h.id, o.id, o.total_minor, o.total_minor, 'captured', now(), now() FROM shop_order o
JOIN account w ON w.kind = 'wallet' AND w.holder = 'shopper:' || o.shopper_id
JOIN account h ON h.kind = 'wallet_hold' AND h.holder = w.holder WHERE o.id = %(mine)s
"""
"""A wallet of my own, a transfer into it that refers to somebody's money, and a hold that pays my order with it."""

WAYS: dict[str, str] = {
    "say that my order is paid": PAY,
    "point a paid order at my chat": "UPDATE shop_order SET chat_address = %(my_address)s,"
    " identity_id = %(my_identity)s, shopper_id = %(my_shopper)s WHERE id = %(order)s",
    "point a paid line at my order": "UPDATE order_line SET order_id = %(mine)s WHERE id = %(line)s",
    "point a payment at my order": PAY + ";UPDATE payment SET order_id = %(mine)s WHERE id = %(payment)s;"
    "UPDATE payment_event SET order_id = %(mine)s WHERE payment_id = %(payment)s",
    "copy the evidence of another payment": PAY
    + ";INSERT INTO payment_event (id, gateway_account_id, external_id, kind,"
    " payment_id, order_id, amount_minor, currency, body, headers, received_at, booked_to)"
    " SELECT gen_random_uuid(), gateway_account_id, 'copied', kind, %(my_payment)s, %(mine)s, amount_minor, currency,"
    " body, headers, now(), 'order' FROM payment_event WHERE payment_id = %(payment)s",
    "write evidence of my own": PAY
    + ";INSERT INTO payment_event (id, gateway_account_id, external_id, kind, payment_id,"
    " order_id, amount_minor, currency, body, headers, received_at, booked_to)"
    " SELECT gen_random_uuid(), gateway_account_id, 'mine', 'paid', %(my_payment)s, %(mine)s, amount_minor, currency,"
    " convert_to('{\"paid\": true}', 'UTF8'), '{}', now(), 'order' FROM payment_event WHERE payment_id = %(payment)s",
    "take the seal of a paid order": PAY + ";UPDATE shop_order SET seal = (SELECT seal FROM shop_order"
    " WHERE id = %(order)s) WHERE id = %(mine)s",
    "make my order free": "UPDATE shop_order SET total_minor = 0, paid_minor = 0, state = 'paid', paid_at = now()"
    " WHERE id = %(mine)s",
    "lower the listing's price, and my line's": "UPDATE listing SET price_minor = 1;"
    "UPDATE order_line SET list_price_minor = 0, total_minor = 0 WHERE order_id = %(mine)s;" + PAY,
    "have one paid card, take forty": "UPDATE order_line SET quantity = 40, discount_minor = list_price_minor * 38"
    " WHERE id = %(my_line)s;" + PAY,
    "take the cards of a paid line": "UPDATE card SET state = 'held', line_id = %(my_line)s WHERE line_id = %(line)s;"
    + PAY,
    "move cards of another batch": "UPDATE card SET batch_no = 1, sku_id = 1 WHERE line_id = %(my_line)s;" + PAY,
    "fill my wallet by transfers": PAY + ";INSERT INTO account (kind, holder, counterparty, currency, bounded, balance,"
    " floor) VALUES ('wallet', 'shopper:' || %(my_shopper)s::text, 'party:1', 'CNY', true, 1000000, 0)",
    "fill my wallet with the money of a paid order": _WALLET + "INSERT INTO refund (id, merchant_id, order_id,"
    " payment_id, event_id, to_wallet, amount_minor, currency, state, reason, created_at, ended_at) SELECT"
    " %(mine)s::uuid, g.merchant_id, e.order_id, e.payment_id, e.id, true, e.amount_minor, e.currency, 'succeeded',"
    " 'line', now(), now() FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id"
    " WHERE e.payment_id = %(payment)s;" + _FILL.format("%(mine)s::uuid"),
    "fill my wallet with somebody's top-up": _WALLET + "UPDATE payment SET order_id = NULL, shopper_id ="
    " %(my_shopper)s WHERE id = %(payment)s;UPDATE payment_event SET booked_to = 'wallet', order_id = NULL WHERE"
    " payment_id = %(payment)s;" + _FILL.format("(SELECT id FROM payment_event WHERE payment_id = %(payment)s)"),
    "turn a refund to me": "UPDATE refund SET to_wallet = true, event_id = (SELECT id FROM payment_event WHERE"
    " payment_id = %(payment)s);" + PAY,
    "pay with a wallet's money that was used": "UPDATE money_hold SET order_id = %(mine)s, captured = amount,"
    " state = 'captured', settled_at = now();DELETE FROM wallet_use;UPDATE wallet_use SET amount = 1;" + PAY,
    "raise the budget": "UPDATE opening_budget SET opened = 0;UPDATE pool_budget SET opened = 0, free = 0;"
    "UPDATE installation SET opening_budget_per_hour = 100000;" + PAY,
    "lend me somebody's goods": "SELECT set_credit_limit(creditor, debtor, 'CNY', 1000000, 'system', NULL, now()) FROM"
    " (VALUES (1, 2), (2, 1)) AS pair (creditor, debtor);UPDATE account SET floor = -1000000;" + PAY,
    "say that it was opened before": PAY + ";UPDATE card SET opened_at = now() WHERE line_id = %(my_line)s;"
    "UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id = %(my_delivery)s",
    "sign a batch": "UPDATE batch SET signature = sha256('x');" + PAY,
    "add a key of mine to the chat of a paid order": "INSERT INTO chat_session (id, conversation_id, token_hash,"
    " answer_public_key, network, created_at, expires_at, seal) SELECT gen_random_uuid(), theirs.conversation_id,"
    " sha256('mine'), own.answer_public_key, 'n', now(), own.expires_at, own.seal FROM chat_session theirs,"
    " chat_session own WHERE theirs.id = %(session)s AND own.id = %(my_session)s",
    "put my key into the session of a paid order": "UPDATE chat_session SET answer_public_key = (SELECT"
    " answer_public_key FROM chat_session WHERE id = %(my_session)s) WHERE id = %(session)s",
    "move my session to the chat of a paid order": "UPDATE chat_session SET conversation_id = (SELECT conversation_id"
    " FROM chat_session WHERE id = %(session)s) WHERE id = %(my_session)s",
    "say that the chat of a paid order is mine": "UPDATE conversation SET identity_id = gen_random_uuid() WHERE id ="
    " (SELECT conversation_id FROM chat_session WHERE id = %(session)s);UPDATE conversation SET chat_address ="
    " (SELECT chat_address FROM shop_order WHERE id = %(order)s), identity_id = (SELECT identity_id FROM shop_order"
    " WHERE id = %(order)s) WHERE id = (SELECT conversation_id FROM chat_session WHERE id = %(my_session)s)",
    "write sealed cards": "INSERT INTO card_seal (card_id) VALUES (gen_random_uuid());" + PAY,
}


@dataclass(frozen=True)
class Attempt:
    """What became of one way: the statements that ran, or were forbidden, and why the vault did not open."""

    ran: int
    forbidden: int
    vault: str | None

    @property
    def is_refused(self) -> bool:
        """Whether the attacker got no card."""
        return self.vault is not None

    def __str__(self) -> str:
        told = f"{self.ran} statements ran, {self.forbidden} were forbidden"
        return f"{told}; the vault: {self.vault}" if self.vault else f"{told}; THE CARDS WERE OPENED"


def attempt(counter: Counter, way: str, run: Callable[..., Any]) -> Attempt:
    """One way, with `run` executing SQL as web's role; asks the vault for the attacker's order, and for the victim's
    where it was pointed at the attacker.
    """
    sale, mine = counter.sell(2), unpaid(counter)
    statements = [one for text in (WAYS.values() if way == ALL_AT_ONCE else [WAYS[way]]) for one in text.split(";")]
    names, ran = named(sale, mine), 0
    for statement in statements:
        try:
            run(statement, names)
            ran += 1
        except psycopg.Error:  # a right, a constraint or a trigger: refused before the vault is asked
            continue
    got = taken(counter, sale, mine)
    return Attempt(ran, len(statements) - ran, got)


def unpaid(counter: Counter) -> Sale:
    """The attacker's order: placed honestly, its delivery asked for, nothing paid."""
    mine = counter.sell(2, notice=False)
    sql = counter.shop.sql
    sql("UPDATE shop_order SET state = 'awaiting_payment', paid_minor = 0, paid_at = NULL WHERE id = %s", [mine.order])
    return mine


def named(sale: Sale, mine: Sale) -> dict[str, str]:
    """What the statements are about."""
    return {
        "order": str(sale.order), "line": str(sale.line), "payment": str(sale.payment),
        "mine": str(mine.order), "my_line": str(mine.line), "my_payment": str(mine.payment),
        "my_delivery": str(mine.delivery), "my_shopper": str(mine.talker.shopper_id),
        "my_identity": str(mine.talker.identity_id), "session": str(sale.session), "my_session": str(mine.session),
        "my_address": "web:" + str(mine.talker.identity_id),
    }  # fmt: skip


def taken(counter: Counter, sale: Sale, mine: Sale) -> str | None:
    """None when the attacker can read a card; else why not. He has the token of his own session, and asks for both."""
    reasons = []
    for one in (mine, sale):
        try:
            opened = counter.vault.client.open_delivery(one.delivery)
        except VaultRefused as refused:
            reasons.append(refused.vault_code.value)
            continue
        if is_readable(mine, one.delivery, opened):
            return None
        reasons.append("sealed to another")
    return ", ".join(reasons)


def is_readable(mine: Sale, delivery: UUID, opened: Opened) -> bool:
    """Whether the token of the attacker's session opens any of the answers."""
    for session, sealed in opened.sealed.items():
        with contextlib.suppress(SealError):
            open_answer(mine.token, sealed, answer_context(delivery=delivery, session=session))
            return True
    return False
