"""Reads JSON that strangers send: an object, or one clear refusal."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from starlette.requests import Request

from channels.chat.webchat import Said
from channels.web.problems import Problem

LONGEST_ACTION = 200


async def read_object(request: Request, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The JSON object of a request. Raises `Problem` 400."""
    body = await request.body()
    if not body.strip() and may_be_empty:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "The body must be a JSON object.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body must be a JSON object.")
    return value


def said_in(body: dict[str, Any]) -> Said:
    """`{"id": uuid, "text": …}` or `{"id": uuid, "action": …}`. Raises `Problem` 422."""
    try:
        message_id = UUID(body["id"])
    except (KeyError, ValueError, AttributeError, TypeError):
        raise Problem(422, "id must be a UUID that the sender mints for this message.") from None
    text, action = body.get("text"), body.get("action")
    if (text is None) == (action is None):
        raise Problem(422, "Give either text or action.")
    if not isinstance(text, str | None) or not isinstance(action, str | None):
        raise Problem(422, "text and action are strings.")
    if action is not None and not (0 < len(action) <= LONGEST_ACTION and action.isascii() and action.isprintable()):
        raise Problem(422, "action is one that a Screen offered.")
    return Said(message_id, clean(text), action)


def clean(text: str | None) -> str | None:
    """Half surrogate pairs, which no database or cipher can take, become question marks; the rest stays as sent."""
    return text if text is None else text.encode("utf-8", "replace").decode()
