"""The fixed statements of merging two shoppers and of letting an account go again."""

from __future__ import annotations

SHOPPERS_OF = "SELECT id, shopper_id FROM identity WHERE id = ANY (%s::uuid[])"

LOCK_ORDERS = "SELECT 1 FROM shop_order WHERE shopper_id = ANY (%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
"""Whoever pays, cancels or settles one of them comes before or after."""

LOCK_PAYMENTS = "SELECT 1 FROM payment WHERE shopper_id = ANY (%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
"""So does money on its way into a wallet."""

LOCK_SHOPPERS = "SELECT 1 FROM shopper WHERE id = ANY (%s::uuid[]) ORDER BY id FOR UPDATE"
"""Nobody refers to them meanwhile: new orders, payments and identities wait."""

ELDER = """
SELECT shopper_id, merchant_id FROM identity WHERE shopper_id = ANY (%s::uuid[]) ORDER BY created_at, id LIMIT 1
"""
"""The shopper that spoke first."""

MOVE_IDENTITIES = "UPDATE identity SET shopper_id = %(kept)s WHERE shopper_id = %(merged)s"
"""Conversations and orders follow by their foreign keys."""

MOVE_PAYMENTS = "UPDATE payment SET shopper_id = %(kept)s WHERE shopper_id = %(merged)s"

MOVE_CONTACTS = """
WITH gone AS (DELETE FROM contact WHERE shopper_id = %(merged)s RETURNING *)
INSERT INTO contact (id, shopper_id, merchant_id, kind, address, identity_id, chat_address, confirmed_at, created_at,
    seal)
SELECT id, %(kept)s, merchant_id, kind, address, identity_id, chat_address, confirmed_at, created_at, seal FROM gone
ON CONFLICT (shopper_id, kind) DO UPDATE SET id = excluded.id, address = excluded.address,
    identity_id = excluded.identity_id, chat_address = excluded.chat_address, confirmed_at = excluded.confirmed_at,
    seal = excluded.seal
    WHERE contact.confirmed_at < excluded.confirmed_at
"""
"""Of two addresses of a kind the one that was confirmed last stays. Pick-up codes go there only for orders that the
account which confirmed it may read: `core.fulfilment.pickup_codes`."""

LET_CONTACTS_GO = """
UPDATE contact SET shopper_id = %(new)s WHERE shopper_id = %(shopper)s AND identity_id = ANY (%(identities)s::uuid[])
"""
"""What an account confirmed goes with it."""

COPY_SUBMISSIONS = """
INSERT INTO submission (merchant_id, caller, operation, key, request_hash, reference, created_at)
SELECT merchant_id, 'shopper:' || %(kept)s::text, operation, key, request_hash, reference, created_at
FROM submission WHERE merchant_id = %(merchant)s AND caller = 'shopper:' || %(merged)s::text
ON CONFLICT DO NOTHING
"""
"""A button tapped before and after does what it did once."""

LANGUAGE_USED_LAST = """
SELECT s.locale FROM shopper s LEFT JOIN conversation c ON c.shopper_id = s.id
WHERE s.id IN (%(kept)s, %(merged)s) ORDER BY c.last_heard_at DESC NULLS LAST, s.id = %(kept)s DESC LIMIT 1
"""

MERGE_INTO = """
UPDATE shopper k SET paid_orders = k.paid_orders + m.paid_orders, locale = %(locale)s,
    blocked_at = coalesce(k.blocked_at, m.blocked_at)
FROM shopper m WHERE k.id = %(kept)s AND m.id = %(merged)s
"""

MERGE_AWAY = "UPDATE shopper SET merged_into = %(kept)s, paid_orders = 0 WHERE id = %(merged)s"
"""Nothing refers to this shopper from now on but the books and the audit."""

INSERT_BINDING = """
INSERT INTO binding (id, merchant_id, kept_shopper_id, merged_shopper_id, kept_identity_id, kept_address,
    merged_identity_id, merged_address, bound_at, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

CHATS_OF = "SELECT id, shopper_id FROM conversation WHERE shopper_id = ANY (%s::uuid[]) ORDER BY id"

HOLDS_WALLET_MONEY = """
SELECT EXISTS (SELECT 1 FROM money_hold h JOIN shop_order o ON o.id = h.order_id
               WHERE o.identity_id = ANY (%s::uuid[]) AND h.state = 'open')
"""

NEW_SHOPPER = """
INSERT INTO shopper (id, merchant_id, locale, paid_orders, created_at, blocked_at)
SELECT %(new)s, s.merchant_id, s.locale,
       (SELECT count(*) FROM shop_order o WHERE o.identity_id = ANY (%(identities)s::uuid[]) AND o.paid_at IS NOT NULL),
       (SELECT min(i.created_at) FROM identity i WHERE i.id = ANY (%(identities)s::uuid[])), s.blocked_at
FROM shopper s WHERE s.id = %(shopper)s RETURNING paid_orders
"""
"""As old as its account, and known by the orders that were paid there."""

FEWER_PAID = "UPDATE shopper SET paid_orders = greatest(paid_orders - %s, 0) WHERE id = %s"

LET_IDENTITIES_GO = "UPDATE identity SET shopper_id = %(new)s WHERE id = ANY (%(identities)s::uuid[])"

LET_PAYMENTS_GO = """
UPDATE payment SET shopper_id = %(new)s FROM shop_order o
WHERE o.id = payment.order_id AND o.identity_id = ANY (%(identities)s::uuid[])
"""
"""Payments of orders go with them; what filled the wallet stays with it."""

COPY_SUBMISSIONS_OF_ORDERS = """
INSERT INTO submission (merchant_id, caller, operation, key, request_hash, reference, created_at)
SELECT s.merchant_id, 'shopper:' || %(new)s::text, s.operation, s.key, s.request_hash, s.reference, s.created_at
FROM submission s JOIN shop_order o ON o.id = s.reference
WHERE s.merchant_id = %(merchant)s AND s.caller = 'shopper:' || %(shopper)s::text
  AND o.identity_id = ANY (%(identities)s::uuid[])
ON CONFLICT DO NOTHING
"""

LIVE_BINDINGS = """
SELECT id, merchant_id, kept_shopper_id, merged_shopper_id, kept_identity_id, kept_address, merged_identity_id,
       merged_address, bound_at, ended_at, seal
FROM binding WHERE ended_at IS NULL
  AND (kept_identity_id = ANY (%(identities)s::uuid[]) OR merged_identity_id = ANY (%(identities)s::uuid[]))
ORDER BY bound_at, id FOR NO KEY UPDATE
"""

END_BINDING = "UPDATE binding SET ended_at = %s, seal = %s WHERE id = %s AND ended_at IS NULL"
