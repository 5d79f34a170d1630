"""What a follower can do: talk, tap, follow, scan, agree to notices, open links, log in to a web page."""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import httpx

from tests.doubles.wechat.callbacks import Callbacks, Exchange
from tests.doubles.wechat.oauth import AUTHORISE, new_code
from tests.doubles.wechat.quotas import open_window
from tests.doubles.wechat.seen import TAP, Seen
from tests.doubles.wechat.world import Account, Fan, World

HOPS = 10
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 "
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 "
WECHAT = "MicroMessenger/8.0.49"


class Follower:
    """One person at one account. What is done returns its `Exchange`; with `wait=False` at once."""

    def __init__(self, world: World, callbacks: Callbacks, account: Account, fan: Fan) -> None:
        self.account = account
        self.fan = fan
        self._world = world
        self._callbacks = callbacks

    @property
    def openid(self) -> str:
        """Who this is to the account, and to no other."""
        return self.fan.openid

    def say(self, text: str, *, wait: bool = True, menu_id: str = "") -> Exchange:
        """Type a text; `menu_id`: it was tapped in a menu inside a message, which opens as little as a tap does."""
        self._must_follow()
        self._open("tap" if menu_id else "words")
        self._world.show(self.fan, "said", text)
        more = {"bizmsgmenuid": menu_id} if menu_id else {}
        message = {"MsgType": "text", "Content": text, "MsgId": self._world.message_id()}
        return self._bring(message | more, wait=wait)

    def say_aloud(self, words: str, *, wait: bool = True) -> Exchange:
        """Speak; the account has speech recognised."""
        self._must_follow()
        self._open("words")
        self._world.show(self.fan, "said", f"🎤 {words}")
        fields = {"MsgType": "voice", "MediaId": "media-1", "Format": "amr", "Recognition": words}
        return self._bring(fields | {"MsgId": self._world.message_id()}, wait=wait)

    def send_picture(self, *, wait: bool = True) -> Exchange:
        """Send a picture."""
        self._must_follow()
        self._open("words")
        self._world.show(self.fan, "said", "🖼")
        fields = {"MsgType": "image", "PicUrl": "http://mmbiz.qpic.cn/mmbiz/0", "MediaId": "media-2"}
        return self._bring(fields | {"MsgId": self._world.message_id()}, wait=wait)

    def tap(self, label: str, *, wait: bool = True) -> Exchange | httpx.Response:
        """Tap the newest link of this label in the chat: a page opens, or a menu inside a message sends its words."""
        links = [link for seen in reversed(self.messages()) for link in seen.links if link.label == label]
        assert links, f"no link {label!r} in the chat"
        if found := TAP.fullmatch(links[0].address):
            return self.say(unquote(found[1]), menu_id=unquote(found[2]), wait=wait)
        return self.open(links[0].address)

    def click(self, menu_key: str, *, wait: bool = True) -> Exchange:
        """Tap the entry of the account's menu that has this key (any key, before a menu was made)."""
        self._must_follow()
        names = {entry["key"]: entry["name"] for entry in menu_entries(self.account.menu) if "key" in entry}
        assert self.account.menu is None or menu_key in names, f"the menu has no key {menu_key!r}"
        self._open("tap")
        self._world.show(self.fan, "tapped", names.get(menu_key, menu_key))
        return self._bring({"MsgType": "event", "Event": "CLICK", "EventKey": menu_key}, wait=wait)

    def subscribe(self, scene: str = "", *, wait: bool = True) -> Exchange:
        """Follow the account, by a QR code of this scene or without one."""
        with self._world.lock:
            self.fan.is_following = True
        self._open("tap")
        self._world.show(self.fan, "event", "关注")
        key = {"EventKey": f"qrscene_{scene}", "Ticket": self._ticket(scene)} if scene else {"EventKey": ""}
        return self._bring({"MsgType": "event", "Event": "subscribe"} | key, wait=wait)

    def unsubscribe(self, *, wait: bool = True) -> Exchange:
        """Unfollow: nothing can be said to this person any more, and every window closes."""
        with self._world.lock:
            self.fan.is_following = False
            self.fan.windows.clear()
            self.fan.consents.clear()
        self._world.show(self.fan, "event", "取消关注")
        return self._bring({"MsgType": "event", "Event": "unsubscribe", "EventKey": ""}, wait=wait)

    def scan(self, scene: str, *, wait: bool = True) -> Exchange:
        """Scan a QR code of the account: a follower's event is SCAN, a stranger follows by it."""
        if not self.fan.is_following:
            return self.subscribe(scene, wait=wait)
        self._open("tap")
        self._world.show(self.fan, "event", f"扫码 {scene}")
        fields = {"MsgType": "event", "Event": "SCAN", "EventKey": scene, "Ticket": self._ticket(scene)}
        return self._bring(fields, wait=wait)

    def consent(self, template_id: str, *, accepts: bool = True, wait: bool = True) -> Exchange:
        """Answer a page that asks for one notice of a template."""
        assert template_id in self.account.templates, f"no template {template_id!r}"
        with self._world.lock:
            self.fan.consents[template_id] = self.fan.consents.get(template_id, 0) + int(accepts)
        answer = {"TemplateId": template_id, "SubscribeStatusString": "accept" if accepts else "reject"}
        groups = {"SubscribeMsgPopupEvent": {"List": answer | {"PopupScene": 1}}}
        return self._bring({"MsgType": "event", "Event": "subscribe_msg_popup_event"} | groups, wait=wait)

    def messages(self) -> list[Seen]:
        """Everything in the chat, oldest first."""
        with self._world.lock:
            return list(self.fan.messages)

    def heard(self, *ways: str) -> list[str]:
        """The texts that came from the account (by these ways: passive, service, notice, template, broken)."""
        return [seen.text for seen in self.messages() if not seen.is_mine and (not ways or seen.way in ways)]

    # web pages inside WeChat

    def open(self, address: str, **more: Any) -> httpx.Response:
        """Open a page as WeChat's browser does: authorisation on the way is given, fragments are lost there."""
        agent = (IPHONE if self.fan.is_on_ios else ANDROID) + WECHAT
        headers = {"user-agent": agent, "accept-language": self.fan.language.replace("_", "-")}
        with httpx.Client(trust_env=False, timeout=30, headers=headers, **more) as client:
            for _ in range(HOPS):
                if urlsplit(address).path == AUTHORISE:
                    address = self.authorise(address)
                answer = client.get(address.partition("#")[0])
                if not answer.is_redirect:
                    return answer
                address = urljoin(address, answer.headers["location"])
        raise AssertionError("too many redirects")

    def authorise(self, address: str) -> str:
        """Log in to a page: where WeChat leads back to, with a code. Raises AssertionError for what WeChat refuses."""
        parts = urlsplit(address)
        assert parts.fragment == "wechat_redirect", "the address must end in #wechat_redirect"
        with self._world.lock:
            return new_code(self._world, self.account, self.fan, dict(parse_qsl(parts.query, keep_blank_values=True)))

    def _ticket(self, scene: str) -> str:
        known = [ticket for ticket, named in self.account.tickets.items() if named == scene]
        return known[0] if known else f"gQ_{re.sub('[^A-Za-z0-9]', '', scene)}"

    def _must_follow(self) -> None:
        assert self.fan.is_following, "only a follower can write to the account"

    def _open(self, opening: str) -> None:
        with self._world.lock:
            open_window(self.fan.windows, opening, self._world.now())

    def _bring(self, fields: dict[str, Any], *, wait: bool) -> Exchange:
        return self._callbacks.bring(self.account, self.fan, fields, wait=wait)


def menu_entries(menu: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Every entry of a menu that can be tapped."""
    found: list[dict[str, Any]] = []
    for button in (menu or {}).get("button", []):
        found += button.get("sub_button") or [button]
    return found
