"""Shoppers of a merchant and their identities on each channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import peewee

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import atomic, changed, constraint, execute
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.parties.service import may_see
from core.titles import LOCALES

CREATE = """
WITH new_shopper AS (
    INSERT INTO shopper (id, merchant_id, locale, created_at) VALUES (%s, %s, %s, %s)
    RETURNING id, merchant_id, created_at
)
INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at)
SELECT %s, id, merchant_id, %s, %s, created_at FROM new_shopper
"""
BY_ID = "SELECT id, merchant_id, locale, paid_orders FROM shopper WHERE id = %s"
ADD_IDENTITY = """
INSERT INTO identity (id, shopper_id, merchant_id, channel, external_id, created_at) VALUES (%s, %s, %s, %s, %s, %s)
"""
SET_LOCALE = "UPDATE shopper SET locale = %s WHERE id = %s"


class Channel(StrEnum):
    """Where an identity lives."""

    WEB = "web"  # a guest session of the web chat
    TELEGRAM = "telegram"
    WECHAT = "wechat"
    APP = "app"  # a signed-in user of a merchant's app

    @property
    def is_one_person(self) -> bool:
        """Whether the platform knows a person by one number, whichever account of the merchant it speaks to."""
        return self is Channel.TELEGRAM


class IdentityTaken(Conflict):
    """This account of the channel is a shopper of the merchant already."""


@dataclass(frozen=True, slots=True)
class ShopperView:
    """A merchant's customer; without a paid order it is a stranger."""

    id: UUID
    merchant_id: int
    locale: str
    paid_orders: int


def create_shopper_with_identity(
    *, merchant_id: int, channel: Channel, external_id: str, locale: str, now: datetime
) -> tuple[UUID, UUID]:
    """Make a shopper known by one identity; returns (shopper id, identity id). One statement.

    Raises `IdentityTaken`, `Invalid` for a locale we do not speak.
    """
    if locale not in LOCALES:
        raise Invalid(what="locale")
    shopper_id, identity_id = new_id(), new_id()
    _insert_identity(CREATE, (shopper_id, merchant_id, locale, now, identity_id, channel.value, external_id))
    return shopper_id, identity_id


def add_identity(*, shopper_id: UUID, merchant_id: int, channel: Channel, external_id: str, now: datetime) -> UUID:
    """Another identity of a known shopper; returns its id. Raises `IdentityTaken`."""
    identity_id = new_id()
    _insert_identity(ADD_IDENTITY, (identity_id, shopper_id, merchant_id, channel.value, external_id, now))
    return identity_id


def _insert_identity(statement: str, row: tuple[Any, ...]) -> None:
    try:
        with atomic():
            execute(statement, row)
    except peewee.IntegrityError as error:
        if constraint(error) == "identity_merchant_id_channel_external_id_key":
            raise IdentityTaken() from None
        raise


def access_shopper(*, actor: Actor, shopper_id: UUID) -> ShopperView:
    """A shopper that is the actor or a customer of the actor's merchant. Raises `NotFound` for all others alike."""
    rows = execute(BY_ID, (shopper_id,))
    if rows:
        shopper = ShopperView(*rows[0])
        itself = (ActorKind.SHOPPER, shopper.id, shopper.merchant_id)
        if (actor.kind, actor.id, actor.party_id) == itself or may_see(actor, shopper.merchant_id):
            return shopper
    raise NotFound("shopper")


def set_locale(*, actor: Actor, locale: str, now: datetime) -> None:
    """Change the language in which the acting shopper is spoken to. Raises `NotFound`, `Invalid`."""
    if locale not in LOCALES:
        raise Invalid(what="locale")
    if actor.kind is not ActorKind.SHOPPER or actor.id is None:
        raise NotFound("shopper")
    with atomic():
        shopper = access_shopper(actor=actor, shopper_id=actor.id)
        if shopper.locale != locale:
            changed(SET_LOCALE, (locale, shopper.id))
            audit.append(
                actor=actor,
                action="shopper.locale_changed",
                object_kind="shopper",
                object_id=shopper.id,
                detail={"locale": locale},
                now=now,
            )
