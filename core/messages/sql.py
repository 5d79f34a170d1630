"""The fixed statements of messages: telling is on the path of every delivery."""

TELL = """
WITH counted AS (
    INSERT INTO message_counter AS c (conversation_id, last_seq) VALUES (%s, 1)
    ON CONFLICT (conversation_id) DO UPDATE SET last_seq = c.last_seq + 1
    RETURNING conversation_id, last_seq
), told AS (
    INSERT INTO message (conversation_id, seq, kind, body, created_at)
    SELECT conversation_id, last_seq, %s, %s, %s FROM counted
    RETURNING id, conversation_id
)
SELECT id, pg_notify('keystall_wake', 'conv:' || conversation_id) FROM told
"""

MESSAGES_AFTER = """
SELECT id, seq, kind, body, created_at FROM message
WHERE conversation_id = %s AND seq > %s ORDER BY seq LIMIT %s
"""

LAST_SEQ = "SELECT last_seq FROM message_counter WHERE conversation_id = %s"

STORE_SEALED = """
INSERT INTO sealed_answer (message_id, created_at, session_id, sealed)
SELECT %s, %s, s.session_id, s.sealed FROM unnest(%s::uuid[], %s::bytea[]) AS s (session_id, sealed)
ON CONFLICT (message_id, session_id) DO NOTHING
"""

SEALED_ANSWERS = (
    "SELECT message_id, sealed FROM sealed_answer WHERE session_id = %s AND message_id = ANY (%s::bigint[])"
)
