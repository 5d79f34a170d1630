"""A shopper in a test who talks to the dialog engine: says words, taps labels, reads what comes unasked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from bot.engine import Engine
from bot.incoming import Incoming
from bot.screens import Option, Screen
from bot.talk import ShopContext
from bot.texts import Phrasebook
from core.clock import Clock
from core.ids import new_id
from core.messages.service import messages_after
from core.secret import Secret
from tests.builders import Shop, Talker


def an_engine(shop: Shop, clock: Clock) -> Engine:
    """The engine as the store wires it, with the builder's policy and keys."""
    return Engine(
        ShopContext(
            clock=clock,
            phrasebook=Phrasebook(zone="Asia/Shanghai", default="zh-CN"),
            order_policy=shop.policy,
            order_keys=shop.keys,
            button_key=Secret(b"b" * 32),
        )
    )


@dataclass
class Dialog:
    """One conversation; `screen` is the last one answered."""

    engine: Engine
    talker: Talker
    locale: str = "zh-CN"
    screen: Screen = field(init=False)

    def incoming(self, *, text: str | None = None, action: str | None = None, message: str = "") -> Incoming:
        return Incoming(
            channel="web",
            conversation_id=self.talker.conversation_id,
            merchant_id=self.talker.merchant_id,
            shopper_id=self.talker.shopper_id,
            identity_id=self.talker.identity_id,
            locale=self.locale,
            submission_id=message or str(new_id()),
            text=text,
            action=action,
            network=f"network of {self.talker.shopper_id}",
        )

    def say(self, text: str) -> Screen:
        """Send words."""
        (self.screen,) = self.engine.handle(self.incoming(text=text))
        return self.screen

    def act(self, action: str) -> Screen:
        """Send a button's token."""
        (self.screen,) = self.engine.handle(self.incoming(action=action))
        return self.screen

    def tap(self, label: str) -> Screen:
        """Tap the option of the last screen whose label begins like this."""
        action = self.option(label).action
        assert action is not None, f"{label} leads to a page"
        return self.act(action)

    def option(self, label: str) -> Option:
        """The option of the last screen whose label begins like this."""
        found = [option for option in self.screen.options if option.label.startswith(label)]
        assert found, f"no {label!r} among {[option.label for option in self.screen.options]}"
        return found[0]

    def unasked(self, after: int = 0) -> list[Screen]:
        """What was sent unasked, drawn for this reader."""
        told = messages_after(conversation_id=self.talker.conversation_id, after=after)
        return [self.engine.show(message, replace(self.incoming(), text=None)) for message in told]


def order_of(screen: Screen) -> UUID:
    """The order that a screen is about."""
    assert screen.order is not None
    return screen.order
