"""How requests reach WeChat: every host of it re-pointable, never long, and no answer keeps the address it came from.

wechatpy writes the access token into addresses, and `requests` quotes addresses in its errors. So what goes wrong is
told here, below both of them, as `ApiAway` without any address; and a response carries neither its request nor its
address upwards. Only urllib3 still knows them: ops.logs lets it say nothing.

Of wechatpy 1.8.18 all that this store calls goes through `client._http`, where `Rewriting` sits. What does not, is not
called: `qrcode.show`, `media.get_url`, `cloud` uploads, `WeChatOAuth` and its own token fetch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient

from core.secret import Secret

OFFICIAL = "https://api.weixin.qq.com"
HOSTS = ("https://api.weixin.qq.com/", "https://mp.weixin.qq.com/")
CONNECT_SECONDS = 4.0
READ_SECONDS = 6.0
TOTAL_SECONDS = 10.0
"""For one request, its answer read to the end; later it counts as lost."""

LARGEST = 1024 * 1024
CHUNK = 64 * 1024


@dataclass(eq=False)
class ApiProblem(Exception):
    """WeChat said no; `code` is its errcode, `said` its own words (for staff, never for shoppers).

    `for_token`: it gave no token, so nothing else was asked.
    """

    code: int
    said: str = ""
    for_token: bool = False

    def __str__(self) -> str:
        return f"{self.code} {self.said}".strip()


@dataclass(eq=False)
class ApiAway(Exception):
    """No answer of WeChat's: `reason` in a word; `was_sent` is false only where the request certainly never left."""

    reason: str
    was_sent: bool = True

    def __str__(self) -> str:
        return self.reason


class Rewriting(HTTPAdapter):
    """Sends what is meant for WeChat's hosts to another server, where one is named; says no more than it must."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        super().__init__(max_retries=0, pool_connections=4, pool_maxsize=16)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One request, sent once. Raises `ApiAway`."""
        end = time.monotonic() + TOTAL_SECONDS
        away: ApiAway
        try:
            patience = (CONNECT_SECONDS, READ_SECONDS)
            response = super().send(self._addressed(request), stream=True, timeout=patience, verify=True)
            return bare(response, read(response, end))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            away = judged(error)
        except ApiAway as found:
            away = ApiAway(found.reason, found.was_sent)
        raise away  # outside of the handlers, so that it carries no error that knows the address

    def _addressed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The same request for the other server, which learns whom it was meant for."""
        if not self._base:
            return request
        meant = urlsplit(str(request.url))
        sent = request.copy()
        sent.url = f"{self._base}{meant.path}{'?' if meant.query else ''}{meant.query}"
        sent.headers["X-Forwarded-Host"] = meant.netloc
        return sent


def read(response: requests.Response, end: float) -> bytes:
    """The whole body, within size and time, from a server that says yes. Raises `ApiAway`."""
    if response.status_code != 200:
        response.close()
        raise ApiAway(f"http_{response.status_code}")
    parts: list[bytes] = []
    while part := response.raw.read1(CHUNK, decode_content=True):
        parts.append(part)
        if time.monotonic() > end or sum(map(len, parts)) > LARGEST:
            response.close()
            raise ApiAway("too_slow_or_large")
    response.raw.release_conn()
    return b"".join(parts)


def bare(response: requests.Response, content: bytes) -> requests.Response:
    """The response with its body, and without what knows the address."""
    response._content = content
    response._content_consumed = True
    response.url, response.request = "", None  # type: ignore[assignment]
    return response


def judged(error: Exception) -> ApiAway:
    """What a failed connection means: a request that never left is known by what failed before it."""
    if isinstance(error, requests.exceptions.SSLError):
        return ApiAway("not_trusted", was_sent=False)
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return ApiAway("unreachable", was_sent=False)
    if isinstance(error, requests.exceptions.ConnectionError):
        inner = error.args[0] if error.args else None
        reason = getattr(inner, "reason", inner)
        if isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.NameResolutionError):
            return ApiAway("unreachable", was_sent=False)
    is_late = isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError)
    return ApiAway("timeout" if is_late else "no_answer")


def open_http(base: str) -> requests.Session:
    """Connections to WeChat, or to the server at `base` instead; nothing of the environment, no cookies. Close it."""
    http = requests.Session()
    http.trust_env = False
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = Rewriting(base)
    http.mount("https://", adapter)
    http.mount("http://", adapter)
    return http


class Client(WeChatClient):
    """wechatpy's methods with one given token: it fetches none and repeats nothing."""

    def __init__(self, app_id: str, http: requests.Session, token: Secret) -> None:
        super().__init__(app_id, "", auto_retry=False)
        self._http: requests.Session = http
        self._token = token

    @property
    def access_token(self) -> str:
        """What wechatpy puts into an address."""
        return self._token.reveal().decode()

    def fetch_access_token(self) -> None:
        """Never: tokens come from core.connections.wechat_tokens."""
        raise RuntimeError("wechatpy fetches no token here")


def ask(http: requests.Session, verb: str, path: str, **values: Any) -> dict[str, Any]:
    """One request without a token (to get one, or to learn who opens a page). Raises `ApiProblem`, `ApiAway`."""
    content = http.request(verb, OFFICIAL + path, allow_redirects=False, **values).content
    answer: Any
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    return checked(answer)


def checked(answer: Any) -> dict[str, Any]:
    """An answer of WeChat that is one. Raises `ApiProblem`, `ApiAway`."""
    if not isinstance(answer, Mapping):
        raise ApiAway("no_json")
    code = answer.get("errcode", 0)
    if code:
        raise ApiProblem(code if isinstance(code, int) else 0, str(answer.get("errmsg", ""))[:120])
    return dict(answer)
