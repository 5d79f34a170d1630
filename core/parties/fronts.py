"""The front of a merchant's shop: its names, how it greets, what it says now, where a person answers, its language."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, execute
from core.errors import Invalid
from core.parties.rules import PartyKind
from core.parties.service import Role, access_party, require_change
from core.titles import LOCALES, Names, checked_names, checked_text, checked_title, worded

LONGEST_GREETING = 200
LONGEST_NOTICE = 300
LONGEST_CONTACT = 120

SAVE = """
INSERT INTO shop_front (merchant_id, greeting, notice, contact, locale, changed_at) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (merchant_id) DO UPDATE
    SET greeting = EXCLUDED.greeting, notice = EXCLUDED.notice, contact = EXCLUDED.contact, locale = EXCLUDED.locale,
        changed_at = EXCLUDED.changed_at
"""
RENAME = "UPDATE party SET names = %s WHERE id = %s"
FIND = "SELECT greeting, notice, contact, locale FROM shop_front WHERE merchant_id = %s"
FINISH = """
INSERT INTO shop_front (merchant_id, changed_at, set_up_at) VALUES (%s, %s, %s)
ON CONFLICT (merchant_id) DO UPDATE SET set_up_at = EXCLUDED.set_up_at
"""


@dataclass(frozen=True, slots=True)
class ShopFront:
    """What a merchant says of its shop; texts by locale, empty where it has none of its own."""

    greeting: Names = field(default_factory=dict)
    notice: Names = field(default_factory=dict)
    contact: str = ""
    locale: str = LOCALES[0]

    def greets(self, locale: str) -> str:
        """How it greets in this language; empty for the store's own words."""
        return worded(self.greeting, locale)

    def notes(self, locale: str) -> str:
        """What shoppers should know now; empty for nothing."""
        return worded(self.notice, locale)


def find_front(*, merchant_id: int) -> ShopFront:
    """The front of a shop, for its doors; one that says nothing of its own where none was saved."""
    rows = execute(FIND, (merchant_id,))
    return ShopFront(*rows[0]) if rows else ShopFront()


def save_front(*, actor: Actor, merchant_id: int, names: Names, front: ShopFront, now: datetime) -> None:
    """Name the shop anew and say what it says; shoppers see it with their next message.

    Raises `NotFound`, `NotAllowed`, `Invalid` (name, greeting, notice, shop_contact, locale).
    """
    require_change(actor, merchant_id, Role.OWNER, what="party")
    if access_party(actor=actor, party_id=merchant_id).kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    if front.locale not in LOCALES:
        raise Invalid(what="locale")
    row = (
        Jsonb(_lines(front.greeting, "greeting", LONGEST_GREETING)),
        Jsonb(_lines(front.notice, "notice", LONGEST_NOTICE)),
        checked_title(front.contact, what="shop_contact", most=LONGEST_CONTACT) if front.contact.strip() else "",
        front.locale,
        now,
    )
    named = checked_names(names, what="name")
    with atomic():
        execute(RENAME, (Jsonb(named), merchant_id))
        execute(SAVE, (merchant_id, *row))
        _note(actor, "shop_front.changed", merchant_id, now)


def finish_setting_up(*, actor: Actor, merchant_id: int, now: datetime) -> None:
    """The owner went through the set-up to its end: the first page asks for it no more. Raises as `save_front`."""
    require_change(actor, merchant_id, Role.OWNER, what="party")
    if access_party(actor=actor, party_id=merchant_id).kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    with atomic():
        execute(FINISH, (merchant_id, now, now))
        _note(actor, "shop_front.set_up", merchant_id, now)


def _lines(texts: Names, what: str, most: int) -> dict[str, str]:
    """Texts of a few lines by locale, those that are empty left out. Raises `Invalid(what=…)`."""
    if not set(texts) <= set(LOCALES):
        raise Invalid(what=what)
    said = {
        locale: checked_text(text.replace("\r\n", "\n").strip(), what=what, most=most) for locale, text in texts.items()
    }
    return {locale: text for locale, text in said.items() if text}


def _note(actor: Actor, action: str, merchant_id: int, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind="party", object_id=merchant_id, party_id=merchant_id, now=now)
