"""The fixed statements of payments in Stars; each is one round trip."""

from __future__ import annotations

EXCHANGE_OFFER = """
SELECT o.chat_address, o.total_minor - coalesce(h.amount, 0), o.currency
FROM shop_order o LEFT JOIN money_hold h ON h.order_id = o.id AND h.state = 'open'
WHERE o.id = %(order)s AND o.shopper_id = %(shopper)s AND o.merchant_id = %(merchant)s
"""
"""What is left to be paid of one's own order, and the chat that it was placed in."""

CHAT_OF_ORDER = "SELECT chat_address FROM shop_order WHERE id = %s"

CHAT_OF_CONVERSATION = "SELECT chat_address FROM conversation WHERE id = %s AND shopper_id = %s AND merchant_id = %s"

OPEN_EXCHANGED = """
SELECT id FROM payment WHERE order_id IS NOT DISTINCT FROM %s AND shopper_id = %s AND gateway_account_id = %s
    AND amount_minor = %s AND worth_minor = %s AND worth_currency = %s
    AND state IN ('created', 'pending') AND expires_at > %s
ORDER BY created_at DESC LIMIT 1
"""
"""The bill that is under way for the same: its amount and its worth, so at the same rate."""

INSERT_EXCHANGED = """
INSERT INTO payment (id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor, currency, state,
    created_at, expires_at, succeeded_at, poll_at, worth_minor, worth_currency, rate_minor, rate_units, rate_at,
    sealed_for, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

PRECHECK = """
SELECT p.state, p.amount_minor, p.currency, p.expires_at,
       g.enabled AND m.status = 'active' AND coalesce((SELECT v.open FROM vault_state v), true),
       EXISTS (SELECT 1 FROM conversation c WHERE c.shopper_id = p.shopper_id AND c.chat_address = %(chat)s),
       o.state,
       o.id IS NULL OR p.worth_minor = o.total_minor - coalesce((
           SELECT h.amount FROM money_hold h WHERE h.order_id = o.id AND h.state = 'open'), 0),
       o.id IS NULL OR (SELECT coalesce(sum(l.quantity), 0) FROM order_line l
                        WHERE l.order_id = o.id AND l.plan_id IS NULL) = (
           SELECT count(*) FROM card k JOIN order_line l ON l.id = k.line_id JOIN hold h ON h.line_id = l.id
           WHERE l.order_id = o.id AND h.state = 'open' AND k.state = 'held')
FROM payment p
JOIN gateway_account g ON g.id = p.gateway_account_id AND g.gateway = 'stars'
    AND g.settings ->> 'chat_account' = %(bot)s::text
JOIN party m ON m.id = p.merchant_id
LEFT JOIN shop_order o ON o.id = p.order_id
WHERE p.id = %(payment)s
"""
"""Everything that decides whether a bill may still be paid: its price, its time, who it is for, and that each ordered
card is still held for it. Where an unpaid order's wallet part changed, the bill asks for another rest than there is."""

INVOICE = """
SELECT p.amount_minor, p.currency, p.worth_minor, p.worth_currency, p.gateway_account_id, o.id,
       s.locale,
       coalesce(o.chat_address, (
           SELECT c.chat_address FROM conversation c
           WHERE c.shopper_id = p.shopper_id AND c.chat_account_id = (g.settings ->> 'chat_account')::bigint
           ORDER BY c.last_heard_at DESC NULLS LAST, c.created_at DESC LIMIT 1)),
       (SELECT jsonb_agg(jsonb_build_array(l.names, l.quantity) ORDER BY l.position)
        FROM order_line l WHERE l.order_id = o.id)
FROM payment p JOIN gateway_account g ON g.id = p.gateway_account_id JOIN shopper s ON s.id = p.shopper_id
LEFT JOIN shop_order o ON o.id = p.order_id
WHERE p.id = %s AND g.gateway = 'stars'
"""
"""What a bill says and where it goes: the chat of its order, or the shopper's chat with this bot."""

STATEMENT_SEEN = "SELECT seen FROM gateway_statement WHERE gateway_account_id = %s"

RECORD_PAGE = """
WITH seen AS (
    INSERT INTO gateway_statement AS s (gateway_account_id, seen, read_at) VALUES (%(account)s, %(seen)s, %(now)s)
    ON CONFLICT (gateway_account_id)
        DO UPDATE SET seen = greatest(s.seen, excluded.seen), read_at = greatest(s.read_at, excluded.read_at)
)
INSERT INTO payment_confirmation (gateway_account_id, external_id, merchant_id, payment_id, payer, amount_minor,
    currency, paid_at, proof, created_at)
SELECT %(account)s, x.external_id, %(merchant)s, x.payment_id, x.payer, x.amount_minor, %(currency)s, x.paid_at,
       x.proof, %(now)s
FROM unnest(%(external_ids)s::text[], %(payments)s::uuid[], %(payers)s::text[], %(amounts)s::bigint[],
            %(times)s::timestamptz[], %(proofs)s::bytea[])
    AS x (external_id, payment_id, payer, amount_minor, paid_at, proof)
ON CONFLICT (gateway_account_id, external_id) DO NOTHING
"""
"""One page of a statement in one commit with how far it was read: a page that two read at once counts once."""

UNBOOKED = """
SELECT DISTINCT c.payment_id FROM payment_confirmation c JOIN payment p ON p.id = c.payment_id
WHERE c.gateway_account_id = %s AND c.external_id = ANY (%s::text[]) AND NOT EXISTS (
    SELECT 1 FROM payment_event e
    WHERE e.gateway_account_id = c.gateway_account_id AND e.external_id = c.external_id AND e.kind = 'paid')
"""
"""Payments whose money stands on the statement and whose update has not come (yet): their gateway is asked about."""

CHARGE_OF_PAYMENT = """
SELECT c.external_id, c.merchant_id, c.payer, c.amount_minor, c.currency, c.proof FROM payment_confirmation c
WHERE c.gateway_account_id = %s AND c.payment_id = %s
ORDER BY EXISTS (SELECT 1 FROM payment_event e WHERE e.gateway_account_id = c.gateway_account_id
                 AND e.external_id = c.external_id AND e.kind = 'paid'), c.paid_at
LIMIT 1
"""
"""What came in for a payment, first what was not booked yet."""

PAYER = """
SELECT payer FROM payment_confirmation WHERE gateway_account_id = %s AND external_id = %s
"""

OWN_REFUND = """
SELECT 1 FROM refund r JOIN payment_event e ON e.id = r.event_id
WHERE e.gateway_account_id = %s AND e.external_id = %s AND e.kind = 'paid' AND NOT r.to_wallet AND r.state <> 'failed'
LIMIT 1
"""
"""Whether a charge goes back because we said so: Telegram tells the chat of our own refunds as well."""

UNCONFIRMED = """
SELECT e.gateway_account_id, g.gateway, max(e.received_at)
FROM delivery d JOIN shop_order o ON o.id = d.order_id
JOIN payment p ON p.shopper_id = o.shopper_id AND p.merchant_id = o.merchant_id AND p.worth_minor IS NOT NULL
JOIN payment_event e ON e.payment_id = p.id AND e.kind = 'paid'
JOIN gateway_account g ON g.id = e.gateway_account_id
WHERE d.id = %s AND NOT EXISTS (
    SELECT 1 FROM payment_confirmation c
    WHERE c.gateway_account_id = e.gateway_account_id AND c.external_id = e.external_id)
GROUP BY e.gateway_account_id, g.gateway
"""
"""The accounts whose statement has to be read before a delivery can be proved paid: of its order's payments, and of
those that filled its shopper's wallet; with when the last of them came."""

ACCOUNTS_OF_MERCHANT = """
SELECT g.id, g.gateway, o.paid_at FROM delivery d JOIN shop_order o ON o.id = d.order_id
JOIN gateway_account g ON g.merchant_id = o.merchant_id AND g.gateway = ANY (%s)
WHERE d.id = %s ORDER BY g.id
"""
"""Every account of the merchant whose statement can be read, and when the order was paid: whatever filled the wallet
that paid it had come by then. For wallets that are no longer the order's shopper's, since its account was let go."""
