"""One message or event of WeChat as a value that nothing in it can surprise."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from channels.chat.wechat.parsing import ACCEPTED
from channels.chat.wechat.refused import Junk, JunkKind

OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MESSAGE_ID = re.compile(r"[0-9]{1,32}")
MOMENT = re.compile(r"[0-9]{1,10}")
NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
TEMPLATE = re.compile(r"[A-Za-z0-9_-]{1,64}")
SCENE = "qrscene_"


class Kind(StrEnum):
    """What was sent; whatever the conversation has no answer to is `other`."""

    TEXT = "text"  # words, typed or tapped in a menu inside a message
    EVENT = "event"  # followed, scanned, tapped the menu below, unfollowed…
    IMAGE = "image"  # a picture
    VOICE = "voice"  # speech; `content` has the words where the account gets them recognised
    OTHER = "other"  # video, place, link, and what may be invented later


@dataclass(frozen=True, slots=True)
class Received:
    """`from_user` is the sender's openid, `to_user` our account. Times are WeChat's own, to the second.

    `dedupe_id` names the message for ever: WeChat's repeats of it have the same. `replay_key` names this one request
    (`envelope.open_post` says what its reader must do with the two). `event` is in lower case; `event_key` as it came;
    `scene` the scene of a QR code that was scanned, by a follower or by somebody who follows through it; `menu_id` the
    bizmsgmenuid of a link that was tapped inside a message; `consents` the templates of notices that were agreed to.
    """

    kind: Kind
    from_user: str
    to_user: str
    dedupe_id: str
    created_at: datetime
    message_id: str = ""
    content: str = field(default="", repr=False)
    event: str = ""
    event_key: str = ""
    scene: str = ""
    ticket: str = field(default="", repr=False)
    menu_id: str = field(default="", repr=False)
    consents: tuple[str, ...] = ()
    replay_key: str = ""

    def body(self) -> bytes:
        """What must be the same when WeChat sends the message again."""
        said = [self.kind.value, self.from_user, self.event, self.event_key, self.content, self.menu_id]
        return json.dumps(said, ensure_ascii=False).encode()

    @property
    def clicked(self) -> str:
        """The key of an entry of the account's menu that was tapped, else empty."""
        return self.event_key if self.event == "click" else ""


def read(fields: Mapping[str, str], *, replay_key: str = "") -> Received:
    """The value of a message's tags. Raises `Junk` for everything that is no message."""
    kind = kind_of(fields)
    content = fields.get("Recognition" if kind is Kind.VOICE else "Content", "")
    event = fields.get("Event", "").strip().lower() if kind is Kind.EVENT else ""
    event_key = fields.get("EventKey", "") if kind is Kind.EVENT else ""
    if kind is Kind.EVENT and not NAME.fullmatch(event):
        raise Junk(JunkKind.NO_EVENT)
    message_id = fields.get("MsgId", "").strip()
    if message_id and not MESSAGE_ID.fullmatch(message_id):
        raise Junk(JunkKind.MESSAGE_ID)
    from_user = named(fields, "FromUserName", JunkKind.NO_SENDER)
    created = fields.get("CreateTime", "").strip()
    return Received(
        kind=kind,
        from_user=from_user,
        to_user=named(fields, "ToUserName", JunkKind.NO_RECIPIENT),
        dedupe_id=f"message:{message_id}" if message_id else unnamed(from_user, created, event, event_key, content),
        created_at=moment(created),
        message_id=message_id,
        content=content,
        event=event,
        event_key=event_key,
        scene=scene_of(event, event_key),
        ticket=fields.get("Ticket", "") if kind is Kind.EVENT else "",
        menu_id=fields.get("bizmsgmenuid", "").strip(),
        consents=tuple(one for one in fields.get(ACCEPTED, "").split(",") if TEMPLATE.fullmatch(one)),
        replay_key=replay_key,
    )


def kind_of(fields: Mapping[str, str]) -> Kind:
    """The kind by MsgType. Raises `Junk`."""
    written = fields.get("MsgType", "").strip().lower()
    if not NAME.fullmatch(written):
        raise Junk(JunkKind.NO_TYPE)
    return Kind(written) if written in set(Kind) else Kind.OTHER


def named(fields: Mapping[str, str], tag: str, kind: JunkKind) -> str:
    """An openid or account of a tag. Raises `Junk`."""
    name = fields.get(tag, "").strip()
    if not OPENID.fullmatch(name):
        raise Junk(kind)
    return name


def moment(created: str) -> datetime:
    """CreateTime, Unix seconds. Raises `Junk`."""
    if not MOMENT.fullmatch(created):
        raise Junk(JunkKind.CREATE_TIME)
    return datetime.fromtimestamp(int(created), UTC)


def unnamed(*parts: str) -> str:
    """The name of what has no MsgId: events have none, so WeChat says to tell them apart by sender and time."""
    digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()
    return f"event:{digest[:40]}"


def scene_of(event: str, event_key: str) -> str:
    """The scene of a scanned QR code: a follower's scan has it bare, a new follower's with a word before it."""
    if event == "subscribe" and event_key.startswith(SCENE):
        return event_key[len(SCENE) :]
    return event_key if event == "scan" else ""
