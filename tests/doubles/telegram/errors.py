"""The two ways a request fails: the world is not so (`ApiError`), or Telegram never takes such a request (`Breach`)."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ApiError(Exception):
    """Telegram answers `ok: false`; `description` carries the prefix that the real server writes."""

    code: int
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The answer as JSON."""
        answer = {"ok": False, "error_code": self.code, "description": self.description}
        return answer | ({"parameters": self.parameters} if self.parameters else {})


class Breach(ApiError):
    """A request that no state of the world makes right: a defect of the caller, kept in `double.violations`."""

    def __init__(self, said: str, code: int = 400, depth: int = 0) -> None:
        super().__init__(code, said if code != 400 else f"Bad Request: {said}")
        self.depth = depth  # how deep in the request the fault lies


def bad_request(said: str) -> ApiError:
    """400: possible, but not now."""
    return ApiError(400, f"Bad Request: {said}")


def forbidden(said: str) -> ApiError:
    """403: this chat takes nothing from this bot."""
    return ApiError(403, f"Forbidden: {said}")


def conflict(said: str) -> ApiError:
    """409: two ways of fetching updates at once."""
    return ApiError(409, f"Conflict: {said}")


def too_many(retry_after: int) -> ApiError:
    """429 with the seconds to wait."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})
