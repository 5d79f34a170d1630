"""One small family of refusals; a door maps them to words and status codes once."""

from __future__ import annotations

import base64
import re
import secrets
from enum import StrEnum
from typing import ClassVar


class RefusalCode(StrEnum):
    """The kinds of refusal a door must know."""

    NOT_FOUND = "not_found"  # missing and foreign alike
    NOT_ALLOWED = "not_allowed"  # the actor may not do this to what it may see
    INVALID = "invalid"  # the request makes no sense
    CONFLICT = "conflict"  # the same key with other content, or the state has moved on
    SOLD_OUT = "sold_out"  # not enough to sell
    LIMITED = "limited"  # a quota or a rate
    UNAVAILABLE = "unavailable"  # ours to mend; nothing was changed


HTTP_STATUS = {
    RefusalCode.NOT_FOUND: 404,
    RefusalCode.NOT_ALLOWED: 403,
    RefusalCode.INVALID: 422,
    RefusalCode.CONFLICT: 409,
    RefusalCode.SOLD_OUT: 409,
    RefusalCode.LIMITED: 429,
    RefusalCode.UNAVAILABLE: 503,
}


class Refusal(Exception):
    """A business no: nothing was changed. `params` are safe to show and to log."""

    code: ClassVar[RefusalCode]

    def __init__(self, **params: str | int) -> None:
        self.params = params
        super().__init__(f"{self.reason}: {params}" if params else self.reason)

    @property
    def http(self) -> int:
        """The HTTP status of this kind of refusal."""
        return HTTP_STATUS[self.code]

    @property
    def reason(self) -> str:
        """The class name in snake case: the key under which doors keep the sentence, for example `out_of_stock`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class NotFound(Refusal):
    """Missing or foreign; the two are never told apart."""

    code = RefusalCode.NOT_FOUND

    def __init__(self, what: str) -> None:
        super().__init__(what=what)


class NotAllowed(Refusal):
    """The actor may not do this."""

    code = RefusalCode.NOT_ALLOWED


class Invalid(Refusal):
    """The request makes no sense; `what` says which part."""

    code = RefusalCode.INVALID


class Conflict(Refusal):
    """The same key with other content, or a state that has moved on."""

    code = RefusalCode.CONFLICT


class Limited(Refusal):
    """A quota is used up."""

    code = RefusalCode.LIMITED


class Unavailable(Refusal):
    """A part of the store is away; nothing was changed."""

    code = RefusalCode.UNAVAILABLE


def error_id() -> str:
    """An id for one error, shown to the person and written to the log: `err_` + base32 of 80 random bits."""
    return "err_" + base64.b32encode(secrets.token_bytes(10)).decode().lower()
