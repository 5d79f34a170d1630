"""The API's front: hosts, tokens, rights, quotas, faults, and the book; what a method does is in methods.py."""

import asyncio
import hmac
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.doubles.serving import dropped
from tests.doubles.wechat.errors import BREACHES, ApiError
from tests.doubles.wechat.faults import Asked, Faults
from tests.doubles.wechat.methods import METHODS
from tests.doubles.wechat.oauth import exchanged
from tests.doubles.wechat.tokens import Token
from tests.doubles.wechat.world import Account, World, rights_of

TOKEN, STABLE, EXCHANGE = "/cgi-bin/token", "/cgi-bin/stable_token", "/sns/oauth2/access_token"
HOSTS = {"api.weixin.qq.com"}
HIDDEN = {"access_token", "secret"}
ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>"


class Api:
    """Answers what is asked of api.weixin.qq.com."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.asked: list[Asked] = []
        self._world = world
        self._faults = faults

    async def handle(self, request: Request) -> Response:
        """One request, and whatever befalls it."""
        path = request.url.path
        with self._world.lock:
            outage = self._faults.outage
        if outage == "502":
            return PlainTextResponse(HTML, 502, media_type="text/html")
        if outage == "drop":
            return await dropped(request)
        body = await request.body()
        with self._world.lock:
            answer, code = self._answer(request, path, body)
            slow = self._faults.due(self._faults.slow, path)
            lost = self._faults.due(self._faults.lost, path) if code == 0 else None
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        return await dropped(request) if lost is not None else JSONResponse(answer)

    def _answer(self, request: Request, path: str, body: bytes) -> tuple[dict[str, Any], int]:
        """The answer and its code; holds the lock."""
        values: dict[str, Any] = dict(request.query_params)
        account: Account | None = None
        code = 0
        try:
            self._check_host(request)
            if self._faults.outage == "busy":
                raise ApiError(-1)
            if scripted := self._faults.due(self._faults.answers, path):
                raise ApiError(scripted.code)
            if path in {TOKEN, STABLE}:
                values |= _body(request, body) if path == STABLE else {}
                account, answer = self._token(request, path, values)
            elif path == EXCHANGE:
                account = self._world.accounts.get(values.get("appid", ""))
                if account is not None and "oauth" not in rights_of(account):
                    raise ApiError(48001)
                answer = exchanged(self._world, values)
            else:
                account, answer = self._method(request, path, values, body)
        except ApiError as error:
            code, answer = error.code, error.body()
            if code in BREACHES:
                self._world.violate(f"{account.name if account else '?'} {path}: {error}")
        self._note(account, path, values, code, request)
        return answer, code

    def _method(
        self, request: Request, path: str, values: dict[str, Any], body: bytes
    ) -> tuple[Account, dict[str, Any]]:
        account = self._account_of(values)
        method = METHODS.get(path)
        if method is None:
            raise ApiError(40066)
        if request.method != method.verb:
            raise ApiError(43002 if method.verb == "POST" else 43001)
        if method.verb == "POST":
            values |= (given := _body(request, body))
        else:
            given = values
        if method.right not in rights_of(account):
            raise ApiError(48001)
        limit = account.daily_limits.get(path, method.daily)
        if account.used.get(path, 0) >= limit:
            raise ApiError(45009)
        account.used[path] = account.used.get(path, 0) + 1
        return account, method.act(self._world, account, given)

    def _account_of(self, values: dict[str, Any]) -> Account:
        """Whose token it is. Raises ApiError 41001, 40014, 40001, 42001."""
        value = str(values.get("access_token", ""))
        if not value:
            raise ApiError(41001)
        for account in self._world.accounts.values():
            for line in (account.plain_tokens, account.stable_tokens):
                token = line.find(value)
                if token is not None and token.valid_until <= self._world.now():
                    raise ApiError(token.refused_as)
                if token is not None:
                    return account
        raise ApiError(40014)

    def _token(self, request: Request, path: str, values: dict[str, Any]) -> tuple[Account, dict[str, Any]]:
        if path == TOKEN and request.method != "GET":
            raise ApiError(43001)
        if not values.get("appid") or not values.get("secret"):
            raise ApiError(41002 if not values.get("appid") else 41004)
        if values.get("grant_type") != "client_credential":
            raise ApiError(47003, "grant_type")
        account = self._world.accounts.get(str(values["appid"]))
        if account is None:
            raise ApiError(40013)
        if not hmac.compare_digest(str(values["secret"]).encode(), account.secret.encode()):
            raise ApiError(40125)
        address = request.client.host if request.client else ""
        if account.allowed_addresses is not None and address not in account.allowed_addresses:
            raise ApiError(40164, f"{address} ipv6 ::ffff:{address}, not in whitelist")
        now = self._world.now()
        token: Token
        if path == TOKEN:
            token = account.plain_tokens.plain(now, self._world.overlap)
        else:
            token = account.stable_tokens.stable(now, force=bool(values.get("force_refresh", False)))
        return account, {"access_token": token.value, "expires_in": int(token.ends_at - now)}

    def _check_host(self, request: Request) -> None:
        """Whoever is sent here instead of WeChat says whom it meant, in Host or X-Forwarded-Host."""
        own = f"{request.url.hostname}:{request.url.port}"
        meant = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
        if meant not in HOSTS | {own}:
            self._world.violate(f"{request.url.path}: meant for {meant}")

    def _note(self, account: Account | None, path: str, values: dict[str, Any], code: int, request: Request) -> None:
        shown = {name: value for name, value in values.items() if name not in HIDDEN}
        host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
        name = account.app_id if account is not None else ""
        self.asked.append(Asked(name, path, shown, self._world.now(), code, host))
        self._world.changed()


def _body(request: Request, body: bytes) -> dict[str, Any]:
    """The JSON of a POST. Raises ApiError; words written as \\uXXXX would be shown like that."""
    if request.method != "POST":
        raise ApiError(43002)
    try:
        given = json.loads(body)
    except ValueError:
        raise ApiError(47001) from None
    if not isinstance(given, dict) or ESCAPED.search(body):
        raise ApiError(47001)
    return given
