"""The fixed statements of the books; each is one round trip."""

from __future__ import annotations

OPEN_ACCOUNT = """
INSERT INTO account (kind, holder, counterparty, currency, bounded) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (kind, holder, counterparty, currency) DO NOTHING
RETURNING id
"""
"""An account that may exist already; returns its id only when it is new."""

FIND_ACCOUNT = "SELECT id FROM account WHERE kind = %s AND holder = %s AND counterparty = %s AND currency = %s"
"""One account by what makes it unique."""

POST = """
WITH posted AS (
    INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, line_id, at)
    SELECT debit_id, credit_id, amount, currency, code, reference, line_id, %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::uuid[], %s::uuid[])
         WITH ORDINALITY AS new (debit_id, credit_id, amount, currency, code, reference, line_id, n)
    ORDER BY n
    RETURNING debit_id, credit_id, amount
)
SELECT account.id, sum(change)::bigint
FROM (SELECT debit_id AS id, -amount AS change FROM posted
      UNION ALL SELECT credit_id, amount FROM posted) AS moved
JOIN account USING (id)
WHERE account.bounded
GROUP BY account.id
"""
"""Insert all transfers at once; returns the change of each bounded account among them."""

LOCK_ACCOUNTS = "SELECT id FROM account WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
"""Lock several bounded accounts in the one order that cannot deadlock."""

TOUCH = """
UPDATE account SET balance = balance + change
FROM unnest(%s::bigint[], %s::bigint[]) AS moved (account_id, change)
WHERE id = account_id AND bounded AND balance + change - aside >= floor
"""
"""Change stored balances unless one would fall below its floor; the row count tells."""

REVERSE = """
INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, line_id, at)
SELECT credit_id, debit_id, amount, currency, %s, reference, line_id, %s FROM transfer WHERE id = %s
RETURNING id, debit_id, credit_id, amount
"""
"""The mirror of one whole transfer."""

RECORD_REVERSAL = "INSERT INTO reversal (transfer_id, by_transfer_id, reason) VALUES (%s, %s, %s)"
"""Says which transfer a mirror takes back; a second one for the same transfer breaks the primary key."""

BOUNDED_AMONG = "SELECT id FROM account WHERE id = ANY(%s::bigint[]) AND bounded"
"""Which of some accounts store a balance."""

BALANCE = """
WITH last AS (SELECT coalesce(max(last_transfer_id), -9223372036854775808) AS id FROM checkpoint)
SELECT (coalesce((SELECT balance FROM checkpoint_balance WHERE account_id = %(account)s
                  ORDER BY number DESC LIMIT 1), 0)
      + coalesce((SELECT sum(amount) FROM transfer WHERE credit_id = %(account)s AND id > (SELECT id FROM last)), 0)
      - coalesce((SELECT sum(amount) FROM transfer WHERE debit_id = %(account)s AND id > (SELECT id FROM last)), 0)
       )::bigint
"""
"""An account's balance: its last mark, and the transfers after the last checkpoint."""

STORED_BALANCE = """
SELECT balance FROM account WHERE kind = %s AND holder = %s AND counterparty = %s AND currency = %s AND bounded
"""
"""A bounded account's stored balance."""

HOLD = """
INSERT INTO money_hold (id, account_id, held_in_id, order_id, amount, state, created_at)
VALUES (%s, %s, %s, %s, %s, 'open', %s)
"""
"""Money set aside for an order; a second hold for the same order breaks its unique key."""

CAPTURE_HOLD = """
UPDATE money_hold SET state = 'captured', captured = amount, settled_at = %s
WHERE order_id = %s AND state = 'open'
RETURNING held_in_id, amount
"""
"""Use held money, once; returns nothing when none is open."""

RELEASE_HOLD = """
UPDATE money_hold SET state = %s, released = amount, settled_at = %s
WHERE order_id = ANY (%s::uuid[]) AND state = 'open'
RETURNING order_id, account_id, held_in_id, amount, (SELECT currency FROM account WHERE account.id = account_id)
"""
"""Give held money back, once; returns a row for each order that had any."""

OPEN_HOLD = "SELECT account_id, held_in_id, amount FROM money_hold WHERE order_id = %s AND state = 'open'"
"""The money set aside for an order."""
