"""Who does something: an argument of every use case, never read from the surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What kind of someone acts."""

    SHOPPER = "shopper"  # a merchant's customer in a chat or an app
    STAFF = "staff"  # a person of a party, in the panel or in a chat
    API_KEY = "api_key"  # another system of a party
    SYSTEM = "system"  # the store itself: sweeps, gateways' notices
    OPERATOR = "operator"  # a person at the command line of this installation


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` names the shopper, staff member or key; `party_id` the party acted for (a shopper's merchant)."""

    kind: ActorKind
    id: UUID | None = None
    party_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)


SYSTEM = Actor(ActorKind.SYSTEM)
OPERATOR = Actor(ActorKind.OPERATOR, roles=frozenset({"platform_owner"}))
