"""What WeChat knows: official accounts, followers, chats, tokens, quotas, codes; one lock over all."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.wechat.quotas import Window
from tests.doubles.wechat.seen import Seen
from tests.doubles.wechat.tokens import TokenLine


@dataclass(eq=False)
class Fan:
    """A person as one account knows them."""

    openid: str
    name: str
    language: str = "zh_CN"
    is_following: bool = True
    is_blacklisted: bool = False
    is_on_ios: bool = False
    messages: list[Seen] = field(default_factory=list)
    windows: dict[str, Window] = field(default_factory=dict)
    consents: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Code:
    """A code of web authorisation: for one person, once, five minutes."""

    openid: str
    scope: str
    ends_at: float


@dataclass(eq=False)
class Account:
    """An official account as the platform keeps it (mp.weixin.qq.com)."""

    app_id: str
    secret: str
    token: str
    aes_key: str
    callback_url: str
    mode: str
    kind: str
    verified: bool
    original_id: str
    name: str
    fans: dict[str, Fan] = field(default_factory=dict)
    menu: dict[str, Any] | None = None
    menu_was_made_here: bool = True
    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Template id -> the names of its fields; those of subscription notices and of template messages alike."""
    allowed_addresses: set[str] | None = None
    """The IP whitelist; None: switched off."""
    web_domains: set[str] | None = None
    """Where web authorisation may lead back to; None: anywhere."""
    plain_tokens: TokenLine = field(default_factory=TokenLine)
    stable_tokens: TokenLine = field(default_factory=lambda: TokenLine(is_stable=True))
    used: dict[str, int] = field(default_factory=dict)
    daily_limits: dict[str, int] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    used_codes: set[str] = field(default_factory=set)
    tickets: dict[str, str] = field(default_factory=dict)
    """Ticket of a QR code -> its scene."""

    def fan(self, openid: object) -> Fan | None:
        """Who has this openid here."""
        return self.fans.get(openid) if isinstance(openid, str) else None


class World:
    """Accounts and people; `changed` wakes whoever waits for news."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.version = 0
        self.is_closing = False
        self.accounts: dict[str, Account] = {}
        self.violations: list[str] = []
        self.shift = 0.0
        self.overlap = 300.0
        """Seconds that an older token of /cgi-bin/token works beside a newer one."""
        self._now = now
        self._last_message = 24_601_000_000_000_000

    def now(self) -> float:
        """WeChat's time, in Unix seconds."""
        return self._now() + self.shift

    def message_id(self) -> int:
        """A MsgId that no message had before."""
        with self.lock:
            self._last_message += 1
            return self._last_message

    def changed(self) -> None:
        """Something is new."""
        with self.lock:
            self.version += 1
            self.news.notify_all()

    def violate(self, what: str) -> None:
        """Write down what a correct store never does."""
        with self.lock:
            self.violations.append(what)
            self.changed()

    def show(self, fan: Fan, way: str, text: str, **more: Any) -> Seen:
        """Put a line into a follower's chat."""
        with self.lock:
            seen = Seen(len(fan.messages) + 1, way, text, self.now(), **more)
            fan.messages.append(seen)
            self.changed()
            return seen

    def wait_for(self, look: Callable[[], Any], seconds: float) -> Any:
        """What `look` returns once it is truthy; it is asked after each change, and at the end of the time."""
        end = time.monotonic() + seconds
        with self.lock:
            while not (found := look()) and (left := end - time.monotonic()) > 0 and not self.is_closing:
                self.news.wait(min(left, 1.0))
            return found


def openid_for(app_id: str, name: str) -> str:
    """28 signs, the same at each start: an openid names a person to one account only."""
    digest = hashlib.sha256(f"{app_id}/{name}".encode()).hexdigest()
    return f"o{digest[:27]}"


def rights_of(account: Account) -> frozenset[str]:
    """What an account of its kind may use, by WeChat's table of rights (接口权限说明)."""
    rights = {"token"}
    if account.kind == "service" or account.verified:
        rights |= {"menu"}
    if account.verified:
        rights |= {"custom", "user"}
    if account.kind == "service" and account.verified:
        rights |= {"notice", "template", "qrcode", "oauth"}
    return frozenset(rights)
