"""One thing a shopper said, in the form that every channel hands to the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from bot.manner import PLAIN, Manner
from core.actor import Actor, ActorKind
from core.secret import Secret


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a message, `size` in bytes; its content is there once the channel was asked to fetch it."""

    name: str
    size: int
    content: Secret | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Either `text` or `action` (a button's opaque token) is set; the rest says who speaks where.

    `submission_id` names this one message and stays the same when the channel sends it again.
    `network` is a keyed hash of the client's network, for quotas only (empty in chats that have no address).
    `address` is the chat as the platform named it in this very message (empty where chats have none), `is_formatted`
    says that the platform took signs of the text for formatting, so that they are missing.
    `manner` is what the chat can do (a WeChat account's: `bot.wordings.by_number`).
    `keeps_menu` is false where the channel learns only later whether its answer is read: it remembers the menu then.
    """

    channel: str
    conversation_id: UUID
    merchant_id: int
    shopper_id: UUID
    identity_id: UUID
    locale: str
    submission_id: str
    text: str | None = field(default=None, repr=False)
    action: str | None = None
    network: str = ""
    manner: Manner = PLAIN
    address: str = ""
    file: SentFile | None = None
    is_formatted: bool = False
    keeps_menu: bool = True

    @property
    def actor(self) -> Actor:
        """The shopper as the one who acts."""
        return Actor(ActorKind.SHOPPER, id=self.shopper_id, party_id=self.merchant_id)
