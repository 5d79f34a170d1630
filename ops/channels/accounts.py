"""What the operator asks of official accounts at WeChat: their menu, and what each may do and does without."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import peewee
import psycopg

from channels.chat.wechat.answers import answer_of
from channels.chat.wechat.api import WeChatApi
from channels.chat.wechat.cipher import Mode
from channels.chat.wechat.courier import Apis
from channels.chat.wechat.menu import menu
from channels.chat.wechat.rights import Permissions, Right, expected_rights
from channels.chat.wechat.wire import ApiAway, ApiProblem
from core import db
from core.config import Config, ConfigError
from core.connections.chats import ChatAccount, ChatChannel, chat_account, every_chat_account
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import MODE, PAGE_URL, PAGE_URL_TOLD, find_setting
from core.connections.wechat_tokens import TokenBeingFetched
from core.errors import NotFound
from core.ports import Outcome
from core.vault.primitives import SealError
from ops import wiring
from ops.channels.examined import Found
from ops.channels.wechat import AES_KEY, TOKEN

WITHOUT: Mapping[Right, str] = {
    Right.MENU: "no menu: words and numbers do all of it",
    Right.MESSAGES: "nothing is said unasked: shoppers send 取卡 or open the page",
    Right.NOTICES: "no notice when cards wait",
    Right.LOGIN: "a page does not know its follower: the link of the chat is the proof, for 15 minutes",
}
"""What degrades where an account may not do something."""

NOT_ON_LIST = "40164"


@contextlib.contextmanager
def as_worker(config: Config) -> Iterator[None]:
    """`core.db` connected as the worker, which alone may read access tokens, until the block ends."""
    db.connect(config.database.roles.worker, size=2)
    try:
        yield
    finally:
        db.disconnect()


def push_menu(config: Config, *, number: int, locale: str) -> ChatAccount:
    """Make the shop's menu that of an account. `core.db` is connected by this itself. Raises ConfigError."""
    with as_worker(config), contextlib.closing(wiring.wechat_apis(config)) as apis:
        account, api = _api(apis, number)
        texts = wiring.phrasebook(config).texts(locale or config.store.default_locale)
        try:
            api.push_menu(menu(texts))
        except (ApiProblem, ApiAway, TokenBeingFetched) as problem:
            raise ConfigError(f"WeChat does not take the menu: {said(answer_of(problem).problem)}") from None
        return account


def _api(apis: Apis, number: int) -> tuple[ChatAccount, WeChatApi]:
    try:
        account = chat_account(account_id=number)
    except NotFound:
        account = None
    if account is None or account.channel is not ChatChannel.WECHAT:
        raise ConfigError(f"there is no official account {number}: `python run.py channel list` shows their numbers")
    try:
        return account, apis.of(account)
    except (NotFound, SealError):
        raise ConfigError(
            f"{account.external_id} has no AppSecret that opens here: run `channel add wechat … --secret` again"
        ) from None


def said(problem: str) -> str:
    """A problem of WeChat in words that say the mend, where we know it."""
    if NOT_ON_LIST in problem:
        return "this machine's address is not on the account's IP list (IP白名单): add it there"
    if "48001" in problem:
        return "the account has no right to do this (48001)"
    return problem


def official_accounts(config: Config) -> Iterator[Found]:
    """Every connected official account, for `doctor`; nothing where there is none, or no database to read them from."""
    try:
        with as_worker(config), contextlib.closing(wiring.wechat_apis(config)) as apis:
            for account in every_chat_account():
                if account.channel is ChatChannel.WECHAT:
                    yield from _account(config, account, apis)
    except (psycopg.Error, peewee.PeeweeException, ConfigError):  # said elsewhere
        return


def _account(config: Config, account: ChatAccount, apis: Apis) -> Iterator[Found]:
    name = account.names.get("zh-CN") or account.external_id
    if not account.enabled:
        yield Found(f"{name} is switched off: `python run.py channel enable {account.id}`", is_notice=True)
        return
    again = f"run `python run.py channel add wechat --merchant {account.merchant_code} …` again"
    if problem := _callback_problem(config, account):
        yield Found(f"{name} {problem}: {again}", is_defect=True)
        return
    yield Found(f"{name} of {account.merchant_code} answers in {_settings(config, account)[MODE] or Mode.SAFE} mode")
    try:
        permissions = apis.of(account).permissions()
    except NotFound:
        yield Found(f"{name} has no AppSecret: {WITHOUT[Right.MESSAGES]}", is_notice=True)
        return
    except SealError:
        yield Found(f"{name} has an AppSecret that does not open with the key here: {again}", is_defect=True)
        return
    if permissions.problem:
        yield Found(f"{name}: {said(permissions.problem)}", is_defect=True)
        return
    is_verified = account.settings.get("verified") is True
    yield from _unused(account, name, permissions)
    expected = expected_rights(kind=str(account.settings.get("kind")), is_verified=is_verified)
    for right in Right:
        outcome = permissions.rights[right]
        if outcome is Outcome.NO or (outcome is Outcome.UNKNOWN and right not in expected):
            yield Found(f"{name} may not: {WITHOUT[right]}", is_notice=True)


def _unused(account: ChatAccount, name: str, permissions: Permissions) -> Iterator[Found]:
    """What an account could do more than it is set to, as far as WeChat tells; and what notices depend on."""
    is_set = account.settings.get("kind") == "service" and account.settings.get("verified") is True
    if permissions.rights[Right.NOTICES] is Outcome.YES and not is_set:
        yield Found(
            f"{name} may ask who opens a page, but is set unverified: `python run.py channel set {account.id}"
            " verified=on kind=service`, and WeChat is asked",
            is_notice=True,
        )
    if isinstance(account.settings.get("notice"), Mapping):
        yield Found(
            f"{name} sends notices to those alone whose consent WeChat reports by its event: consent is asked by a page"
            " that WeChat's own script draws, and ours load no script of others",
            is_notice=True,
        )


def _callback_problem(config: Config, account: ChatAccount) -> str:
    """What is wrong with the secrets that check callbacks; empty where nothing is."""
    key = config.secret(config.secrets.verify_key)
    try:
        find_credential(key, kind=AccountKind.CHAT, account_id=account.id, name=TOKEN, holder=Holder.VERIFY)
        settings = _settings(config, account)
        if settings[PAGE_URL] != settings[PAGE_URL_TOLD]:
            return "has its pages elsewhere than its messages say"
        if settings[MODE] != Mode.PLAIN:
            find_credential(key, kind=AccountKind.CHAT, account_id=account.id, name=AES_KEY, holder=Holder.VERIFY)
    except NotFound:
        return "lacks its token or EncodingAESKey"
    except SealError:
        return "has secrets or addresses that do not open with the key here"
    return ""


def _settings(config: Config, account: ChatAccount) -> dict[str, str]:
    """The account's sealed settings by name. Raises `SealError` where one was altered."""
    keys = {
        Holder.VERIFY: config.secret(config.secrets.verify_key),
        Holder.ACT: config.secret(config.secrets.act_key),
    }
    return {
        name: find_setting(keys[holder], account_id=account.id, name=name, holder=holder)
        for name, holder in ((MODE, Holder.VERIFY), (PAGE_URL, Holder.VERIFY), (PAGE_URL_TOLD, Holder.ACT))
    }
