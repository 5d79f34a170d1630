"""What every part of the conversation is handed: the shop it stands in, who speaks, in which language, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.incoming import Incoming
from bot.intents import Act, Intent
from bot.screens import Option
from bot.texts import Phrasebook, Texts
from core.actor import Actor
from core.clock import Clock
from core.members.contacts import ContactKind
from core.orders.values import OrderKeys, OrderPolicy
from core.secret import Secret

PublicKey = Callable[[], bytes | None]
"""The vault's public key as it is now; None while nobody knows one."""


@dataclass(frozen=True)
class ShopContext:
    """What the engine needs of the store; built once when a process starts.

    `button_key` makes the tokens of buttons under messages sent unasked, which must be the same at every reading;
    `currency` is the store's own, in which a wallet is shown where no order or event says another; `contacts` are the
    ways outside the chats that the store can send by; `vault_public` gives what cards that staff bring are sealed with,
    None where none can be brought. `pickup_public` gives the same key where pick-up codes are handed to the vault.
    """

    clock: Clock
    phrasebook: Phrasebook
    currency: str
    order_policy: OrderPolicy
    order_keys: OrderKeys
    button_key: Secret
    contacts: frozenset[ContactKind] = frozenset()
    vault_public: PublicKey | None = None
    pickup_public: PublicKey | None = None


@dataclass(frozen=True)
class Talk:
    """One turn of one conversation. `submission` names it for use cases that must have one effect only."""

    shop: ShopContext
    incoming: Incoming
    texts: Texts
    now: datetime
    submission: str

    @property
    def actor(self) -> Actor:
        """The shopper who speaks."""
        return self.incoming.actor

    @property
    def message(self) -> str:
        """The name of this one message: for what a button shall do again when it is tapped again."""
        return f"message:{self.incoming.submission_id}"

    @property
    def merchant_id(self) -> int:
        """Whose shop this is."""
        return self.incoming.merchant_id

    @property
    def conversation_id(self) -> UUID:
        """Where it is said."""
        return self.incoming.conversation_id


def choice(label: str, intent: Intent, **params: str | int) -> Option:
    """An option that acts."""
    return Option(label, act=Act(intent, params))


def back_to(label: str, intent: Intent, **params: str | int) -> Option:
    """The option that leads back: the last of its screen, 0 where menus are numbered."""
    return Option(label, act=Act(intent, params), is_back=True)


def home_option(texts: Texts) -> Option:
    """Back to the menu."""
    return back_to(texts.say("Menu"), Intent.HOME)
