"""Who opens a chat's link and whose it is: the link's conversation, its account and host, the phone in the hand."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot.pages import PageKind
from bot.texts import Texts, mark
from channels.chat.wechat.links import IosRule
from channels.web.door import Door
from channels.web.pages import Shop
from core.actor import SYSTEM, Actor, ActorKind
from core.connections.chats import ChatAccount, ChatChannel, chat_account, read_address
from core.connections.credentials import Holder
from core.connections.sealed_settings import AUTHORISE_BASE, PAGE_URL, find_setting
from core.connections.verify_files import host_of
from core.conversations.pages import PageLink, read_link
from core.conversations.service import Conversation, find_conversation
from core.errors import NotFound
from core.parties.service import access_party
from core.titles import worded
from core.vault.primitives import SealError

IOS = ("iPhone", "iPad", "iPod")
DEVICE_COOKIE = "keystall_device"
"""Set by the page's own script where the address line of a tablet says that it is a desk."""

IN_WECHAT = "MicroMessenger"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Visit:
    """One opened link: what it is for, of which conversation, at which account."""

    token: str
    link: PageLink
    kind: PageKind
    chat: Conversation
    account: ChatAccount
    code: str  # the merchant's
    names: dict[str, str]
    host: str  # where the account's own pages are; empty: at the shop's
    asks_at: str  # where WeChat's authorise page was moved to; empty: it was not

    @property
    def actor(self) -> Actor:
        """The follower whom the link was made for, as the one who acts."""
        return Actor(ActorKind.SHOPPER, id=self.chat.shopper_id, party_id=self.chat.merchant_id)

    @property
    def url(self) -> str:
        """The path of the page."""
        return f"/w/{self.token}"

    @property
    def topic(self) -> str:
        """What wakes who waits on the page."""
        return f"conv:{self.chat.id}"

    def shop(self, texts: Texts) -> Shop:
        """Whose shop it is."""
        return Shop(self.code, worded(self.names, texts.locale))

    def keeps_from_ios(self) -> bool:
        """Whether the merchant shows nothing on iOS (chat.md)."""
        return self.account.settings.get("ios_rule", IosRule.STRICT.value) != IosRule.OFF


def visit_of(door: Door, token: str) -> Visit:
    """The visit that a link opens. Raises `NotFound` for every other token alike."""
    link = read_link(token=token, now=door.shop.clock.now())
    chat = find_conversation(conversation_id=link.conversation_id)
    address = read_address(chat.chat_address)
    if address is None or address.channel is not ChatChannel.WECHAT:
        raise NotFound("page")
    account = chat_account(account_id=address.account_id)
    if not account.enabled:
        raise NotFound("page")
    merchant = access_party(actor=SYSTEM, party_id=chat.merchant_id)
    host, asks_at = sealed_of(door, account)
    return Visit(token, link, PageKind(link.kind), chat, account, merchant.code, dict(merchant.names), host, asks_at)


def sealed_of(door: Door, account: ChatAccount) -> tuple[str, str]:
    """The account's own host and authorise page, as they were sealed. Raises `NotFound` where one was altered."""
    names = (PAGE_URL, AUTHORISE_BASE)
    try:
        found = [find_setting(door.verify_key, account_id=account.id, name=one, holder=Holder.VERIFY) for one in names]
    except SealError:
        log.error("an account has an address that does not open", account=account.id)
        raise NotFound("page") from None
    return found[0], found[1]


def base_of(door: Door, visit: Visit) -> str:
    """Where an account's pages are: at its own host, else at the shop's."""
    return (visit.host or door.public_url).rstrip("/")


def is_at_home(request: Request, door: Door, visit: Visit) -> bool:
    """Whether a page is asked for where its account's pages are; one merchant's host shows no page of another's."""
    if not visit.host and not door.is_public_url_configured:
        return True
    return host_of(base_of(door, visit)) == asked_host(request)


def asked_host(request: Request) -> str:
    """The host (without port) that a request names."""
    return host_of(f"//{request.headers.get('host', '')}")


def is_ios(request: Request) -> bool:
    """Whether a page is opened on an iPhone or iPad, by what the browser says or its script found."""
    said = request.headers.get("user-agent", "")
    return any(name in said for name in IOS) or request.cookies.get(DEVICE_COOKIE) == "ios"


def is_in_wechat(request: Request) -> bool:
    """Whether a page is opened inside WeChat."""
    return IN_WECHAT in request.headers.get("user-agent", "")


def language_of(request: Request, door: Door, visit: Visit) -> Texts:
    """The language asked for, else the one chosen in the chat."""
    return door.pages.language(request, first=visit.chat.locale)


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that only says something; the texts are message ids. `button` leads back to the link."""

    title: str
    explanation: str
    sign: str
    status: int
    tone: str = ""
    button: str = ""


OVER = Notice(
    mark("This link is over"),
    mark("Links work for 15 minutes. Go back to the chat and send “menu” to order, or “cards” for your cards."),
    "clock",
    404,
)
IN_WECHAT_ONLY = Notice(
    mark("Please open it in WeChat"),
    mark("This link is for one person and opens inside WeChat only. Tap it in the chat with the shop."),
    "lock",
    403,
)
OTHER_PERSON = Notice(
    mark("This link is for somebody else"),
    mark("Send “menu” to the shop in your own chat to get a link of yours."),
    "user-round",
    403,
    "warn",
)
OTHER_BROWSER = Notice(
    mark("This link is in use in another browser"),
    mark("A link works in the browser it was first used in. Send “menu” or “cards” in the chat to get a new one."),
    "lock",
    403,
)
TOO_MANY = Notice(
    mark("Asked too often"),
    mark("This page was opened too often. Nothing was ordered or charged. Please try again in 10 minutes."),
    "clock",
    429,
    "warn",
    mark("Try again"),
)
NO_ANSWER = Notice(
    mark("WeChat did not answer"),
    mark("Nothing was ordered or charged. Please try once more."),
    "clock",
    503,
    "warn",
    mark("Try again"),
)


def say(request: Request, door: Door, notice: Notice, visit: Visit | None = None) -> Response:
    """A page that only says something, in the reader's language."""
    words = language_of(request, door, visit) if visit else door.pages.language(request)
    url = visit.url if visit and notice.button else ""
    return door.pages.draw(
        request, "linked_notice.html.jinja", status=notice.status, words=words, notice=notice, url=url
    )


def ios_page(request: Request, door: Door, visit: Visit) -> Response:
    """What iOS is shown where the merchant keeps to the platform's rule: this sentence and nothing else."""
    return door.pages.draw(request, "linked_ios.html.jinja", words=language_of(request, door, visit), url=visit.url)
