"""Card pages below the doors: links as the worker asks for them, and what a browser does with one."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import db
from core.fulfilment.card_pages import Press, ask_press, carry_out_press, press_answer
from core.members.confirmed import confirmed_contact
from core.vault.client import VaultCode, VaultRefused
from core.vault.links import CardLink, LinkContact, content_context, content_key, press_proof
from tests.support.exchange import Exchange
from tests.support.sales import Sale


def link_for(
    desk: Exchange, sale: Sale, *, occasion: UUID | None = None, reader: UUID | None = None, locale: str = "zh-CN"
) -> CardLink:
    """A link for the chat that bought, or for `reader`."""
    reader = reader or sale.talker.conversation_id
    occasion = occasion or sale.delivery
    return desk.counter.vault.client.card_link(sale.delivery, occasion=occasion, locale=locale, reader=reader)


def mailed(desk: Exchange, sale: Sale, shopper: UUID) -> CardLink:
    """A link for the mail address that a shopper's row has."""
    found = confirmed_contact(shopper_id=shopper, kind="email")
    assert found is not None
    to = found.sealed
    contact = LinkContact(to.id, to.by, to.address_hash, to.confirmed_at, found.seal)
    client = desk.counter.vault.client
    return client.card_link(sale.delivery, occasion=sale.delivery, locale="zh-CN", contact=contact)


def refused(desk: Exchange, sale: Sale, **asked: Any) -> VaultCode | None:
    """Why no link is made; None where one is."""
    try:
        link_for(desk, sale, **asked)
    except VaultRefused as refusal:
        return refusal.vault_code
    return None


@dataclass
class LinkPage:
    """A page in somebody's hand that has a link's number and a key, right or not."""

    desk: Exchange
    link: UUID
    key: bytes = field(repr=False)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def ask(self, press: UUID | None = None) -> Press:
        """Press the button; what the door writes down."""
        pressed = Press(press or uuid4(), self.link, press_proof(self.key))
        assert ask_press(press=pressed, now=self.now)
        return pressed

    def press(self, press: UUID | None = None) -> dict[str, Any]:
        """Press it, and what the page is told once the worker was there."""
        asked = self.ask(press)
        with self.desk.as_worker():
            carry_out_press(press_id=asked.id, vault=WorkersVault(self.desk), now=self.now)
        return press_answer(press_id=asked.id) or {}

    def read(self, press: UUID | None = None) -> list[str] | None:
        """Press it and open what comes; None where nothing does."""
        pressed = press or uuid4()
        answer = self.press(pressed)
        return self.opened(pressed, answer) if "sealed" in answer else None

    def opened(self, press: UUID, answer: dict[str, Any]) -> list[str]:
        """The secrets of an answer, as the page opens it. Raises `InvalidTag` for another link's or press's."""
        sealed = base64.b64decode(answer["sealed"])
        context = content_context(link=self.link, press=press)
        plain = AESGCM(content_key(self.key)).decrypt(sealed[:12], sealed[12:], context)
        return [card["secret"] for card in json.loads(plain)["cards"]]

    def is_closed_to(self, press: UUID, answer: dict[str, Any]) -> bool:
        """Whether an answer does not open with this key."""
        try:
            self.opened(press, answer)
        except InvalidTag:
            return True
        return False


@dataclass(frozen=True)
class WorkersVault:
    """The vault's client for code that runs with the worker's rights: the store is worker's again after each answer."""

    desk: Exchange

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self.desk.counter.vault.client, name)

        def ask(*args: Any, **named: Any) -> Any:
            try:
                return asked(*args, **named)
            finally:
                db.connect(self.desk.urls["worker"], size=4)

        return ask


def page(desk: Exchange, link: CardLink, *, key: bytes | None = None, later: timedelta = timedelta(0)) -> LinkPage:
    """The page that a link leads to."""
    return LinkPage(desk, link.id, key or link.key.reveal(), datetime.now(UTC) + later)


def followed(desk: Exchange, address: str) -> LinkPage:
    """The page at an address of a message."""
    number, _, key = address.rpartition("/k/")[2].partition("#")
    return LinkPage(desk, UUID(number), base64.urlsafe_b64decode(key + "="))
