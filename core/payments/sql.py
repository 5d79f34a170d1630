"""The fixed statements of payments; each is one round trip."""

from __future__ import annotations

DESK = """
SELECT g.id, g.merchant_id, g.gateway, clearing.id,
       p.id, p.merchant_id, p.order_id, p.shopper_id, p.gateway_account_id, p.amount_minor, p.currency,
       p.worth_minor, p.worth_currency, o.conversation_id,
       EXISTS (SELECT 1 FROM payment_event e
               WHERE e.gateway_account_id = g.id AND e.external_id = %(external)s AND e.kind = %(kind)s)
FROM gateway_account g
LEFT JOIN account clearing ON clearing.kind = 'clearing' AND clearing.holder = 'gateway:' || g.id
    AND clearing.counterparty = 'party:' || g.merchant_id AND clearing.currency = %(currency)s
LEFT JOIN payment p ON p.id = %(payment)s
LEFT JOIN shop_order o ON o.id = p.order_id
WHERE g.gateway = %(gateway)s AND g.opaque_id = %(opaque_id)s
"""
"""All that is known where a notice arrives: its account, the payment it names, whether it was booked before."""

EARLIER_REFUND = """
SELECT id, amount_minor FROM payment_event
WHERE named_payment_id = %(payment)s AND gateway_account_id = %(account)s AND currency = %(currency)s
    AND kind = 'refunded' AND reason IN ('refunded_outside', 'unknown_payment') AND resolved_at IS NULL
ORDER BY received_at LIMIT 1
"""
"""A refund of a payment that its gateway reported before the payment, be it that we could see the payment or not."""

RECORD_PAID = f"""
WITH e AS (
    INSERT INTO payment_event (id, gateway_account_id, external_id, kind, named_payment_id, payment_id, order_id,
        amount_minor, currency, body, headers, received_at, booked_to)
    VALUES (%(event)s, %(account)s, %(external)s, 'paid', %(payment)s, %(payment)s, %(order)s,
        %(amount)s, %(currency)s, %(body)s, %(headers)s, %(now)s, %(booked_to)s)
    ON CONFLICT (gateway_account_id, external_id, kind) DO NOTHING
    RETURNING id
), p AS (
    UPDATE payment SET state = 'succeeded', succeeded_at = %(now)s, external_ref = %(external)s, poll_at = NULL
    WHERE id = %(payment)s AND state = ANY (%(states)s) AND EXISTS (SELECT 1 FROM e)
    RETURNING id
)
SELECT (SELECT count(*) FROM e), (SELECT count(*) FROM p),
       EXISTS (SELECT 1 FROM money_hold WHERE order_id = %(order)s AND state = 'open'), r.id, r.amount_minor
FROM (SELECT 1) AS always LEFT JOIN LATERAL ({EARLIER_REFUND}) AS r ON true
"""  # noqa: S608 - constants of this module only
"""The evidence, byte for byte, and the payment it settles. A twin inserts nothing; a payment that can no longer
succeed stays as it is, and the caller moves the event to suspense. Then, as
it is under the order's lock: whether wallet money is held for it, and a refund of it that came first."""

RECORD_SUSPENSE = """
INSERT INTO payment_event (id, gateway_account_id, external_id, kind, named_payment_id, payment_id, order_id,
    amount_minor, currency, body, headers, received_at, booked_to, reason)
VALUES (%(event)s, %(account)s, %(external)s, %(kind)s, %(named)s, %(payment)s, %(order)s,
    %(amount)s, %(currency)s, %(body)s, %(headers)s, %(now)s, 'suspense', %(reason)s)
ON CONFLICT (gateway_account_id, external_id, kind) DO NOTHING
RETURNING id
"""
"""Authentic money (or a refund) that nothing was waiting for; a twin inserts nothing."""

TO_SUSPENSE = "UPDATE payment_event SET booked_to = 'suspense', reason = %s WHERE id = %s"
"""What could not be settled after all, in the same transaction that recorded it."""

SET_REASON = "UPDATE payment_event SET reason = %s, payment_id = %s, order_id = %s WHERE id = %s"
"""Suspense money whose payment became visible and still does not settle it."""

DECIDE_BY = "UPDATE payment_event SET decide_by = %s WHERE id = %s"
"""Until then the shopper chooses."""

RESOLVE = """
UPDATE payment_event SET resolved_at = %s, resolution = %s
WHERE id = ANY(%s::uuid[]) AND booked_to = 'suspense' AND resolved_at IS NULL
"""
"""What became of suspense money; the row count says whether this was the first to decide."""

REVIEW = "UPDATE payment SET state = 'review', poll_at = NULL WHERE id = %s AND state = ANY (%s)"
"""Money came for this payment that does not fit: a person looks at it, its gateway is not asked again."""

SUCCEED_LATE = """
UPDATE payment SET state = 'succeeded', succeeded_at = %s, external_ref = %s, poll_at = NULL
WHERE id = %s AND state = ANY (%s)
"""
"""A payment whose money waited in suspense until the payment was visible."""

EVENT = """
SELECT e.id, e.gateway_account_id, e.external_id, e.payment_id, e.order_id, e.amount_minor, e.currency,
       e.reason, e.resolved_at, g.merchant_id, p.shopper_id,
       p.gateway_account_id, p.amount_minor, p.currency, p.worth_minor, p.worth_currency
FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id
LEFT JOIN payment p ON p.id = e.payment_id
WHERE e.id = %s AND e.kind = 'paid' AND (e.booked_to = 'suspense' OR EXISTS (
    SELECT 1 FROM refund r WHERE r.event_id = e.id AND r.line_id IS NOT NULL))
"""
"""One event of suspense money, or of an order a line of which goes back, with those whom it concerns."""

UNJOINED = """
SELECT e.id FROM payment_event e JOIN payment p ON p.id = e.named_payment_id
WHERE e.booked_to = 'suspense' AND e.resolved_at IS NULL AND e.reason = 'unknown_payment'
ORDER BY e.kind = 'paid', e.received_at LIMIT %s
"""
"""Events that came before their payment was visible, and whose payment is visible now; refunds first, so that nothing
is delivered for money that went back."""

JOINABLE = """
SELECT e.id, e.kind, e.gateway_account_id, e.external_id, e.amount_minor, e.currency, g.merchant_id,
       p.id, p.order_id, p.shopper_id, p.gateway_account_id, p.amount_minor, p.currency, p.worth_minor,
       p.worth_currency, p.merchant_id
FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id
JOIN payment p ON p.id = e.named_payment_id
WHERE e.id = %s AND e.resolved_at IS NULL AND e.reason = 'unknown_payment'
FOR NO KEY UPDATE OF e
"""
"""One such event with its payment, locked against a second sweep."""

UNDECIDED_OF_ORDER = """
SELECT id, amount_minor, currency FROM payment_event
WHERE order_id = %s AND booked_to = 'suspense' AND reason = %s AND resolved_at IS NULL ORDER BY received_at, id
"""

UNDECIDED = """
SELECT id FROM payment_event
WHERE booked_to = 'suspense' AND resolved_at IS NULL AND decide_by <= %s ORDER BY decide_by LIMIT %s
"""
"""Late money whose shopper did not choose in time."""

INSERT_PAYMENT = """
INSERT INTO payment (id, order_id, merchant_id, shopper_id, rail, gateway_account_id, amount_minor, currency, state,
    created_at, expires_at, succeeded_at, poll_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

OPEN_PAYMENT = """
SELECT id FROM payment WHERE order_id = %s AND gateway_account_id = %s AND amount_minor = %s
    AND state IN ('created', 'pending') AND expires_at > %s
ORDER BY created_at DESC LIMIT 1
"""
"""The intent that is under way for an order at one gateway account."""

LOCK_SHOPPER = """
SELECT m.status = 'active' FROM shopper s JOIN party m ON m.id = s.merchant_id
WHERE s.id = %s AND s.merged_into IS NULL FOR NO KEY UPDATE OF s
"""
"""One shopper's top-ups are asked for one after another; nothing when it became part of another meanwhile. Whether its
shop takes money now."""

OPEN_TOPUP = """
SELECT id FROM payment WHERE shopper_id = %s AND order_id IS NULL AND merchant_id = %s AND gateway_account_id = %s
    AND amount_minor = %s AND state IN ('created', 'pending') AND expires_at > %s
ORDER BY created_at DESC LIMIT 1
"""
"""The intent that is under way for the same top-up."""

PAYMENT = """
SELECT p.id, p.order_id, p.merchant_id, p.shopper_id, p.rail, p.gateway_account_id, p.amount_minor, p.currency, p.state,
       p.refunded_minor, p.external_ref, p.url, p.created_at, p.expires_at, g.gateway, g.opaque_id,
       p.worth_minor, p.worth_currency, m.status = 'active'
FROM payment p JOIN party m ON m.id = p.merchant_id LEFT JOIN gateway_account g ON g.id = p.gateway_account_id
WHERE p.id = %s
"""

LATEST_PAYMENT = """
SELECT state, url FROM payment WHERE order_id = %s AND rail = 'gateway' ORDER BY created_at DESC LIMIT 1
"""

STARTED = """
UPDATE payment SET state = 'pending', external_ref = %s, url = %s, poll_at = %s WHERE id = %s AND state = 'created'
"""
"""The gateway knows the intent; a repeat changes nothing."""

POLL_AT = "UPDATE payment SET poll_at = %s WHERE id = %s AND state IN ('created', 'pending', 'expired')"

EXPIRE_PAYMENT = "UPDATE payment SET state = 'expired' WHERE id = %s AND state IN ('created', 'pending')"
"""Certainly not paid when its time was over."""

ANSWERED = "UPDATE epoch_payment SET answered_at = %s WHERE payment_id = %s AND answered_at IS NULL"
"""Payments from before a restore: the vault opens nothing until each was answered for."""

TAKE_POLLS = """
UPDATE payment SET poll_at = %(again)s
WHERE id IN (SELECT id FROM payment WHERE poll_at <= %(now)s ORDER BY poll_at LIMIT %(limit)s
             FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""
"""Payments whose gateway is to be asked now; another sweep leaves them alone until `again`."""

SHOPPERS_CONVERSATION = """
SELECT id FROM conversation WHERE shopper_id = %s ORDER BY last_heard_at DESC NULLS LAST, created_at DESC LIMIT 1
"""
"""Where a shopper was heard last."""

INSERT_REFUND = """
INSERT INTO refund (id, merchant_id, order_id, payment_id, event_id, line_id, to_wallet, amount_minor, currency, state,
    reason, created_at, ended_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

TAKE_REFUND = """
UPDATE refund SET state = CASE state WHEN 'requested' THEN 'sent' ELSE state END, attempts = attempts + 1,
    lease_until = %(lease)s
WHERE id = %(refund)s AND state IN ('requested', 'sent', 'unknown')
    AND (lease_until IS NULL OR lease_until <= %(now)s)
RETURNING payment_id, event_id, amount_minor, currency, attempts, line_id
"""
"""Take a refund for one worker until its lease ends; nobody else sends it meanwhile."""

END_REFUND = """
UPDATE refund SET state = %s, ended_at = %s, lease_until = NULL WHERE id = %s AND state IN ('sent', 'unknown')
RETURNING id
"""
"""A refund's certain end, once."""

REFUND_UNKNOWN = """
UPDATE refund SET state = 'unknown', lease_until = %s WHERE id = %s AND state IN ('sent', 'unknown')
"""

DUE_REFUNDS = """
SELECT id FROM refund WHERE state IN ('requested', 'sent', 'unknown')
    AND (lease_until <= %(now)s OR (lease_until IS NULL AND created_at <= %(before)s))
ORDER BY created_at LIMIT %(limit)s
"""
"""Refunds that nobody is sending: their queue row was lost, or the worker that took them."""

PAYMENT_REFUNDED = """
UPDATE payment SET refunded_minor = refunded_minor + %(amount)s,
    state = CASE WHEN refunded_minor + %(amount)s = amount_minor THEN 'refunded' ELSE 'part_refunded' END
WHERE id = %(payment)s AND state IN ('succeeded', 'part_refunded') AND refunded_minor + %(amount)s <= amount_minor
    AND external_ref = %(external)s
"""
"""Money of a captured payment went back; money that the payment was never credited with changes nothing here."""

REFUNDED_FIRST = """
UPDATE payment SET state = 'refunded', refunded_minor = amount_minor
WHERE id = %s AND state = 'succeeded'
RETURNING id
"""
"""A payment whose refund arrived before it did."""

OUTSIDE_REFUNDED = """
UPDATE payment SET refunded_minor = refunded_minor + %(amount)s,
    state = CASE WHEN refunded_minor + %(amount)s = amount_minor THEN 'refunded' ELSE 'part_refunded' END
WHERE id = %(payment)s AND state IN ('succeeded', 'part_refunded') AND refunded_minor + %(amount)s <= amount_minor
"""
"""The gateway gave money of a captured payment back by itself."""

RECONCILE = """
WITH due AS (
    SELECT e.id, e.kind = 'paid' AS incoming, e.gateway_account_id, e.amount_minor, e.currency
    FROM payment_event e WHERE e.reconciled_at IS NULL AND e.received_at <= %(before)s
    ORDER BY e.received_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
    UPDATE payment_event SET reconciled_at = %(now)s FROM due WHERE payment_event.id = due.id
), due_refund AS (
    SELECT r.id, false AS incoming, e.gateway_account_id, r.amount_minor, r.currency
    FROM refund r JOIN payment_event e ON e.id = r.event_id
    WHERE r.state = 'succeeded' AND NOT r.to_wallet AND r.reconciled_at IS NULL AND r.ended_at <= %(before)s
    ORDER BY r.ended_at LIMIT %(limit)s FOR NO KEY UPDATE OF r SKIP LOCKED
), marked_refund AS (
    UPDATE refund SET reconciled_at = %(now)s FROM due_refund WHERE refund.id = due_refund.id
)
SELECT d.id, d.incoming, d.gateway_account_id, d.amount_minor, d.currency, g.gateway, g.merchant_id
FROM (SELECT * FROM due UNION ALL SELECT * FROM due_refund) d JOIN gateway_account g ON g.id = d.gateway_account_id
"""
"""Events and refunds that the outside confirms now; the caller books them against `world` in the same transaction."""
