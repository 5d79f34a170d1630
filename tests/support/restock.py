"""Staff and suppliers of a test shop who bring stock by a private chat, and the worker that has it imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.engine import Engine
from bot.incoming import Incoming, SentFile
from bot.screens import Screen
from bot.talk import ShopContext
from bot.texts import Phrasebook
from core import db
from core.actor import OPERATOR
from core.clock import Clock
from core.config import Config
from core.connections.chats import ChatAccount
from core.conversations.restocking import carry_out_restock
from core.conversations.staff import mint_staff_code
from core.ids import new_id
from core.messages.service import messages_after
from core.orders.values import OrderKeys
from core.parties.service import Role
from core.secret import Secret
from core.vault.client import ImportReport
from tests.builders import NOON, Shop, Talker
from tests.support.chats import somebody
from tests.support.vaults import TestVault

LINES = "补货 A1\nTENC-0001\nTENC-0002\nTENC-0002\n"
CSV = b"secret\nTENC-0001\nTENC-0002\n \nTENC-0003\n"
EMAIL = "supplier@demo.test"
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


def a_member(shop: Shop, party: int, *roles: Role, email: str = "supplier@demo.test") -> UUID:
    """A person with these roles at a party; the password opens nothing."""
    found = shop.sql("SELECT id FROM staff WHERE email = %s", [email])
    staff = found[0][0] if found else new_id()
    if not found:
        row = [staff, email, email.partition("@")[0], HASH]
        shop.sql("INSERT INTO staff (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, %s, now())", row)
    for role in roles:
        shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, %s)", [staff, party, role.value])
    return staff


def an_engine_with_stock(config: Config, clock: Clock) -> Engine:
    """The engine as the bot process wires it, with the keys of the test's store."""
    keys = OrderKeys(config.secret(config.secrets.seal_key), config.secret(config.secrets.session_key))
    return Engine(
        ShopContext(
            clock=clock,
            phrasebook=Phrasebook(zone="Asia/Shanghai", default="zh-CN"),
            currency="CNY",
            order_policy=Shop(lambda *_: []).policy,
            order_keys=keys,
            button_key=keys.session,
            vault_public=config.secret(config.vault.public_key).reveal,
        )
    )


@dataclass
class StaffChatter:
    """One person's private chat with a bot; `says` and `sends` answer the screen, as the channel asks for it."""

    shop: Shop
    engine: Engine
    account: ChatAccount
    user: str = "5001"
    locale: str = "zh-CN"
    talker: Talker = field(init=False)

    def __post_init__(self) -> None:
        self.talker = somebody(self.shop, self.account, self.user, locale=self.locale)

    def incoming(self, text: str, *, message: str = "", **more: Any) -> Incoming:
        values: dict[str, Any] = {"address": self.account.address(self.user), **more}
        return Incoming(
            channel="telegram",
            conversation_id=self.talker.conversation_id,
            merchant_id=self.talker.merchant_id,
            shopper_id=self.talker.shopper_id,
            identity_id=self.talker.identity_id,
            locale=self.locale,
            submission_id=message or str(new_id()),
            text=text,
            **values,
        )

    def says(self, text: str, **more: Any) -> Screen:
        (screen,) = self.engine.handle(self.incoming(text, **more))
        return screen

    def sends(self, raw: bytes, name: str = "cards.csv", caption: str = "补货 A1", **more: Any) -> Screen:
        """Send a document; the channel fetches it only where the engine wants it."""
        asked = self.incoming(caption, file=SentFile(name, len(raw)), **more)
        content = Secret(raw) if self.engine.wants_file(asked) else None
        return self.says(caption, message=asked.submission_id, file=SentFile(name, len(raw), content))

    def binds(self, config: Config, email: str, now: datetime = NOON, party: str | None = None) -> Screen:
        """Be given a code by the operator, and send it."""
        return self.says(f"员工 {a_code(config, email, now, party)}")

    def told(self) -> list[dict[str, Any]]:
        """The bodies of what was told in this chat, with their kinds."""
        found = messages_after(conversation_id=self.talker.conversation_id, after=0)
        return [{"kind": one.kind.value, **one.body} for one in found]

    def unasked(self) -> list[str]:
        """The same as this reader sees it."""
        found = messages_after(conversation_id=self.talker.conversation_id, after=0)
        return [self.engine.show_once(one, self.incoming("")).text for one in found]


def a_code(config: Config, email: str, now: datetime = NOON, party: str | None = None) -> str:
    """A code as the command prints it."""
    key = config.secret(config.secrets.seal_key)
    return mint_staff_code(actor=OPERATOR, email=email, party_code=party, seal_key=key, now=now).text


@dataclass
class Worker:
    """Has restocks imported with the rights of the worker's role."""

    vault: TestVault

    def import_restock(self, restock: UUID, /) -> ImportReport:
        try:
            return self.vault.client.import_restock(restock)
        finally:
            self._as("worker")

    def carries_out(self, restock: UUID | None = None, now: datetime = NOON) -> int:
        """One restock, or all that are asked; returns how many came to their end."""
        asked = [restock] if restock else [one for (one,) in db.execute("SELECT id FROM restock WHERE state = 'asked'")]
        done = 0
        for one in asked:
            self._as("worker")
            try:
                done += carry_out_restock(restock_id=one, vault=self, now=now)
            finally:
                self._as("shop")
        return done

    def _as(self, role: str) -> None:
        db.disconnect()
        db.connect(getattr(self.vault.config.database.roles, role), size=24)


def merchant_of(shop: Shop, chat: StaffChatter, config: Config, role: Role = Role.CATALOG) -> StaffChatter:
    a_member(shop, shop.merchant, role, email="merchant@demo.test")
    chat.binds(config, "merchant@demo.test")
    return chat


def as_anybody(screen: Screen) -> tuple[str, list[str]]:
    """What a screen shows, without the error id."""
    return screen.text, [option.label for option in screen.options]


def nothing_came(shop: Shop) -> bool:
    tables = ("restock", "upload", "upload_chunk", "batch", "import_job")
    return [shop.count(table) for table in tables] == [0] * len(tables)
