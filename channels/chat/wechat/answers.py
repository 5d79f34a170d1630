"""What WeChat's answer to a message means: sent, later, blocked, no quota, refused, or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from channels.chat.wechat.wire import ApiAway, ApiProblem
from core.connections.wechat_tokens import TokenBeingFetched
from core.ports import SendAnswer, SendOutcome

Meaning = tuple[SendOutcome, str, float]
"""Outcome, problem, seconds until another try (with LATER)."""

MISCONFIGURED: Final = "misconfigured"
"""Staff must mend the account's settings; what is due waits for that."""

MEANINGS: Mapping[int, Meaning] = {
    -1: (SendOutcome.LATER, "busy", 5.0),
    45009: (SendOutcome.LATER, "daily_quota", 3600.0),
    45011: (SendOutcome.LATER, "minute_quota", 60.0),
    40001: (SendOutcome.LATER, "access_token", 60.0),
    40014: (SendOutcome.LATER, "access_token", 60.0),
    42001: (SendOutcome.LATER, "access_token", 60.0),
    40013: (SendOutcome.LATER, MISCONFIGURED, 300.0),  # app id
    40125: (SendOutcome.LATER, MISCONFIGURED, 300.0),  # app secret
    40164: (SendOutcome.LATER, MISCONFIGURED, 300.0),  # our address is not on the account's list
    40243: (SendOutcome.LATER, MISCONFIGURED, 300.0),  # the app secret is frozen
    50007: (SendOutcome.LATER, "account_frozen", 3600.0),
    45015: (SendOutcome.NO_QUOTA, "window_closed", 0.0),
    45047: (SendOutcome.NO_QUOTA, "quota_used_up", 0.0),
    43101: (SendOutcome.NO_QUOTA, "no_consent", 0.0),
    48001: (SendOutcome.NO_QUOTA, "no_right", 0.0),
    48004: (SendOutcome.NO_QUOTA, "right_withdrawn", 0.0),
    40003: (SendOutcome.BLOCKED, "unknown_openid", 0.0),
    43004: (SendOutcome.BLOCKED, "not_following", 0.0),
    43019: (SendOutcome.BLOCKED, "blacklisted", 0.0),
}
"""By errcode. What is not here is refused for good: a defect of the message."""


REFUSED: Meaning = (SendOutcome.REFUSED, "refused", 0.0)
NO_TOKEN: Meaning = (SendOutcome.LATER, MISCONFIGURED, 300.0)


def answer_of(found: Mapping[str, Any] | ApiProblem | ApiAway | TokenBeingFetched) -> SendAnswer:
    """The store's words for what came back, or for what did not."""
    match found:
        case ApiProblem(code):
            outcome, problem, seconds = MEANINGS.get(code, REFUSED)
            if found.for_token and outcome is not SendOutcome.LATER:
                outcome, problem, seconds = NO_TOKEN
            return SendAnswer(outcome, retry_after=seconds, problem=f"{problem} {code}")
        case ApiAway(reason, was_sent):
            return SendAnswer(SendOutcome.UNKNOWN if was_sent else SendOutcome.LATER, problem=reason)
        case TokenBeingFetched():
            return SendAnswer(SendOutcome.LATER, problem="token_being_fetched", retry_after=5.0)
    number = found.get("msgid")
    return SendAnswer(SendOutcome.SENT, str(number) if isinstance(number, int | str) else None)
