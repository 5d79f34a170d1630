"""Brings what followers do to an account's address: signed, sealed, three tries of five seconds, the reply checked."""

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.doubles.wechat.crypto import encrypted, sha1, xml
from tests.doubles.wechat.replies import BadReply, read_reply
from tests.doubles.wechat.seen import BROKEN, Seen
from tests.doubles.wechat.world import Account, Fan, World


@dataclass(frozen=True, slots=True)
class Try:
    """One POST: what went out, and what came back; `status` 0 and no answer where nothing came in time."""

    query: dict[str, str]
    body: bytes
    status: int
    answer: bytes
    seconds: float


@dataclass(eq=False)
class Exchange:
    """One message or event and what became of it."""

    account: Account
    fan: Fan
    fields: dict[str, Any]
    tries: list[Try] = field(default_factory=list)
    seen: Seen | None = None
    """What the follower saw in answer: the passive reply, or that the service is out of order; None for silence."""
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def reply(self) -> str | None:
        """The text of the passive reply."""
        return self.seen.text if self.seen is not None and self.seen.way == "passive" else None

    @property
    def is_broken(self) -> bool:
        """Whether the follower read that the service is out of order."""
        return self.seen is not None and self.seen.way == "broken"

    def wait(self, seconds: float = 30.0) -> "Exchange":
        """Until WeChat is done with it; returns itself. Raises AssertionError."""
        assert self.done.wait(seconds), "WeChat still waits for an answer"
        return self


class Callbacks:
    """The platform's way to us. `patience`, `tries` and `pause` are seconds and counts that a test may shorten."""

    def __init__(self, world: World) -> None:
        self.patience = 5.0
        self.tries = 3
        self.pause = 0.5
        """Seconds between two tries where the address did not even answer."""
        self.keeps_nonce = False
        """Whether a repeat has the nonce of the first try: nobody wrote down what WeChat does."""
        self.twins = 1
        """How often each try is made at once."""
        self.is_out = False
        """While the platform is out, nothing that followers do reaches the account; it comes later."""
        self._world = world
        self._http = httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=400), timeout=None)
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="wechat-callback")

    def close(self) -> None:
        """End what is under way."""
        self._threads.shutdown(cancel_futures=True)
        self._http.close()

    def bring(self, account: Account, fan: Fan, fields: dict[str, Any], *, wait: bool = True) -> Exchange:
        """Bring one message; with `wait`, until its reply is there or WeChat gives up."""
        head = {"ToUserName": account.original_id, "FromUserName": fan.openid, "CreateTime": int(self._world.now())}
        exchange = Exchange(account, fan, head | fields)
        if wait:
            self._carry(exchange)
        else:
            self._threads.submit(self._carry, exchange)
        return exchange

    def verify(self, account: Account) -> bool:
        """The GET by which the platform asks whether the address is the store's, before it saves it."""
        echo = str(secrets.randbelow(10**18))
        query = self._signed(account) | {"echostr": echo}
        with self._world.lock:
            address = account.callback_url
        answer = self._http.get(_with_query(address, query), timeout=self.patience)
        return answer.status_code == 200 and answer.content == echo.encode()

    def post(self, account: Account, body: bytes, query: dict[str, str]) -> httpx.Response:
        """Post anything to the account's address, as a stranger could."""
        headers = {"content-type": "text/xml", "user-agent": "Mozilla/4.0"}
        return self._http.post(
            _with_query(account.callback_url, query), content=body, headers=headers, timeout=self.patience
        )

    def request(self, exchange: Exchange) -> tuple[dict[str, str], bytes]:
        """Query and body of one try, signed and sealed anew."""
        account, fields = exchange.account, exchange.fields
        query = self._signed(account)
        if self.keeps_nonce and exchange.tries:
            query = {name: exchange.tries[0].query[name] for name in query}
        query["openid"] = exchange.fan.openid
        if account.mode == "plain":
            return query, xml(fields).encode()
        sealed = encrypted(account.aes_key, account.app_id, xml(fields).encode())
        signature = sha1(account.token, query["timestamp"], query["nonce"], sealed)
        query |= {"encrypt_type": "aes", "msg_signature": signature}
        shown = fields if account.mode == "compatible" else {"ToUserName": account.original_id}
        return query, xml(shown | {"Encrypt": sealed}).encode()

    def _signed(self, account: Account) -> dict[str, str]:
        stamp, nonce = str(int(self._world.now())), str(secrets.randbelow(9 * 10**9) + 10**9)
        return {"signature": sha1(account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}

    def _carry(self, exchange: Exchange) -> None:
        try:
            self._world.wait_for(lambda: not self.is_out, 600)
            for number in range(self.tries):
                tries = self._try(exchange)
                exchange.tries += tries
                answered = next((each for each in tries if each.status), None)
                if answered is not None:
                    exchange.seen = self._shown(exchange, answered)
                    return
                if number + 1 < self.tries and min(each.seconds for each in tries) < self.patience:
                    time.sleep(self.pause)
            exchange.seen = self._world.show(exchange.fan, "broken", BROKEN)
        finally:
            exchange.done.set()
            self._world.changed()

    def _try(self, exchange: Exchange) -> list[Try]:
        """One try, or several twins at once."""
        made = [self.request(exchange) for _ in range(self.twins)]
        if len(made) == 1:
            return [self._once(exchange.account, *made[0])]
        with ThreadPoolExecutor(len(made)) as together:
            return list(together.map(lambda each: self._once(exchange.account, *each), made))

    def _once(self, account: Account, query: dict[str, str], body: bytes) -> Try:
        begun = time.monotonic()
        try:
            answer = self.post(account, body, query)
        except httpx.TransportError:
            return Try(query, body, 0, b"", time.monotonic() - begun)
        taken = time.monotonic() - begun
        if answer.status_code >= 500 or taken > self.patience:
            return Try(query, body, 0, answer.content, taken)
        return Try(query, body, answer.status_code, answer.content, taken)

    def _shown(self, exchange: Exchange, answered: Try) -> Seen | None:
        account, fan = exchange.account, exchange.fan
        try:
            if answered.status != 200:
                raise BadReply(f"HTTP status {answered.status}")
            text = read_reply(account, fan.openid, answered.answer, self._world.now())
        except BadReply as problem:
            self._world.violate(f"{account.name} passive reply: {problem}")
            return self._world.show(fan, "broken", BROKEN)
        if text is None:
            return None
        if not fan.is_following:
            return None
        return self._world.show(fan, "passive", text)


def _with_query(address: str, query: dict[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"
