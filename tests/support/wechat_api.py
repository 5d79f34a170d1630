"""The store's WeChat API with a double behind it: one account, known to both, as the worker holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from channels.chat.wechat.api import WeChatApi
from core import db
from core.clock import FixedClock
from core.connections.chats import ChatAccount
from core.secret import Secret
from tests.builders import NOON, Shop
from tests.doubles.wechat import Account, Follower, WeChatDouble
from tests.doubles.wechat.quotas import open_window
from tests.support.chats import an_account

APP_ID, APP_SECRET = "wx0123456789abcdef", "canary-of-the-app-secret"
ACT_KEY = Secret(b"a" * 32)
STABLE = "/cgi-bin/stable_token"
SEND = "/cgi-bin/message/custom/send"


@dataclass
class Desk:
    """`api` is the account's at the double; `more` makes others of the same account, as other workers have."""

    double: WeChatDouble
    platform: Account
    account: ChatAccount
    clock: FixedClock
    made: list[WeChatApi] = field(default_factory=list)

    def more(self, base: str | None = None, secret: str = APP_SECRET) -> WeChatApi:
        """Another one of this account, at the double or elsewhere."""
        where = self.double.url if base is None else base
        made = WeChatApi(self.account.id, APP_ID, Secret(secret), where, ACT_KEY, self.clock)
        self.made.append(made)
        return made

    def somebody(self, name: str = "小明", *, spoke: bool = True) -> Follower:
        """A follower who has typed something just now."""
        user = self.double.follower(self.platform, name)
        if spoke:
            with self.double.world.lock:
                open_window(user.fan.windows, "words", self.double.world.now())
        return user

    def fetches(self) -> int:
        """How often somebody asked for an access token."""
        return len(self.double.requests(STABLE))


@contextmanager
def a_desk(shop: Shop, urls: dict[str, str], **account: object) -> Iterator[Desk]:
    """The account at a double and at the store, whose database is connected as the worker's."""
    clock = FixedClock(NOON)
    known = an_account(shop, "wechat", APP_ID)
    db.connect(urls["worker"], size=24)
    with WeChatDouble(now=lambda: clock.now().timestamp()) as double:
        platform = double.add_account(APP_ID, APP_SECRET, "callbacktoken", mode="plain", **account)
        desk = Desk(double, platform, known, clock)
        try:
            yield desk
        finally:
            for api in desk.made:
                api.close()
