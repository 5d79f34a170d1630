"""Cards sealed to a reader, opened with the token in hand and forgotten with the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from core.messages.service import StoredMessage
from core.vault.primitives import SealError
from core.vault.seal import answer_context, open_answer

log = structlog.get_logger()


def opened(token: str, sealed: bytes, message: StoredMessage, session_id: UUID) -> Mapping[str, Mapping[str, str]]:
    """The cards of a message by their token, as the vault sealed them to a session; nothing if they do not open."""
    context = answer_context(delivery=UUID(message.body["delivery"]), session=session_id)
    try:
        cards: Sequence[dict[str, str]] = json.loads(open_answer(token, sealed, context))["cards"]
    except SealError:
        log.error("an answer does not open", message=message.id)
        return {}
    return {card["token"]: card for card in cards}
