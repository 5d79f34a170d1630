"""A store that has sold for long: consistent rows written straight into the tables, a million orders in minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.parties.rules import PartyKind
from tests.builders import Shop

Sql = Callable[..., list[tuple[Any, ...]]]

PARTS = 50_000
"""Orders that one round of statements makes."""

NAMED = """
CREATE UNLOGGED TABLE sold (n bigint PRIMARY KEY, order_id uuid, line_id uuid, hold_id uuid, payment_id uuid,
                            event_id uuid, card_id uuid, at timestamptz)
"""

CHOOSE = """
TRUNCATE sold;
INSERT INTO sold SELECT n, uuidv7(-interval '{ago}'), uuidv7(-interval '{ago}'), uuidv7(-interval '{ago}'),
    uuidv7(-interval '{ago}'), uuidv7(-interval '{ago}'), uuidv7(-interval '{ago}'), now() - interval '{ago}'
FROM generate_series({first}, {last}) AS n;
"""

SELL = """
INSERT INTO shop_order (id, merchant_id, shopper_id, identity_id, conversation_id, chat_address, state, currency,
    total_minor, paid_minor, stranger, network, risk, seal, access_hash, placed_at, deadline, paid_at, ended_at)
SELECT order_id, {merchant}, '{shopper}', '{identity}', '{conversation}', '', 'closed', 'CNY', 1000, 1000, false, '-',
    '{{}}', sha256(order_id::text::bytea), sha256(line_id::text::bytea), at, at + interval '15 minutes', at, at
FROM sold;
INSERT INTO order_line (id, order_id, merchant_id, position, listing_id, sku_id, listing_code, names, quantity,
    list_price_minor, total_minor, reasons)
SELECT line_id, order_id, {merchant}, 0, {listing}, {sku}, 'A1', '{{}}', 1, 1000, 1000, '[]' FROM sold;
INSERT INTO hold (id, line_id, order_id, sku_id, quantity, stranger, state, created_at, expires_at, settled_at)
SELECT hold_id, line_id, order_id, {sku}, 1, false, 'captured', at, at, at FROM sold;
INSERT INTO line_share (hold_id, line_id, position, role, party_id, account_id, amount_minor, reason)
SELECT hold_id, line_id, p, CASE p WHEN 0 THEN 'merchant' ELSE 'platform_fee' END, {merchant},
    CASE p WHEN 0 THEN {pending} ELSE {fee} END, CASE p WHEN 0 THEN 990 ELSE 10 END, ''
FROM sold, generate_series(0, 1) p;
INSERT INTO delivery (line_id, order_id, state, attempts, created_at, delivered_at)
SELECT line_id, order_id, 'delivered', 1, at, at FROM sold;
INSERT INTO payment (id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor, currency, state,
    created_at, expires_at, succeeded_at)
SELECT payment_id, order_id, {merchant}, '{shopper}', 'gateway', {gateway}, 1000, 'CNY', 'succeeded', at, at, at
FROM sold;
INSERT INTO payment_event (id, gateway_account_id, external_id, kind, named_payment_id, payment_id, order_id,
    amount_minor, currency, body, headers, received_at, booked_to, reconciled_at)
SELECT event_id, {gateway}, 'x' || n, 'paid', payment_id, payment_id, order_id, 1000, 'CNY', 'notice', '{{}}', at,
    'order', at FROM sold;
INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, line_id, at)
SELECT d, c, amount, 'CNY', code, CASE code WHEN 'sale' THEN order_id ELSE event_id END,
    CASE code WHEN 'sale' THEN line_id END, at
FROM sold, (VALUES ({clearing}, {pending}, 990, 'sale'), ({clearing}, {fee}, 10, 'sale'),
                   ({world}, {clearing}, 1000, 'reconciled')) AS moved (d, c, amount, code)
ORDER BY n;
INSERT INTO card (id, batch_no, owner_id, sku_id, state, line_id, mask, opened_at, delivered_at)
SELECT card_id, {batch}, {merchant}, {sku}, 'delivered', line_id, 'A9', at, at FROM sold;
INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask)
SELECT uuidv7(-interval '{ago}'), {batch}, {merchant}, {sku}, 'free', 'A9' FROM sold, generate_series(1, 2);
INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id, detail)
SELECT at, 'system', action, kind, CASE kind WHEN 'line' THEN line_id ELSE order_id END::text,
    CASE kind WHEN 'line' THEN jsonb_build_object('cards', jsonb_build_array(card_id)) ELSE '{{}}' END
FROM sold, (VALUES ('order.placed', 'order'), ('order.paid', 'order'), ('cards.opened', 'line'),
                   ('order.delivered', 'order')) AS said (action, kind) ORDER BY n;
"""
"""One card each, paid at a gateway, delivered, reconciled; and two free cards beside it."""

FILL_WALLETS = """
INSERT INTO account (kind, holder, counterparty, currency, bounded, balance, floor)
SELECT 'wallet', 'shopper:' || order_id, 'party:{merchant}', 'CNY', true, 500, 0 FROM sold WHERE n % 10 = 0;
INSERT INTO payment_event (id, gateway_account_id, external_id, kind, amount_minor, currency, body, headers,
    received_at, booked_to, reconciled_at)
SELECT hold_id, {gateway}, 'w' || n, 'paid', 500, 'CNY', 'notice', '{{}}', at, 'wallet', at FROM sold WHERE n % 10 = 0;
INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)
SELECT CASE code WHEN 'top_up' THEN {clearing} ELSE {world} END, CASE code WHEN 'top_up' THEN a.id ELSE {clearing} END,
    500, 'CNY', code, hold_id, at
FROM sold JOIN account a ON a.kind = 'wallet' AND a.holder = 'shopper:' || order_id AND a.currency = 'CNY'
    AND a.counterparty = 'party:{merchant}', (VALUES ('top_up'), ('reconciled')) AS moved (code) WHERE n % 10 = 0;
"""
"""Every tenth shopper has a wallet."""


class Filler:
    """Fills one database, as its superuser: no trigger and no foreign key is asked, the rows are right."""

    def __init__(self, sql: Sql) -> None:
        self._shop, self._sql = Shop(sql), sql
        self._made = 0
        shop, talker = self._shop, self._shop.a_shopper()
        merchant = shop.merchant
        gateway = sql(
            "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
            " VALUES ('opaque-of-scale-0001', 'sandbox', %s, 'CNY', '{}', now()) RETURNING id",
            [merchant],
        )[0][0]
        self._named = {
            "merchant": merchant,
            "shopper": talker.shopper_id,
            "identity": talker.identity_id,
            "conversation": talker.conversation_id,
            "listing": shop.a_listing(),
            "sku": shop.a_sku(),
            "gateway": gateway,
            "clearing": self._account("clearing", f"gateway:{gateway}"),
            "world": self._account("world", "source:sandbox"),
            "pending": self._account("pending", f"party:{merchant}"),
            "fee": self._account("fee", f"party:{shop.platform}"),
        }
        sql(NAMED)

    def sell(self, orders: int, *, later: int = 0) -> None:
        """So many orders more, so many days from now, in one more batch of three times as many cards."""
        ago = f"{-later} days"
        batch = self._shop.a_batch(cards=0)
        self._sql("SET session_replication_role = replica", role="superuser")
        for first in range(self._made + 1, self._made + orders + 1, PARTS):
            last = min(first + PARTS - 1, self._made + orders)
            text = CHOOSE + SELL + FILL_WALLETS
            self._sql(text.format(**self._named, ago=ago, batch=batch, first=first, last=last), role="superuser")
        then = f"now() - interval '{ago}'"
        self._sql(
            f"UPDATE batch SET card_count = %s, created_at = {then}, finished_at = {then} WHERE no = %s",
            [3 * orders, batch],
            role="superuser",
        )
        self._made += orders

    def keep(self, cards: int, *, owner: int | None = None) -> None:
        """So many free cards more, a million a file as importers bring them; the merchant's own, or a supplier's."""
        owner = self._named["merchant"] if owner is None else owner
        for first in range(0, cards, 1_000_000):
            count = min(1_000_000, cards - first)
            batch = self._shop.a_batch(cards=0, owner=owner, supplier=owner, terms="consigned")
            self._sql(
                "INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask)"
                " SELECT uuidv7(), %s, %s, %s, 'free', 'A9' FROM generate_series(1, %s)",
                [batch, owner, self._named["sku"], count],
                role="superuser",
            )
            self._sql("UPDATE batch SET card_count = %s WHERE no = %s", [count, batch], role="superuser")

    def show(self, goods: int) -> None:
        """So many goods more on sale, a few cards of each."""
        for number in range(goods):
            self._shop.a_listing(f"S{number}")
            self._shop.a_batch(f"S{number}", cards=20)

    @property
    def parties(self) -> dict[PartyKind, int]:
        """The merchant that sold everything, a supplier of it, and the platform."""
        shop = self._shop
        return {
            PartyKind.MERCHANT: self._named["merchant"],
            PartyKind.SUPPLIER: shop.a_party("brand", "supplier"),
            PartyKind.PLATFORM: shop.platform,
        }

    def _account(self, kind: str, holder: str) -> int:
        return int(
            self._sql(
                "INSERT INTO account (kind, holder, counterparty, currency, bounded) VALUES (%s, %s, %s, 'CNY', false)"
                " RETURNING id",
                [kind, holder, f"party:{self._shop.merchant}"],
            )[0][0]
        )
