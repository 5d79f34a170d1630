"""How a mail server or an SMS provider answered, in the store's words: sent, later, certainly refused, or unknown."""

from __future__ import annotations

from enum import StrEnum

from core.ports import SendAnswer, SendOutcome


class Problem(StrEnum):
    """Why a letter or text message did not go out. A provider's own code may follow it, behind a blank."""

    UNREACHABLE = "unreachable"  # no connection, or none in time: nothing was sent
    BUSY = "busy"  # the other side asks to come back later
    LIMITED = "limited"  # this person or account had too many messages for now
    NO_ANSWER = "no_answer"  # the connection ended after the message was handed over
    ADDRESS_REFUSED = "address_refused"  # there is no such address, or it takes nothing
    CONTENT_REFUSED = "content_refused"  # the message itself is not taken
    LOGIN_REFUSED = "login_refused"  # wrong user name, password or key
    NOT_TRUSTED = "not_trusted"  # the server's certificate does not fit
    NO_TLS = "no_tls"  # the server cannot encrypt, and we send nothing in clear
    NO_LOGIN = "no_login"  # the server offers no way to log in
    SENDER_REFUSED = "sender_refused"  # the sender's address, or the signature
    TEMPLATE_REFUSED = "template_refused"  # not approved, or its variables do not fit
    NO_MONEY = "no_money"  # the account at the provider is empty


MISCONFIGURED = frozenset(
    {
        Problem.LOGIN_REFUSED,
        Problem.NOT_TRUSTED,
        Problem.NO_TLS,
        Problem.NO_LOGIN,
        Problem.SENDER_REFUSED,
        Problem.TEMPLATE_REFUSED,
        Problem.NO_MONEY,
    }
)
"""These stop every message of a way until the operator mends something."""


def sent(external_ref: str | None) -> SendAnswer:
    """It was taken."""
    return SendAnswer(SendOutcome.SENT, external_ref=external_ref)


def later(problem: Problem, code: str | int = "", *, seconds: float = 60.0) -> SendAnswer:
    """Certainly not sent; worth another try in a while."""
    return SendAnswer(SendOutcome.LATER, retry_after=seconds, problem=worded(problem, code))


def refused(problem: Problem, code: str | int = "") -> SendAnswer:
    """Certainly not sent, and the same again would not be either."""
    return SendAnswer(SendOutcome.REFUSED, problem=worded(problem, code))


def unknown(problem: Problem = Problem.NO_ANSWER, code: str | int = "") -> SendAnswer:
    """It may have been sent."""
    return SendAnswer(SendOutcome.UNKNOWN, problem=worded(problem, code))


def worded(problem: Problem, code: str | int = "") -> str:
    """The problem as staff and alerts show it: `login_refused 535`."""
    return f"{problem.value} {code}".strip()


def is_misconfigured(answer: SendAnswer) -> bool:
    """Whether the operator must mend something before this way sends anything."""
    return answer.problem.partition(" ")[0] in MISCONFIGURED
