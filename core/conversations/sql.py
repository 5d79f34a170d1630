"""The fixed statements of conversations: every message of a shopper runs through them."""

OPEN = """
WITH opened AS (
    INSERT INTO conversation (id, merchant_id, shopper_id, identity_id, chat_address, created_at)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id, created_at
)
INSERT INTO chat_session (id, conversation_id, token_hash, answer_public_key, network, created_at, expires_at, seal)
SELECT %s, id, %s, %s, %s, created_at, %s, %s FROM opened
"""

OPEN_READER = """
INSERT INTO chat_session (id, conversation_id, token_hash, answer_public_key, network, start_seq, created_at,
                          expires_at, seal)
VALUES (%s, %s, %s, %s, '', %s, %s, %s, %s) ON CONFLICT (token_hash) DO NOTHING
"""

READER = "SELECT id FROM chat_session WHERE token_hash = %s AND conversation_id = %s AND expires_at > %s"

SESSION = """
SELECT s.id, s.conversation_id, c.merchant_id, m.code, c.shopper_id, c.identity_id, h.locale, s.network, s.start_seq,
       c.chat_address
FROM chat_session s
JOIN conversation c ON c.id = s.conversation_id
JOIN shopper h ON h.id = c.shopper_id
JOIN party m ON m.id = c.merchant_id AND m.status = 'active'
WHERE s.token_hash = %s AND s.expires_at > %s
"""

ANSWER_KEYS = "SELECT id, answer_public_key FROM chat_session WHERE conversation_id = %s AND expires_at > %s"

CONVERSATION = """
SELECT c.id, c.merchant_id, c.shopper_id, c.identity_id, h.locale, c.chat_address
FROM conversation c JOIN shopper h ON h.id = c.shopper_id WHERE c.id = %s
"""

RECEIVE = """
WITH taken AS (
    INSERT INTO inbox (source, event_id, conversation_id, body_hash, sealed_body, received_at)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (source, event_id) DO NOTHING RETURNING conversation_id, received_at
), heard AS (
    UPDATE conversation c SET last_heard_at = taken.received_at FROM taken WHERE c.id = taken.conversation_id
)
SELECT 1 FROM taken
"""
"""One row per message, however often and at once it arrives: a concurrent twin waits here for the first's commit."""

FIRST = """
SELECT conversation_id, body_hash, sealed_answer, handled_at FROM inbox WHERE source = %s AND event_id = %s
"""

TAKE_OVER = """
UPDATE inbox SET received_at = %s
WHERE source = %s AND event_id = %s AND handled_at IS NULL AND received_at <= %s RETURNING 1
"""

GIVE_BACK = "UPDATE inbox SET received_at = %s WHERE source = %s AND event_id = %s AND handled_at IS NULL"

ANSWER = """
UPDATE inbox SET sealed_answer = %s, sealed_body = NULL, handled_at = %s
WHERE source = %s AND event_id = %s AND handled_at IS NULL RETURNING 1
"""

MINT_BUTTONS = """
INSERT INTO button (conversation_id, created_at, expires_at, token_hash, intent, params)
SELECT %s, %s, %s, b.token_hash, b.intent, b.params
FROM unnest(%s::bytea[], %s::text[], %s::jsonb[]) AS b (token_hash, intent, params)
ON CONFLICT (token_hash) DO UPDATE SET expires_at = EXCLUDED.expires_at
    WHERE button.conversation_id = EXCLUDED.conversation_id
"""

READ_BUTTON = """
SELECT intent, params FROM button WHERE token_hash = %s AND conversation_id = %s AND expires_at > %s
"""

REMEMBER_MENU = """
INSERT INTO menu_sent (conversation_id, options, sent_at, expires_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (conversation_id) DO UPDATE
    SET options = EXCLUDED.options, sent_at = EXCLUDED.sent_at, expires_at = EXCLUDED.expires_at
"""

READ_MENU = "SELECT options FROM menu_sent WHERE conversation_id = %s AND expires_at > %s"

CHAT_OF_IDENTITY = """
SELECT c.id, c.merchant_id, c.shopper_id, c.identity_id, h.locale, c.chat_address
FROM identity i JOIN conversation c ON c.identity_id = i.id JOIN shopper h ON h.id = c.shopper_id
WHERE i.merchant_id = %s AND i.channel = %s AND i.external_id = %s
"""

SAME_PERSON = """
SELECT i.shopper_id, h.locale FROM identity i JOIN shopper h ON h.id = i.shopper_id
WHERE i.merchant_id = %s AND i.channel = %s AND split_part(i.external_id, ':', 1) = %s ORDER BY i.created_at LIMIT 1
"""

OPEN_CHAT = """
INSERT INTO conversation (id, merchant_id, shopper_id, identity_id, chat_address, chat_account_id, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

PUT_IN = """
WITH put AS (
    INSERT INTO inbox (source, event_id, conversation_id, body_hash, sealed_body, received_at, waits, urgent)
    VALUES (%s, %s, %s, %s, %s, %s, true, %s)
    ON CONFLICT (source, event_id) DO NOTHING RETURNING conversation_id, received_at, source
), heard AS (
    UPDATE conversation c SET last_heard_at = put.received_at FROM put WHERE c.id = put.conversation_id
)
SELECT source FROM put
"""

TAKE_URGENT = """
UPDATE inbox SET taken_until = %(lease)s, tries = tries + 1
WHERE (source, event_id) = (
    SELECT source, event_id FROM inbox
    WHERE source = %(source)s AND waits AND handled_at IS NULL AND sealed_body IS NOT NULL AND urgent
      AND (taken_until IS NULL OR taken_until <= %(now)s)
    ORDER BY arrival LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
  AND handled_at IS NULL AND (taken_until IS NULL OR taken_until <= %(now)s)
RETURNING event_id, conversation_id, sealed_body, sealed_answer, tries, received_at
"""

NEXT_CHAT = """
SELECT conversation_id, pg_advisory_xact_lock(7105, hashtext(conversation_id::text)) FROM (
    SELECT i.conversation_id FROM inbox i
    WHERE i.source = %(source)s AND i.waits AND i.handled_at IS NULL AND i.sealed_body IS NOT NULL AND NOT i.urgent
      AND i.conversation_id NOT IN (
          SELECT j.conversation_id FROM inbox j
          WHERE j.source = %(source)s AND j.waits AND j.handled_at IS NULL AND j.sealed_body IS NOT NULL
            AND NOT j.urgent AND j.taken_until > %(now)s)
    ORDER BY i.arrival LIMIT 1) next
"""
"""The chat whose event waits longest, of those that nobody is busy with; whoever looks into one waits here for another
who does.

The queue is read in its order up to the first such event; chats in hand or put off are read once, from their own index.
"""

TAKE_NEXT = """
UPDATE inbox SET taken_until = %(lease)s, tries = tries + 1
WHERE (source, event_id) = (
    SELECT source, event_id FROM inbox
    WHERE conversation_id = %(conversation)s AND waits AND handled_at IS NULL AND sealed_body IS NOT NULL
      AND source = %(source)s AND NOT urgent
    ORDER BY arrival LIMIT 1)
  AND handled_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM inbox j
    WHERE j.source = %(source)s AND j.conversation_id = %(conversation)s AND j.waits AND j.handled_at IS NULL
      AND j.sealed_body IS NOT NULL AND NOT j.urgent AND j.taken_until > %(now)s)
RETURNING event_id, conversation_id, sealed_body, sealed_answer, tries, received_at
"""
"""The oldest event of a chat that nobody is busy with: two handlers never work in one chat at once, also where an event
that arrived earlier is committed later. A statement of its own after the lock, so that it sees what the last one took.
"""

EXTEND = """
UPDATE inbox SET taken_until = %s
WHERE source = %s AND event_id = %s AND handled_at IS NULL AND tries = %s AND taken_until > %s RETURNING 1
"""

HANDLED = """
UPDATE inbox SET handled_at = %s, sealed_body = NULL, sealed_answer = NULL, taken_until = NULL
WHERE source = %s AND event_id = %s AND handled_at IS NULL
"""

AGAIN_LATER = """
UPDATE inbox SET taken_until = %s WHERE source = %s AND event_id = %s AND handled_at IS NULL AND tries = %s
"""

PUT_OFF = """
UPDATE inbox SET taken_until = %s, tries = greatest(tries - 1, 0)
WHERE source = %s AND event_id = %s AND handled_at IS NULL AND tries = %s
"""

KEEP_ANSWER = "UPDATE inbox SET sealed_answer = %s WHERE source = %s AND event_id = %s AND handled_at IS NULL"

IS_BUSY = """
SELECT EXISTS (
    SELECT 1 FROM inbox WHERE conversation_id = %s AND waits AND handled_at IS NULL AND sealed_body IS NOT NULL)
"""

LIVING = "SELECT external_ref, is_newest FROM living_message WHERE conversation_id = %s"

KEEP_LIVING = """
INSERT INTO living_message (conversation_id, external_ref, at) VALUES (%s, %s, %s)
ON CONFLICT (conversation_id) DO UPDATE SET external_ref = EXCLUDED.external_ref, is_newest = true, at = EXCLUDED.at
"""

COVER_LIVING = "UPDATE living_message SET is_newest = false WHERE conversation_id = %s AND external_ref <> %s"
