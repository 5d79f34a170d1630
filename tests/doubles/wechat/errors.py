"""Refusals in WeChat's own numbers; every answer of its API has HTTP status 200."""

from typing import Any

WORDS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40015: "invalid button type",
    40016: "invalid button size",
    40017: "invalid sub_button size",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub_button count",
    40024: "invalid sub_button type",
    40025: "invalid sub_button name size",
    40026: "invalid sub_button key size",
    40027: "invalid sub_button url size",
    40029: "invalid code",
    40037: "invalid template_id",
    40053: "invalid action info",
    40066: "invalid url",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip, not in whitelist",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    44004: "empty content",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid",
    48001: "api unauthorized",
    76021: "cgi_path not found, please check",
    76022: "could not use this cgi_path, no permission",
}
BREACHES = frozenset({40015, 40016, 40017, 40018, 40019, 40020, 40023, 40024, 40025, 40026, 40027, 40037, 40053, 40066,
                      41001, 41002, 41004, 41008, 43001, 43002, 44004, 45002, 47001, 47003, 76021})  # fmt: skip
"""Refusals that a correct store never meets: whoever gets one has a defect."""


class ApiError(Exception):
    """No, in WeChat's number; `more` goes behind its words."""

    def __init__(self, code: int, more: str = "") -> None:
        super().__init__(f"{code} {WORDS.get(code, 'error')} {more}".strip())
        self.code = code
        self.more = more

    def body(self) -> dict[str, Any]:
        """As JSON goes over the wire."""
        words = " ".join(part for part in (WORDS.get(self.code, "error"), self.more) if part)
        return {"errcode": self.code, "errmsg": f"{words} rid: 6612f0a5-0b1c2d3e-4f5a6b7c"}
