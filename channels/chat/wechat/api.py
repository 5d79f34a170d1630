"""What the worker asks of WeChat for one official account: messages, notices, the menu, who somebody is, what it may.

Each request is made once; again, once, only where the access token was refused, after one worker has fetched another
(fault 52). Nothing here names a token, the app secret or a message: problems are words of ours and WeChat's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import structlog
from wechatpy.exceptions import WeChatClientException

from channels.chat.wechat.answers import answer_of
from channels.chat.wechat.menu import Menu
from channels.chat.wechat.rights import NOT_OURS, PATHS, Permissions, Right
from channels.chat.wechat.wire import ApiAway, ApiProblem, Client, ask, checked, open_http
from core.clock import Clock
from core.connections.wechat_tokens import FetchedToken, TokenBeingFetched, find_token, renew_token
from core.ports import Outcome, SendAnswer
from core.secret import Secret

REFUSED_TOKEN = frozenset({40001, 40014, 42001})
NO_MENU = 46003

log = structlog.get_logger()


class WeChatApi:
    """One account's API. Threads may share it; close it. `api_base` is empty for WeChat's own hosts."""

    def __init__(
        self, account_id: int, app_id: str, secret: Secret, api_base: str, act_key: Secret, clock: Clock
    ) -> None:
        self._account_id = account_id
        self._app_id = app_id
        self._secret = secret
        self._act_key = act_key
        self._clock = clock
        self._http = open_http(api_base)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send_text(self, openid: str, text: str) -> SendAnswer:
        """A customer-service message (客服消息). Never raises for what WeChat says or does not."""
        return self._sent(lambda client: client.message.send_text(openid, text))

    def send_notice(self, openid: str, template_id: str, data: Mapping[str, str], page: str = "") -> SendAnswer:
        """A subscription notice (订阅通知), which uses up one consent. Never raises for what WeChat says."""
        notice: dict[str, Any] = {"touser": openid, "template_id": template_id}
        notice["data"] = {name: {"value": value} for name, value in data.items()}
        if page:
            notice["page"] = page
        return self._sent(lambda client: client.post("message/subscribe/bizsend", data=notice))

    def push_menu(self, menu: Menu) -> None:
        """Make this the menu of the account. Raises `ApiProblem`, `ApiAway`, `TokenBeingFetched`."""
        self._call(lambda client: client.menu.create(menu.as_json()))

    def current_menu(self) -> Mapping[str, Any] | None:
        """The menu that was made by the API, as WeChat has it; None where there is none. Raises as above."""
        try:
            found = self._call(lambda client: client.get("menu/get"))
        except ApiProblem as problem:
            if problem.code == NO_MENU:
                return None
            raise
        menu = found.get("menu")
        return menu if isinstance(menu, Mapping) else None

    def oauth_identity(self, code: str) -> str:
        """The openid of whoever came back from the authorise page with this code. Raises `ApiProblem`, `ApiAway`.

        A code works once: 40029 is no code of ours or too old, 40163 one that was used.
        """
        asked = {"appid": self._app_id, "secret": self._revealed(), "code": code, "grant_type": "authorization_code"}
        openid = ask(self._http, "GET", "/sns/oauth2/access_token", params=asked).get("openid")
        if not isinstance(openid, str) or not openid:
            raise ApiAway("no_openid")
        return openid

    def permissions(self) -> Permissions:
        """What this account may do, as WeChat says without anything being done."""
        rights: dict[Right, Outcome] = dict.fromkeys(Right, Outcome.UNKNOWN)
        left: dict[Right, int] = {}
        for right, path in PATHS.items():
            try:
                quota = self._quota(path)
            except ApiProblem as problem:
                if problem.code not in NOT_OURS:
                    return Permissions(dict.fromkeys(Right, Outcome.UNKNOWN), {}, answer_of(problem).problem)
                rights[right] = Outcome.NO
            except (ApiAway, TokenBeingFetched) as away:
                return Permissions(dict.fromkeys(Right, Outcome.UNKNOWN), {}, answer_of(away).problem)
            else:
                rights[right], left[right] = Outcome.YES, quota
        return Permissions(rights, left)

    def _quota(self, path: str) -> int:
        found = self._call(lambda client: client.post("openapi/quota/get", data={"cgi_path": path})).get("quota")
        remain = found.get("remain") if isinstance(found, Mapping) else None
        return remain if isinstance(remain, int) else 0

    def _sent(self, work: Callable[[Client], Any]) -> SendAnswer:
        try:
            found = self._call(work)
        except (ApiProblem, ApiAway, TokenBeingFetched) as problem:
            answer = answer_of(problem)
            log.info("WeChat took no message", outcome=answer.outcome.value, problem=answer.problem)
            return answer
        return answer_of(found)

    def _call(self, work: Callable[[Client], Any]) -> dict[str, Any]:
        """One request with the account's token. Raises `ApiProblem`, `ApiAway`, `TokenBeingFetched`."""
        token = self._token()
        try:
            return self._once(work, token)
        except ApiProblem as problem:
            if problem.code not in REFUSED_TOKEN:
                raise
        return self._once(work, self._token(refused=token))

    def _once(self, work: Callable[[Client], Any], token: Secret) -> dict[str, Any]:
        problem: ApiProblem | ApiAway
        try:
            return checked(work(Client(self._app_id, self._http, token)))
        except WeChatClientException as error:
            problem = ApiProblem(int(error.errcode or 0), str(error.errmsg)[:120])
        except ValueError:  # what WeChat never answers: an errcode that is no number
            problem = ApiAway("no_json")
        raise problem  # outside of the handlers: wechatpy's errors carry the client, and so the token

    def _token(self, refused: Secret | None = None) -> Secret:
        if refused is None:
            found = find_token(self._act_key, account_id=self._account_id, now=self._clock.now())
            if found is not None:
                return found
        return renew_token(
            self._act_key, account_id=self._account_id, refused=refused, fetch=self._fetched, clock=self._clock
        )

    def _fetched(self, *, refused: Secret | None) -> FetchedToken:
        """Ask for the stable token; where that is the one that was refused, for another. Nothing was sent so far."""
        fetched = self._stable(force=False)
        if refused is not None and fetched.value == refused:
            fetched = self._stable(force=True)
        return fetched

    def _stable(self, *, force: bool) -> FetchedToken:
        asked = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._revealed()}
        problem: ApiAway | ApiProblem
        try:
            found = ask(self._http, "POST", "/cgi-bin/stable_token", json=asked | {"force_refresh": force})
            value, seconds = found.get("access_token"), found.get("expires_in")
            if isinstance(value, str) and value.isascii() and value and isinstance(seconds, int) and seconds > 0:
                return FetchedToken(Secret(value), timedelta(seconds=min(seconds, 7200)))
            problem = ApiAway("no_token", was_sent=False)
        except ApiAway as away:
            problem = ApiAway(away.reason, was_sent=False)  # no message has left so far
        except ApiProblem as refused:
            problem = ApiProblem(refused.code, refused.said, for_token=True)
        raise problem

    def _revealed(self) -> str:
        return self._secret.reveal().decode()
