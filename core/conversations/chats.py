"""Conversations on chat platforms: found by who speaks to which account, made when somebody speaks first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.connections.chats import ChatAccount
from core.conversations import sql
from core.db import execute, in_transaction
from core.ids import new_id
from core.members.service import Channel, IdentityTaken, add_identity, create_shopper_with_identity
from core.messages.service import route
from core.parties.fronts import find_front


@dataclass(frozen=True, slots=True)
class Heard:
    """Who speaks in a private chat of a platform. `is_new` says that this is the first time."""

    conversation_id: UUID
    merchant_id: int
    shopper_id: UUID
    identity_id: UUID
    locale: str
    chat_address: str
    is_new: bool = False

    @property
    def actor(self) -> Actor:
        """The shopper as the one who acts."""
        return Actor(ActorKind.SHOPPER, id=self.shopper_id, party_id=self.merchant_id)


def hear_from(*, account: ChatAccount, user: str, chat: str, locale: str, now: datetime) -> Heard:
    """The conversation with `user` (the platform's number of a person) in the private chat `chat` with an account.

    Made when it is not there: with a shopper of its own, or, where the platform knows the same person at another bot
    of the merchant (Telegram), with that shopper. `locale` is empty where nobody knows the person's: the shop's own
    is spoken then. Raises `Invalid` for a locale we do not speak.
    """
    found = _find(account, user)
    if found is not None:
        return found
    try:
        return in_transaction(lambda: _begin(account, user, chat, locale, now))
    except IdentityTaken:  # a twin was faster
        again = _find(account, user)
        if again is None:
            raise
        return again


def external_id(account: ChatAccount, user: str) -> str:
    """How an identity of a chat platform is kept: the person first, so that one person is found at all bots."""
    return f"{user}:{account.id}"


def _find(account: ChatAccount, user: str) -> Heard | None:
    values = (account.merchant_id, account.channel.value, external_id(account, user))
    rows = execute(sql.CHAT_OF_IDENTITY, values)
    return Heard(*rows[0]) if rows else None


def _begin(account: ChatAccount, user: str, chat: str, locale: str, now: datetime) -> Heard:
    channel, named = Channel(account.channel.value), external_id(account, user)
    known = execute(sql.SAME_PERSON, (account.merchant_id, channel.value, user)) if channel.is_one_person else []
    if known:
        shopper_id, locale = known[0]
        identity_id = add_identity(
            shopper_id=shopper_id, merchant_id=account.merchant_id, channel=channel, external_id=named, now=now
        )
    else:
        locale = locale or find_front(merchant_id=account.merchant_id).locale
        shopper_id, identity_id = create_shopper_with_identity(
            merchant_id=account.merchant_id, channel=channel, external_id=named, locale=locale, now=now
        )
    conversation_id, address = new_id(), account.address(chat)
    execute(sql.OPEN_CHAT, (conversation_id, account.merchant_id, shopper_id, identity_id, address, account.id, now))
    route(conversation_id=conversation_id, chat_address=address)
    heard = Heard(conversation_id, account.merchant_id, shopper_id, identity_id, locale, address, is_new=True)
    audit.append(
        actor=heard.actor, action="chat.opened", object_kind="conversation", object_id=conversation_id, now=now
    )
    return heard
