"""What an official account may still say unasked to a follower: counted here, for WeChat only tells afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from core.db import changed, execute


class Opening(StrEnum):
    """What a follower did that lets us speak."""

    WORDS = "words"  # typed something
    TAP = "tap"  # tapped the menu, followed, scanned a code


ALLOWANCE: dict[Opening, tuple[int, timedelta]] = {
    Opening.WORDS: (5, timedelta(hours=48)),
    Opening.TAP: (3, timedelta(minutes=1)),
}
"""Messages and time of each opening, as WeChat counts customer-service messages (客服消息)."""

OPEN = """
INSERT INTO service_window (conversation_id, kind, messages_left, ends_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (conversation_id, kind) DO UPDATE SET messages_left = EXCLUDED.messages_left, ends_at = EXCLUDED.ends_at
"""
TAKE = """
WITH open AS (
    SELECT kind, messages_left FROM service_window
    WHERE conversation_id = %(conversation)s AND ends_at > %(now)s ORDER BY kind FOR NO KEY UPDATE
)
UPDATE service_window w SET messages_left = greatest(w.messages_left - 1, 0) FROM open
WHERE w.conversation_id = %(conversation)s AND w.kind = open.kind
  AND (SELECT max(messages_left) FROM open) > %(kept)s
RETURNING 1
"""
"""Windows do not add up: a message counts in each that is open. `kept` of the largest stay for what matters more."""

GIVE_BACK = """
UPDATE service_window SET messages_left = messages_left + 1
WHERE conversation_id = %s AND ends_at > %s AND messages_left < CASE kind WHEN 'words' THEN %s ELSE %s END
"""
CLOSE = "UPDATE service_window SET messages_left = 0 WHERE conversation_id = %s"
LEFT = """
SELECT coalesce(max(messages_left), 0)::int FROM service_window WHERE conversation_id = %s AND ends_at > %s
"""
CONSENT = """
INSERT INTO notice_consent AS c (conversation_id, template_id, notices_left) VALUES (%s, %s, 1)
ON CONFLICT (conversation_id, template_id) DO UPDATE SET notices_left = least(c.notices_left + 1, 100)
"""
USE_CONSENT = """
UPDATE notice_consent SET notices_left = notices_left - 1
WHERE conversation_id = %s AND template_id = %s AND notices_left > 0 RETURNING 1
"""


def open_window(*, conversation_id: UUID, opening: Opening, now: datetime) -> None:
    """The follower did something: so many messages for so long, from now on."""
    messages, lasts = ALLOWANCE[opening]
    changed(OPEN, (conversation_id, opening.value, messages, now + lasts))


def take_message(*, conversation_id: UUID, keep: int, now: datetime) -> bool:
    """Count one message that is about to be sent; False where `keep` or fewer are left."""
    return bool(execute(TAKE, {"conversation": conversation_id, "kept": keep, "now": now}))


def give_message_back(*, conversation_id: UUID, now: datetime) -> None:
    """A message that was counted was certainly not sent."""
    most = (ALLOWANCE[Opening.WORDS][0], ALLOWANCE[Opening.TAP][0])
    changed(GIVE_BACK, (conversation_id, now, *most))


def close_window(*, conversation_id: UUID) -> None:
    """The platform says that nothing more may be sent: it counts better than we do."""
    changed(CLOSE, (conversation_id,))


def messages_left(*, conversation_id: UUID, now: datetime) -> int:
    """How many messages may still be sent."""
    return int(execute(LEFT, (conversation_id, now))[0][0])


def add_consent(*, conversation_id: UUID, template_id: str) -> None:
    """The follower agreed to one notice of a template."""
    changed(CONSENT, (conversation_id, template_id))


def use_consent(*, conversation_id: UUID, template_id: str) -> bool:
    """Use one consent up; False where there is none."""
    return bool(execute(USE_CONSENT, (conversation_id, template_id)))
