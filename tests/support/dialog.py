"""A shopper in a test who talks to the dialog engine: says words, taps labels, reads what comes unasked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from bot.engine import Engine
from bot.incoming import Incoming
from bot.manner import PLAIN, Manner
from bot.screens import Option, Screen
from bot.talk import ShopContext
from bot.texts import Phrasebook
from core.clock import Clock
from core.db import execute, in_transaction
from core.fulfilment.service import deliver
from core.ids import Prefix, new_id, public
from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.messages.service import messages_after
from core.orders.service import lock_order, settle_order
from core.secret import Secret
from core.vault.client import Opened, OpenedCard
from tests.builders import Shop, Talker
from tests.support.carriers import NOBODY


def an_engine(shop: Shop, clock: Clock) -> Engine:
    """The engine as the store wires it, with the builder's policy and keys."""
    return Engine(
        ShopContext(
            clock=clock,
            phrasebook=Phrasebook(zone="Asia/Shanghai", default="zh-CN"),
            currency="CNY",
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
    manner: Manner = PLAIN
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
            manner=self.manner,
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


def pay(shop: Shop, clock: Clock, order_id: UUID) -> list[UUID]:
    """The money for an order is in, as a gateway's notice settles it; returns its deliveries."""
    clearing = open_account(
        kind=AccountKind.CLEARING, holder="gateway:1", counterparty=f"party:{shop.merchant}", currency="CNY"
    )

    def work() -> list[UUID]:
        order = lock_order(order_id=order_id)
        settled = settle_order(
            order=order, paid=order.total, from_account_id=clearing, policy=shop.policy, now=clock.now()
        )
        return list(settled.delivery_ids)

    return in_transaction(work)


@dataclass
class OpeningVault:
    """Opens what a delivery's line claims and seals nothing: what the conversation sees of a delivery is its tokens."""

    shop: Shop

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        rows = self.shop.sql(
            "UPDATE card SET opened_at = coalesce(card.opened_at, now()) FROM delivery d"
            " WHERE d.id = %s AND card.line_id = d.line_id RETURNING card.id, card.mask",
            [delivery],
        )
        return Opened(tuple(OpenedCard(public(Prefix.CARD, card), mask) for card, mask in rows), {}, False)


def pay_and_deliver(shop: Shop, clock: Clock, order_id: UUID) -> None:
    """The order is paid and its cards are told in the chat."""
    for delivery_id in pay(shop, clock, order_id):
        assert deliver(delivery_id=delivery_id, vault=OpeningVault(shop), carrier=NOBODY, now=clock.now())


def queued(kind: str) -> int:
    """How many queue rows of a kind there are."""
    rows = execute("SELECT count(*) FROM keystall_task WHERE data LIKE %s", (f'%"{kind}"%'.encode(),))
    return int(rows[0][0])
