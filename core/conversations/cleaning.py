"""What is kept for a while only: bodies of the inbox, buttons, menus, answers sealed to sessions that have ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.db import changed

BODY_KEPT = timedelta(days=7)
"""A body that could not be handled is removed after this long; handled ones lose theirs at once. An event that still
waits is given up then, and its chat goes on."""

EVENT_KEPT = timedelta(days=30)
"""How long an event's row answers a repeat of it."""

REPLAY_KEPT = timedelta(minutes=15)
"""How long the nonce of a request is remembered; its timestamp is stale well before."""

SESSION_KEPT = timedelta(days=1)
"""How long the row of a session that has ended stays: until what was sealed to it is gone."""

BODIES = """
UPDATE inbox SET sealed_body = NULL, sealed_answer = NULL, taken_until = NULL,
    handled_at = CASE WHEN waits THEN %s ELSE handled_at END
WHERE (source, event_id) IN (
    SELECT source, event_id FROM inbox WHERE sealed_body IS NOT NULL AND received_at < %s LIMIT %s)
"""
EVENTS = """
DELETE FROM inbox WHERE (source, event_id) IN (
    SELECT source, event_id FROM inbox WHERE sealed_body IS NULL AND received_at < %s LIMIT %s)
"""
BUTTONS = "DELETE FROM button WHERE token_hash IN (SELECT token_hash FROM button WHERE expires_at < %s LIMIT %s)"
MENUS = """
DELETE FROM menu_sent WHERE conversation_id IN (SELECT conversation_id FROM menu_sent WHERE expires_at < %s LIMIT %s)
"""
ANSWERS = """
DELETE FROM sealed_answer WHERE (message_id, session_id) IN (
    SELECT a.message_id, a.session_id FROM sealed_answer a
    JOIN chat_session s ON s.id = a.session_id WHERE s.expires_at < %s LIMIT %s)
"""


READINGS = "DELETE FROM reading WHERE id IN (SELECT id FROM reading WHERE asked_at < %s LIMIT %s)"


REPLAYS = """
DELETE FROM wechat_replay WHERE (account_id, replay_key) IN (
    SELECT account_id, replay_key FROM wechat_replay WHERE at < %s LIMIT %s)
"""
LOGINS = "DELETE FROM page_login WHERE id IN (SELECT id FROM page_login WHERE created_at < %s LIMIT %s)"
SESSIONS = "DELETE FROM chat_session WHERE id IN (SELECT id FROM chat_session WHERE expires_at < %s LIMIT %s)"


PAUSES = "DELETE FROM send_pause WHERE scope IN (SELECT scope FROM send_pause WHERE until < %s LIMIT %s)"


def remove_expired(*, now: datetime, limit: int = 2000) -> int:
    """Remove what has expired, at most `limit` rows of a kind; returns how many. Each statement commits by itself."""
    return (
        changed(BODIES, (now, now - BODY_KEPT, limit))
        + changed(EVENTS, (now - EVENT_KEPT, limit))
        + changed(BUTTONS, (now, limit))
        + changed(MENUS, (now, limit))
        + changed(ANSWERS, (now, limit))
        + changed(REPLAYS, (now - REPLAY_KEPT, limit))
        + changed(LOGINS, (now - SESSION_KEPT, limit))
        + changed(SESSIONS, (now - SESSION_KEPT, limit))
        + changed(PAUSES, (now - SESSION_KEPT, limit))
        + changed(READINGS, (now - BODY_KEPT, limit))
    )
