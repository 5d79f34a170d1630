"""The fixed statements of messages: telling is on the path of every delivery."""

TELL = """
WITH counted AS (
    INSERT INTO message_counter AS c (conversation_id, last_seq) VALUES (%(conversation)s, 1)
    ON CONFLICT (conversation_id) DO UPDATE SET last_seq = c.last_seq + 1
    RETURNING conversation_id, last_seq, chat_address
), told AS (
    INSERT INTO message (conversation_id, seq, kind, body, created_at)
    SELECT conversation_id, last_seq, %(kind)s, %(body)s, %(now)s FROM counted
    RETURNING id, conversation_id
), carried AS (
    INSERT INTO outgoing (message_id, conversation_id, state, due_at, created_at, ended_at, otherwise_at)
    SELECT told.id, told.conversation_id, %(state)s, %(due)s, %(now)s, CASE WHEN %(state)s <> 'ready' THEN %(now)s END,
           %(otherwise)s
    FROM told, counted WHERE counted.chat_address IS NOT NULL RETURNING 1
)
SELECT told.id, EXISTS (SELECT 1 FROM carried) FROM told
"""
"""A message, and, where a platform's chat is ours to write in, its place in the queue of what is carried there."""

ROUTE = "INSERT INTO message_counter (conversation_id, chat_address) VALUES (%s, %s) ON CONFLICT DO NOTHING"

TAKE_PEN = """
UPDATE message_counter SET pen_until = clock_timestamp() + %s
WHERE conversation_id = %s AND (pen_until IS NULL OR pen_until <= clock_timestamp()) RETURNING pen_until
"""
"""By the database's own time: whoever writes for long has a `now` that is old."""

RENEW_PEN = """
UPDATE message_counter SET pen_until = clock_timestamp() + %s
WHERE conversation_id = %s AND pen_until = %s RETURNING pen_until
"""
LAY_PEN_DOWN = "UPDATE message_counter SET pen_until = NULL WHERE conversation_id = %s AND pen_until = %s"

NEXT_OUTGOING = """
SELECT m.id, m.seq, m.kind, m.body, m.created_at, o.attempts, o.due_at <= %(now)s
FROM outgoing o JOIN message m ON m.id = o.message_id
WHERE o.conversation_id = %(conversation)s AND o.state = 'ready' ORDER BY o.message_id LIMIT 1
"""

MOVE_OUTGOING = """
WITH moved AS (
    UPDATE outgoing SET state = %(state)s, attempts = attempts + %(tried)s, due_at = %(due)s, ended_at = %(ended)s,
        otherwise_at = CASE WHEN %(state)s <> 'sent' THEN coalesce(%(otherwise)s, otherwise_at) END
    WHERE message_id = %(message)s AND state = 'ready' RETURNING conversation_id
)
INSERT INTO send_attempt (conversation_id, message_id, order_id, way, outcome, problem, external_ref, at)
SELECT conversation_id, %(message)s, %(order)s, %(way)s, %(outcome)s, %(problem)s, %(external)s, %(now)s FROM moved
"""

NOTE_ATTEMPT = """
INSERT INTO send_attempt (conversation_id, message_id, order_id, way, outcome, problem, external_ref, at)
VALUES (%(conversation)s, %(message)s, %(order)s, %(way)s, %(outcome)s, %(problem)s, %(external)s, %(now)s)
"""

ATTEMPTS_OF_ORDER = """
SELECT way, outcome, problem, message_id, at FROM send_attempt WHERE order_id = %s ORDER BY id
"""

WAYS_TRIED = """
SELECT way FROM send_attempt WHERE message_id = %s AND outcome IN ('sent', 'unknown')
GROUP BY way HAVING bool_or(outcome = 'sent') OR count(*) >= 3
"""
"""By these a message has reached somebody, or has perhaps done so often enough."""

OTHERWISE_DUE = """
SELECT m.id, m.seq, m.kind, m.body, m.created_at
FROM outgoing o JOIN message m ON m.id = o.message_id
WHERE o.conversation_id = %s AND o.otherwise_at <= %s AND o.state <> 'sent' ORDER BY o.message_id
"""
TOLD_OTHERWISE = "UPDATE outgoing SET otherwise_at = %s WHERE message_id = %s"

RESUME = """
UPDATE outgoing o SET state = 'ready', due_at = %(now)s, ended_at = NULL, attempts = 0, otherwise_at = NULL
FROM message m
WHERE m.id = o.message_id AND o.conversation_id = %(conversation)s AND o.created_at > %(since)s
  AND (o.state = 'waiting' OR o.state = 'refused' AND m.kind = 'cards')
  AND (m.kind <> ALL (%(passing)s) OR o.created_at > %(lately)s) RETURNING 1
"""
"""The person speaks again: what could not be handed over is tried once more, in its order, refused cards too; what only
spoke of the moment is no news any more."""

FETCHED = """
UPDATE outgoing o SET state = 'sent', ended_at = %s, otherwise_at = NULL FROM message m
WHERE m.id = o.message_id AND o.conversation_id = %s AND o.state <> 'sent'
  AND m.kind = 'cards' AND m.body ->> 'delivery' = %s
"""
"""The cards of a delivery were fetched: they need not be carried any more."""

DUE_CONVERSATIONS = """
SELECT DISTINCT o.conversation_id FROM (
    SELECT conversation_id FROM outgoing WHERE state = 'ready' AND due_at <= %(now)s
    UNION ALL SELECT conversation_id FROM outgoing WHERE otherwise_at <= %(now)s
) o JOIN message_counter c ON c.conversation_id = o.conversation_id
WHERE c.pen_until IS NULL OR c.pen_until <= clock_timestamp() LIMIT %(limit)s
"""

PAUSES = "SELECT max(until) FROM send_pause WHERE scope = ANY (%s) AND until > %s"
PAUSED_BESIDE = "SELECT count(*) FROM send_pause WHERE starts_with(scope, %s) AND scope <> %s AND until > %s"
PAUSE = """
INSERT INTO send_pause AS p (scope, until) VALUES (%s, %s)
ON CONFLICT (scope) DO UPDATE SET until = greatest(p.until, EXCLUDED.until)
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
