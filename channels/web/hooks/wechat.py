"""WeChat's callbacks: verified, written down, answered within its five seconds, whatever happens behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.home import busy_words
from channels.chat.wechat.chat import Reply, WeChatChat
from channels.chat.wechat.cipher import AccountKeys, Mode
from channels.chat.wechat.envelope import SUCCESS, open_post, passive_reply, verify_url
from channels.chat.wechat.received import Received
from channels.chat.wechat.refused import Junk, Unauthentic
from channels.web.door import Door
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from core.connections.chats import ChatAccount, ChatChannel, chat_by_opaque_id
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import MODE, find_setting
from core.conversations.chats import Heard, hear_from
from core.conversations.replays import is_replay
from core.errors import NotFound
from core.secret import Secret
from core.submission import OtherContent
from core.vault.primitives import SealError

ANSWER_WITHIN = 3.0
"""Seconds until a reply says that it takes longer; WeChat gives up after five (chat.md)."""

TWIN_LOOK = 0.1
FIRST_LOCALE = "zh-CN"

log = structlog.get_logger()


@dataclass(frozen=True)
class Opened:
    """One authentic callback: which account it came to, who speaks, what it says."""

    account: ChatAccount
    keys: AccountKeys
    chat: Heard
    received: Received


async def verify(request: Request) -> Response:
    """The GET by which the platform asks whether the address is ours."""
    door: Door = request.app.state.door
    try:
        echo = await door.run(echoed, door, request.path_params["opaque_id"], dict(request.query_params))
    except Unauthentic as refused:
        raise Problem(403, f"not WeChat's request: {refused.why}") from None
    return PlainTextResponse(echo, headers=SAFE_HEADERS)


async def message(request: Request) -> Response:
    """A message or event: its passive reply, `success` where there is nothing to say, 403 for what is not WeChat's."""
    door: Door = request.app.state.door
    wechat: WeChatChat = request.app.state.wechat
    end = asyncio.get_running_loop().time() + ANSWER_WITHIN
    query, body = dict(request.query_params), await request.body()
    try:
        opened = await door.run(open_callback, door, request.path_params["opaque_id"], query, body)
    except Unauthentic as refused:
        await door.run(door.counter.hit, "wechat_callback_forged", seconds=3600)
        raise Problem(403, f"not WeChat's request: {refused.why}") from None
    except Junk as junk:
        log.info("a callback that says nothing", junk=junk.kind.value)
        return Response(SUCCESS, headers=SAFE_HEADERS)
    text = await answered(door, wechat, opened, end)
    reply = await door.run(lambda: passive_reply(opened.keys, opened.received, text, door.shop.clock.now()))
    return Response(reply, headers=SAFE_HEADERS, media_type="application/xml" if reply != SUCCESS else None)


async def answered(door: Door, wechat: WeChatChat, opened: Opened, end: float) -> str:
    """What is said in time: the reply, its cards, or that it takes longer; the work goes on behind in any case."""
    loop = asyncio.get_running_loop()
    topic = f"conv:{opened.chat.conversation_id}"
    busy = busy_words(door.shop.phrasebook.texts(opened.chat.locale))
    with door.wakes.on(topic) as waiting:
        reply = await heard(door, wechat, opened, end)
        if reply is None:
            return busy
        while reply.cards:
            text = await door.run(wechat.cards, opened.account, opened.chat, opened.received, reply.cards)
            left = end - loop.time()
            if text is not None:
                return text
            if left <= 0 or door.wakes.is_closing:
                return busy
            await waiting.rest(left)
        return reply.text


async def heard(door: Door, wechat: WeChatChat, opened: Opened, end: float) -> Reply | None:
    """The reply, also when a twin makes it; None when it takes too long, and goes on."""
    loop = asyncio.get_running_loop()
    while True:
        work = door.keep(door.run(wechat.hear, opened.account, opened.chat, opened.received))
        done, _ = await asyncio.wait({work}, timeout=max(0.0, end - loop.time()))
        if not done:
            return None
        try:
            reply = work.result()
        except OtherContent:
            raise Problem(403, "a message's id that was used for other words") from None
        if reply is not None:
            return reply
        if loop.time() + TWIN_LOOK > end:
            return None
        await asyncio.sleep(TWIN_LOOK)


def echoed(door: Door, opaque_id: str, query: Mapping[str, str]) -> str:
    """The echo of a verification. Raises `NotFound`, `Unauthentic`."""
    return verify_url(keys_of(door, account_of(opaque_id)), query, door.shop.clock.now())


def open_callback(door: Door, opaque_id: str, query: Mapping[str, str], body: bytes) -> Opened:
    """What came, once it is WeChat's, fresh and readable, and who says it. Raises `NotFound`, `Unauthentic`, `Junk`."""
    account = account_of(opaque_id)
    keys, now = keys_of(door, account), door.shop.clock.now()
    received = open_post(keys, query, body, now)
    named = {"replay_key": received.replay_key, "dedupe_id": received.dedupe_id}
    if is_replay(account_id=account.id, **named, now=now):
        raise Problem(403, "a nonce that was used for another message")
    user = received.from_user
    chat = hear_from(account=account, user=user, chat=user, locale=FIRST_LOCALE, now=now)
    return Opened(account, keys, chat, received)


def account_of(opaque_id: str) -> ChatAccount:
    """The official account of a callback address. Raises `NotFound`, also for another channel's."""
    account = chat_by_opaque_id(opaque_id)
    if account.channel is not ChatChannel.WECHAT:
        raise NotFound("chat_account")
    return account


def keys_of(door: Door, account: ChatAccount) -> AccountKeys:
    """The account's token and key, and how messages travel, opened with the key of this process.

    Without a mode they must be encrypted, however the table was written: plain text has no signature of its own.
    Raises `NotFound` where a key is missing, and where something that was sealed was altered.
    """
    try:
        mode = find_setting(door.verify_key, account_id=account.id, name=MODE, holder=Holder.VERIFY)
        return AccountKeys(
            app_id=account.external_id,
            token=secret_of(door, account, "token") or Secret(b""),
            mode=Mode(mode or Mode.SAFE),
            aes_key=secret_of(door, account, "aes_key"),
            original_id=str(account.settings.get("original_id", "")),
        )
    except (SealError, ValueError) as error:
        log.error("an account has no keys that work", account=account.id, problem=type(error).__name__)
        raise NotFound("chat_account") from None


def secret_of(door: Door, account: ChatAccount, name: str) -> Secret | None:
    """One of the account's secrets; None where it has none of that name."""
    try:
        return find_credential(
            door.verify_key, kind=AccountKind.CHAT, account_id=account.id, name=name, holder=Holder.VERIFY
        )
    except NotFound:
        return None
