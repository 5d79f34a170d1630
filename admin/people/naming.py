"""Roles and kinds of parties as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.texts import mark
from core.parties.rules import ROLES_OF, PartyKind, Role

KINDS: Mapping[PartyKind, str] = {
    PartyKind.PLATFORM: mark("Platform"),
    PartyKind.MERCHANT: mark("Merchant"),
    PartyKind.SUPPLIER: mark("Supplier"),
    PartyKind.PROMOTER: mark("Promoter"),
}
ROLES: Mapping[Role, tuple[str, str]] = {
    Role.PLATFORM_OWNER: (mark("platform owner"), mark("Everything of the installation, people and money with it.")),
    Role.PLATFORM_OPERATOR: (mark("operator"), mark("The day's work: lets parties in, locks batches, decides cases.")),
    Role.AUDITOR: (mark("auditor"), mark("Sees all parties, their books and records; changes nothing.")),
    Role.OWNER: (mark("owner"), mark("Everything of this party: its people, its money, its goods.")),
    Role.CATALOG: (mark("goods"), mark("Goods, prices and own stock.")),
    Role.SUPPORT: (mark("support"), mark("Orders, shoppers and what comes after a sale.")),
    Role.STOCK: (mark("stock"), mark("Batches, uploads and offers.")),
    Role.FINANCE: (mark("finance"), mark("Statements, bank details and payouts.")),
}


def in_order(kind: PartyKind) -> Sequence[Role]:
    """The roles of a kind of party, the greatest first."""
    return [role for role in ROLES if role in ROLES_OF[kind]]


def called(role: str) -> str:
    """A role's name (a message id)."""
    return ROLES[Role(role)][0]
