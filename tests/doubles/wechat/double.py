"""The WeChat double as tests hold it: accounts and followers are made here, and everything that can go wrong."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from tests.doubles.wechat.api import Api
from tests.doubles.wechat.callbacks import Callbacks, Exchange, Try
from tests.doubles.wechat.faults import Asked, Faults, Spell
from tests.doubles.wechat.pages import routes
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.server import Server
from tests.doubles.wechat.world import Account, Fan, World, openid_for

OUTAGES = {"502", "busy", "drop"}


class WeChatDouble:
    """WeChat on loopback with its people. A context manager; or `start` and `stop`.

    `now` gives WeChat's time in Unix seconds, where a test's clock stands still.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, now: Callable[[], float] = time.time) -> None:
        self.world = World(now)
        self.callbacks = Callbacks(self.world)
        self.url = ""
        """The address, once started: the store's `wechat.api_base`, and that of the authorise page."""
        self._faults = Faults()
        self._api = Api(self.world, self._faults)
        self._server = Server(self._api)
        self._place = host, port

    def start(self) -> Self:
        """Serve in a thread; returns itself."""
        self.url = self._server.start(*self._place, routes(self))
        return self

    def stop(self) -> None:
        """Stop serving; waits and deliveries end."""
        with self.world.lock:
            self.world.is_closing = True
            self.world.changed()
        self.callbacks.close()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # accounts and people

    def add_account(
        self,
        app_id: str,
        secret: str,
        token: str,
        aes_key: str = "",
        callback_url: str = "",
        mode: str = "safe",
        kind: str = "service",
        verified: bool = True,
        name: str = "",
    ) -> Account:
        """A new official account; `mode` plain, compatible or safe, `kind` service or subscription."""
        assert mode in {"plain", "compatible", "safe"}
        assert kind in {"service", "subscription"}
        assert mode == "plain" or len(aes_key) == 43, "an EncodingAESKey has 43 signs"
        original_id = f"gh_{hashlib.sha256(app_id.encode()).hexdigest()[:12]}"
        account = Account(
            app_id, secret, token, aes_key, callback_url, mode, kind, verified, original_id, name or app_id
        )
        with self.world.lock:
            assert app_id not in self.world.accounts, f"there is an account {app_id} already"
            self.world.accounts[app_id] = account
            self.world.changed()
        return account

    def follower(
        self, account: Account, name: str = "小明", language: str = "zh_CN", *, follows: bool = True, ios: bool = False
    ) -> Follower:
        """The person of this name at an account, made at the first call (without an event: `subscribe` tells it)."""
        openid = openid_for(account.app_id, name)
        with self.world.lock:
            fan = account.fans.get(openid)
            if fan is None:
                fan = Fan(openid, name, language, is_following=follows, is_on_ios=ios)
                account.fans[openid] = fan
                self.world.changed()
            return Follower(self.world, self.callbacks, account, fan)

    def verify(self, account: Account) -> bool:
        """Whether the account's address proves itself, as when the server configuration is saved."""
        return self.callbacks.verify(account)

    # what came

    @property
    def violations(self) -> list[str]:
        """What a correct store never does, in words; a good one leaves it empty."""
        with self.world.lock:
            return list(self.world.violations)

    def requests(self, path: str | None = None, account: Account | None = None) -> list[Asked]:
        """Every request to the API, in order; `path` as `/cgi-bin/message/custom/send`."""
        with self.world.lock:
            return [
                asked
                for asked in self._api.asked
                if path in {None, asked.path} and (account is None or asked.app_id == account.app_id)
            ]

    def wait_until(self, look: Callable[[], Any], seconds: float = 10.0) -> Any:
        """What `look()` returns once it is truthy; it is asked after each change. Raises AssertionError."""
        found = self.world.wait_for(look, seconds)
        assert found, f"not within {seconds} s"
        return found

    # what goes wrong

    def expire_tokens(self, account: Account, code: int = 42001) -> None:
        """No token of the account works from now on (42001 expired, 40001 replaced, 40014 never known)."""
        with self.world.lock:
            for line in (account.plain_tokens, account.stable_tokens):
                line.end(self.world.now(), code)

    def outage(self, on: bool = True, kind: str = "502", *, callbacks: bool = False) -> None:
        """The API answers nothing good: `502` (a page), `busy` (-1), `drop`; with `callbacks` people wait as well."""
        assert kind in OUTAGES
        with self.world.lock:
            self._faults.outage = kind if on else None
            self.callbacks.is_out = on and callbacks
            self.world.changed()

    def slow(self, seconds: float, times: int = 1, path: str | None = None) -> None:
        """The answers to the next requests come so much later; they take effect at once."""
        with self.world.lock:
            self._faults.slow.append(Spell(path, times, seconds=seconds))

    def lose_answers(self, times: int = 1, path: str | None = None) -> None:
        """The next requests that succeed take effect, but the connection ends unanswered."""
        with self.world.lock:
            self._faults.lost.append(Spell(path, times))

    def answer_with(self, code: int, times: int = 1, path: str | None = None) -> None:
        """The next requests (of this path) are refused with this number and have no effect."""
        with self.world.lock:
            self._faults.answers.append(Spell(path, times, code=code))

    def use_up_quota(self, follower: Follower) -> None:
        """Nothing is left of what may be said to this follower: 45047, until they do something again."""
        with self.world.lock:
            for window in follower.fan.windows.values():
                window.left = 0

    def limit_daily(self, account: Account, path: str, limit: int) -> None:
        """So many calls of a path a day; the rest gets 45009."""
        with self.world.lock:
            account.daily_limits[path] = limit

    def pass_time(self, seconds: float) -> None:
        """Put WeChat's clock forward: windows close, tokens and codes end."""
        with self.world.lock:
            self.world.shift += seconds
            self.world.changed()

    def next_day(self) -> None:
        """Daily quotas begin anew."""
        with self.world.lock:
            for account in self.world.accounts.values():
                account.used.clear()

    def repeat(self, exchange: Exchange, *, wait: bool = True) -> Exchange:
        """WeChat brings a message again, as it does where no answer reached it: the same MsgId, a fresh nonce."""
        return self.callbacks.bring(exchange.account, exchange.fan, dict(exchange.fields), wait=wait)

    def replay(self, exchange: Exchange, **changed: str) -> Try:
        """A stranger sends a request of WeChat again, byte for byte; `changed` replaces parts of its query."""
        first = exchange.tries[0]
        answer = self.callbacks.post(exchange.account, first.body, first.query | changed)
        return Try(first.query | changed, first.body, answer.status_code, answer.content, 0.0)

    def post(self, account: Account, body: bytes, **query: str) -> httpx.Response:
        """Post anything to the account's address as a stranger could."""
        return self.callbacks.post(account, body, query)
