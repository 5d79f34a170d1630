"""Kinds of parties, roles of their staff, and the one rule of who may see whose things."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from enum import StrEnum

from core.actor import Actor, ActorKind


class PartyKind(StrEnum):
    """What a party is to the installation."""

    PLATFORM = "platform"  # runs the installation; exactly one
    MERCHANT = "merchant"  # sells to shoppers
    SUPPLIER = "supplier"  # brand, agent or distributor upstream of merchants
    PROMOTER = "promoter"  # refers shoppers for a commission


class Role(StrEnum):
    """What a member of staff may do for the party that gave the role."""

    PLATFORM_OWNER = "platform_owner"  # everything of the installation but opening cards
    PLATFORM_OPERATOR = "platform_operator"  # the day's work: lets parties in, locks batches, decides cases; no money
    AUDITOR = "auditor"  # sees all parties, their books and records; changes nothing
    OWNER = "owner"  # everything of the own party
    CATALOG = "catalog"  # a merchant's goods, prices and own stock
    SUPPORT = "support"  # a merchant's orders, shoppers and after-sales
    STOCK = "stock"  # a supplier's batches and offers
    FINANCE = "finance"  # statements, bank details and payouts


class PartyState(StrEnum):
    """Whether a party takes part."""

    APPLIED = "applied"  # asked to be let in; nobody of it does anything yet
    ACTIVE = "active"  # sells, buys, signs in
    SUSPENDED = "suspended"  # sells nothing, asks for no money, nobody of it signs in; what was paid is delivered
    LEFT = "left"  # was not let in, or has gone: its records and its money stay


PARTY_TRANSITIONS: dict[PartyState, frozenset[PartyState]] = {
    # the platform lets it in, or does not
    PartyState.APPLIED: frozenset({PartyState.ACTIVE, PartyState.LEFT}),
    PartyState.ACTIVE: frozenset({PartyState.SUSPENDED}),
    PartyState.SUSPENDED: frozenset({PartyState.ACTIVE, PartyState.LEFT}),
    PartyState.LEFT: frozenset(),
}

ROLES_OF: Mapping[PartyKind, frozenset[Role]] = {
    PartyKind.PLATFORM: frozenset({Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR, Role.AUDITOR}),
    PartyKind.MERCHANT: frozenset({Role.OWNER, Role.CATALOG, Role.FINANCE, Role.SUPPORT}),
    PartyKind.SUPPLIER: frozenset({Role.OWNER, Role.STOCK, Role.FINANCE}),
    PartyKind.PROMOTER: frozenset({Role.OWNER, Role.FINANCE}),
}
"""The roles that a party of each kind gives to its people."""

BRINGS_STOCK: Mapping[PartyKind, Set[Role]] = {
    PartyKind.SUPPLIER: frozenset({Role.OWNER, Role.STOCK}),
    PartyKind.MERCHANT: frozenset({Role.OWNER, Role.CATALOG}),
}
"""Who may add cards to the own party's pool: a supplier on consignment, a merchant as own stock."""

PLATFORM_ROLES = ROLES_OF[PartyKind.PLATFORM]

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""A party's code as it stands in addresses: /s/<code>."""

LONGEST_PASSWORD = 200
"""Longer ones are refused unread: hashing is made to be dear."""


def is_platform(actor: Actor) -> bool:
    """Whether the actor runs the installation: the store itself, its operator, or the platform's owner."""
    return actor.kind is ActorKind.SYSTEM or Role.PLATFORM_OWNER in actor.roles


def may_operate(actor: Actor) -> bool:
    """Whether the actor does the platform's daily work: lets parties in, locks batches, decides cases."""
    return is_platform(actor) or Role.PLATFORM_OPERATOR in actor.roles


def sees_all(actor: Actor) -> bool:
    """Whether the actor looks at every party: the installation, or anybody with a role of the platform."""
    return is_platform(actor) or bool(actor.roles & PLATFORM_ROLES)


def may_see(actor: Actor, party_id: int) -> bool:
    """Whether the actor may look at what a party owns: its own staff, keys and the platform; never a shopper."""
    if sees_all(actor):
        return True
    return actor.kind in (ActorKind.STAFF, ActorKind.API_KEY) and actor.party_id == party_id


def may_change(actor: Actor, party_id: int, role: Role) -> bool:
    """Whether the actor may change a party's things that belong to `role`; its owner may change all of them."""
    if is_platform(actor):
        return True
    own = actor.kind in (ActorKind.STAFF, ActorKind.API_KEY) and actor.party_id == party_id
    return own and bool(actor.roles & {Role.OWNER, role})


def may_see_to_people(actor: Actor, party_id: int) -> bool:
    """Whether the actor makes logins of a party, gives and takes roles: its owner in person, or the platform's."""
    own = actor.kind is ActorKind.STAFF and actor.party_id == party_id and Role.OWNER in actor.roles
    return is_platform(actor) or own


def owner_role(kind: PartyKind) -> Role:
    """The role that somebody of a party always has: without it nobody could see to its people any more."""
    return Role.PLATFORM_OWNER if kind is PartyKind.PLATFORM else Role.OWNER


def may_bring_stock(kind: str, roles: Set[str]) -> bool:
    """Whether somebody with these roles at a party of this kind may add cards to its pool."""
    return kind in set(PartyKind) and bool(BRINGS_STOCK.get(PartyKind(kind), frozenset()) & roles)
