"""WeChat's callbacks: verified, written down, answered within its five seconds, whatever happens behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.home import busy_words, trouble_words
from bot.words import understand
from channels.chat.wechat.chat import WeChatChat, expects_answer
from channels.chat.wechat.chat import said as words_of
from channels.chat.wechat.cipher import AccountKeys, Mode
from channels.chat.wechat.envelope import SUCCESS, open_post, passive_reply, verify_url
from channels.chat.wechat.received import Received
from channels.chat.wechat.refused import Junk, Unauthentic
from channels.chat.wechat.replies import Reply
from channels.chat.wechat.turn import Turn
from channels.web.door import Door
from channels.web.hooks.recent import RecentKeys
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from core.connections.chats import ChatAccount, ChatChannel, chat_by_opaque_id
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import MODE, find_setting
from core.conversations.chats import Heard, hear_from
from core.conversations.replays import is_replay
from core.errors import NotFound, Refusal, error_id
from core.secret import Secret
from core.submission import OtherContent
from core.vault.primitives import SealError

ANSWER_WITHIN = 3.0
"""Seconds until a reply says that it takes longer; WeChat gives up after five (chat.md)."""

KEPT_WITHIN = 1.0
"""Seconds more for a reply that was ready in time and is being kept."""

TWIN_LOOK = 0.1
VERIFICATION = "verify"
"""What the nonce of a verification is remembered for, as a message's is for that message."""

FIRST_LOCALE = "zh-CN"

log = structlog.get_logger()


@dataclass(frozen=True)
class Post:
    """A callback as it came: to which address, signed how, with what in it."""

    opaque_id: str
    query: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """One authentic callback: which account it came to, who speaks, what it says, and when it came."""

    account: ChatAccount
    keys: AccountKeys
    chat: Heard
    received: Received
    now: datetime


async def verify(request: Request) -> Response:
    """The GET by which the platform asks whether the address is ours."""
    door: Door = request.app.state.door
    asked = door.take_in(echoed, door, request.path_params["opaque_id"], dict(request.query_params))
    try:
        echo = await asyncio.wait_for(asked, ANSWER_WITHIN)
    except Unauthentic as refused:
        raise Problem(403, f"not WeChat's request: {refused.why}") from None
    except TimeoutError:
        raise Problem(503, headers={"Retry-After": "2"}) from None
    return PlainTextResponse(echo, headers=SAFE_HEADERS)


async def message(request: Request) -> Response:
    """A message or event: its passive reply, `success` where there is nothing to say, 403 for what is not WeChat's."""
    door: Door = request.app.state.door
    end = asyncio.get_running_loop().time() + ANSWER_WITHIN
    post = Post(request.path_params["opaque_id"], dict(request.query_params), await request.body())
    try:
        opened = await opened_in_time(door, request.app.state.wechat_recent, post)
    except Unauthentic as refused:
        await door.run(door.counter.hit, "wechat_callback_forged", seconds=3600)
        raise Problem(403, f"not WeChat's request: {refused.why}") from None
    except Junk as junk:
        log.info("a callback that says nothing", junk=junk.kind.value)
        return Response(SUCCESS, headers=SAFE_HEADERS)
    if isinstance(opened, Response):
        return opened
    text = await answered_somehow(door, request.app.state.wechat, opened, end)
    return said(opened.keys, opened.received, text, opened.now)


async def opened_in_time(door: Door, recent: RecentKeys, post: Post) -> Opened | Response:
    """The callback opened, or what is said where the database does not let us; without the keys for that, 503."""
    try:
        return await asyncio.wait_for(door.take_in(open_callback, door, recent, post), ANSWER_WITHIN)
    except (Refusal, Problem, Unauthentic, Junk):
        raise
    except Exception as error:  # the database is slow or away; whatever else it is, somebody waits for words
        known = recent.find(post.opaque_id)
        if known is None and isinstance(error, TimeoutError):
            raise Problem(503, headers={"Retry-After": "2"}) from None
        if known is None:
            raise
        id_ = error_id()
        if isinstance(error, TimeoutError):
            log.error("a callback could not be opened in time", error_id=id_)
        else:
            log.exception("a callback could not be opened", error_id=id_)
        return answer_without(door, *known, post, id_)


def said(keys: AccountKeys, received: Received, text: str, now: datetime) -> Response:
    """The passive reply, sealed here and now: waiting for a thread could cost the time that is left."""
    reply = passive_reply(keys, received, text, now)
    return Response(reply, headers=SAFE_HEADERS, media_type="application/xml" if reply != SUCCESS else None)


def answer_without(door: Door, keys: AccountKeys, now: datetime, post: Post, id_: str) -> Response:
    """What is said while the database says nothing: that the shop is busy. Raises `Unauthentic`, `Junk`."""
    received = open_post(keys, post.query, post.body, now)
    return said(keys, received, trouble(door, FIRST_LOCALE, received, id_), now)


async def answered_somehow(door: Door, wechat: WeChatChat, opened: Opened, end: float) -> str:
    """The answer, or that something went wrong; the latter is not kept, so that saying it again starts afresh."""
    try:
        return await answered(door, wechat, opened, end)
    except Problem:
        raise
    except Exception:  # the follower would read that the service is out of order
        id_ = error_id()
        log.exception("a message could not be answered", error_id=id_)
        return trouble(door, opened.chat.locale, opened.received, id_)


def trouble(door: Door, locale: str, received: Received, id_: str) -> str:
    """What somebody reads who waits for an answer, with the error id of the log; nothing for what expects none."""
    if not expects_answer(received):
        return ""
    return trouble_words(door.shop.phrasebook.texts(locale), understand(words_of(received)).intent, id_)


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
            looked = door.run(wechat.cards, opened.account, opened.chat, opened.received, reply.cards)
            try:
                text = await asyncio.wait_for(looked, max(0.0, end - loop.time()))
            except TimeoutError:
                return busy
            left = end - loop.time()
            if text is not None:
                return text
            if left <= 0 or door.wakes.is_closing:
                return busy
            await waiting.rest(left)
        return reply.text


async def heard(door: Door, wechat: WeChatChat, opened: Opened, end: float) -> Reply | None:
    """The reply, also when a twin makes it; None when it takes too long, and goes on."""
    loop, turn = asyncio.get_running_loop(), Turn()
    while True:
        work = door.keep(door.run(wechat.hear, opened.account, opened.chat, opened.received, turn))
        done, _ = await asyncio.wait({work}, timeout=max(0.0, end - loop.time()))
        if not done and not turn.give_up():
            done, _ = await asyncio.wait({work}, timeout=KEPT_WITHIN)
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
    """The echo of a verification, whose nonce signs nothing else from now on. Raises `NotFound`, `Unauthentic`."""
    account, now = account_of(opaque_id), door.shop.clock.now()
    echo = verify_url(keys_of(door, account), query, now)
    if is_replay(account_id=account.id, replay_key=query["signature"], dedupe_id=VERIFICATION, now=now):
        raise Problem(403, "a nonce that was used for a message")
    return echo


def open_callback(door: Door, recent: RecentKeys, post: Post) -> Opened:
    """What came, once it is WeChat's, fresh and readable, and who says it. Raises `NotFound`, `Unauthentic`, `Junk`."""
    try:
        account = account_of(post.opaque_id)
        keys, now = keys_of(door, account), door.shop.clock.now()
    except NotFound:
        recent.drop(post.opaque_id)
        raise
    recent.keep(post.opaque_id, keys, now)
    received = open_post(keys, post.query, post.body, now)
    named = {"replay_key": received.replay_key, "dedupe_id": received.dedupe_id}
    if is_replay(account_id=account.id, **named, now=now):
        raise Problem(403, "a nonce that was used for another message")
    user = received.from_user
    chat = hear_from(account=account, user=user, chat=user, locale="", now=now)
    return Opened(account, keys, chat, received, now)


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
