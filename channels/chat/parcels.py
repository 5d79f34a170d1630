"""Parcels on their way into a platform's chat: the message that is drawn, and its cards opened in the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.incoming import Incoming
from bot.manner import PLAIN, Manner
from bot.screens import CardEntry, Screen
from core.connections.chats import ChatChannel
from core.messages.service import MessageKind, StoredMessage
from core.ports import Parcel, PlainCard


def reader_of(parcel: Parcel, channel: ChatChannel, manner: Manner = PLAIN) -> Incoming:
    """Whom a parcel is for, as the engine knows readers: nobody said anything."""
    return Incoming(
        channel=channel.value,
        conversation_id=parcel.conversation_id,
        merchant_id=parcel.merchant_id,
        shopper_id=parcel.shopper_id,
        identity_id=parcel.identity_id,
        locale=parcel.locale,
        submission_id="",
        manner=manner,
    )


def stored(parcel: Parcel, now: datetime) -> StoredMessage:
    """The message of a parcel as it is drawn; its numbers mean nothing here."""
    return StoredMessage(0, 0, MessageKind(parcel.kind), dict(parcel.body), now)


def opened(screen: Screen, cards: Sequence[PlainCard]) -> Screen:
    """The screen with these cards opened, byte for byte; one that is not among them stays masked."""
    by_token = {card.token: card for card in cards}
    return replace(screen, cards=tuple(_opened(entry, by_token.get(entry.token)) for entry in screen.cards))


def _opened(entry: CardEntry, card: PlainCard | None) -> CardEntry:
    if card is None:
        return entry
    expires = card.fields.get("expires")
    return replace(
        entry,
        secret=card.fields.get("secret"),
        number=card.fields.get("number"),
        pin=card.fields.get("pin"),
        expires=expires.reveal().decode() if expires else entry.expires,
    )
