"""WeChat's envelope opened and sealed: is a callback WeChat's, is it fresh, what does it say, what goes back.

Around wechatpy 1.8.18, which lacks: any look at the age of a timestamp or at a nonce used before, comparison in
constant time, a check of the padding, protection of a text that holds `]]>` (it closes the CDATA and writes tags of its
own), and one kind of error (it raises KeyError, TypeError, ExpatError, UnicodeDecodeError or returns None for a body it
cannot read). Nothing here keeps or fetches anything; the clock is an argument.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from channels.chat.wechat.cipher import AccountKeys, Mode, check_signed, decrypted, encrypted, signed
from channels.chat.wechat.parsing import fields_of
from channels.chat.wechat.received import Received, read
from channels.chat.wechat.refused import Junk, JunkKind, Unauthentic, Why

FRESH_FOR = timedelta(seconds=300)
"""How far a timestamp may lie from our clock, to either side."""

REPLAY_KEPT = 2 * FRESH_FOR
"""How long a replay key must be remembered: after that its timestamp is stale at every clock within `FRESH_FOR`."""

SUCCESS = b"success"
"""The answer that WeChat takes for heard, shows nobody, and does not ask for again."""

STAMP = re.compile(r"[0-9]{10}")
NONCE = re.compile(r"[!-~]{1,128}")
ECHO = re.compile(r"[!-~]{1,256}")
NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def verify_url(keys: AccountKeys, query: Mapping[str, str], now: datetime) -> str:
    """The `echostr` of a GET that proves the address to be ours; it goes back as plain text. Raises `Unauthentic`."""
    check_address(keys, query, now)
    echo = query.get("echostr", "")
    if not ECHO.fullmatch(echo):
        raise Unauthentic(Why.SIGNATURE)
    return echo


def open_post(keys: AccountKeys, query: Mapping[str, str], body: bytes, now: datetime) -> Received:
    """What a POST says. Raises `Unauthentic` (answer 403) or `Junk` (log its kind once, answer `SUCCESS`).

    What the caller must do with the answer. WeChat sends a message up to three times more when it hears nothing within
    5 s, and whether such a repeat has the nonce of the first is nowhere written, so both must be right:

    1. Remember `replay_key` with `dedupe_id` for `REPLAY_KEPT`, per account, first come first served (a unique row).
    2. A replay key seen before with another `dedupe_id` is a used nonce: 403, nothing is done (fault 51).
    3. A replay key seen before with the same `dedupe_id`, or a new one whose `dedupe_id` is known, is WeChat repeating
       itself: one effect, the first answer again (fault 47). The inbox's digest of the message decides that it is the
       same one: `Received.body()` is made for it, for the POST's bytes are encrypted anew each time. Where it differs
       (`OtherContent`), 403.

    The replay key is the signature alone: digits moved between timestamp and nonce give the same signature, and so the
    same key. In plain mode no signature covers the body: rules 2 and 3 are what keeps a heard request from being sent
    again with other words, and only while it is fresh. Safe mode is the one to recommend.
    """
    check_address(keys, query, now)
    fields = fields_of(body)
    if "Encrypt" in fields and keys.mode is not Mode.PLAIN:
        check_signed(keys, query.get("msg_signature", ""), query["timestamp"], query["nonce"], fields["Encrypt"])
        received = read(fields_of(decrypted(keys, fields["Encrypt"])), replay_key=query["signature"])
    else:
        refuse_without_encrypt(keys, query, fields)
        received = read(fields, replay_key=query["signature"])
    if keys.original_id and received.to_user != keys.original_id:
        raise Unauthentic(Why.ACCOUNT)
    return received


def check_address(keys: AccountKeys, query: Mapping[str, str], now: datetime) -> None:
    """`signature` over timestamp and nonce, and how old they are. Raises `Unauthentic`."""
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    check_signed(keys, query.get("signature", ""), stamp, nonce)
    if not STAMP.fullmatch(stamp) or not NONCE.fullmatch(nonce):
        raise Unauthentic(Why.STALE)
    if abs(int(stamp) - now.timestamp()) > FRESH_FOR.total_seconds():
        raise Unauthentic(Why.STALE)


def refuse_without_encrypt(keys: AccountKeys, query: Mapping[str, str], fields: Mapping[str, str]) -> None:
    """Plain text where it may not be, or ciphertext where nobody can read it. Raises `Junk`, `Unauthentic`."""
    if keys.mode is Mode.SAFE and "MsgType" in fields:
        raise Unauthentic(Why.NO_CIPHERTEXT)
    if keys.mode is Mode.SAFE or (keys.mode is Mode.COMPATIBLE and query.get("msg_signature")):
        raise Junk(JunkKind.NO_ENCRYPT)
    if "Encrypt" in fields and "MsgType" not in fields:
        raise Junk(JunkKind.NO_KEY)


def passive_reply(keys: AccountKeys, received: Received, text: str, now: datetime) -> bytes:
    """The text as the answer to a message, encrypted unless the account is in plain mode; `SUCCESS` for no text.

    Raises `ValueError` for signs that XML cannot carry: whoever renders leaves them out, or sends a page instead.
    """
    if not text:
        return SUCCESS
    stamp = str(int(now.timestamp()))
    message = (
        f"<xml><ToUserName>{cdata(received.from_user)}</ToUserName>"
        f"<FromUserName>{cdata(received.to_user)}</FromUserName>"
        f"<CreateTime>{stamp}</CreateTime><MsgType>{cdata('text')}</MsgType><Content>{cdata(text)}</Content></xml>"
    )
    if keys.mode is Mode.PLAIN:
        return message.encode()
    nonce = secrets.token_hex(8)
    sealed = encrypted(keys, message.encode())
    signature = signed(keys, stamp, nonce, sealed)
    return (
        f"<xml><Encrypt>{cdata(sealed)}</Encrypt><MsgSignature>{cdata(signature)}</MsgSignature>"
        f"<TimeStamp>{stamp}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
    ).encode()


def cdata(text: str) -> str:
    """A text that its reader gets back sign by sign. `]]>` is divided between two sections. Raises `ValueError`."""
    if found := NOT_XML.search(text):
        raise ValueError(f"XML cannot carry U+{ord(found[0]):04X}")
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
