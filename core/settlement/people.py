"""Who may ask for money, let it go and say where it goes: named people with a login, never a key or an operator."""

from __future__ import annotations

from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute
from core.errors import NotAllowed
from core.parties.rules import Role
from core.parties.service import require_change

FIND = """
SELECT s.id, array_agg(r.role), r.party_id = %(party)s FROM staff s JOIN staff_role r ON r.staff_id = s.id
JOIN party p ON p.id = r.party_id
WHERE s.email = lower(%(email)s) AND s.disabled_at IS NULL
  AND ((r.party_id = %(party)s AND r.role IN ('owner', 'finance'))
       OR (p.kind = 'platform' AND r.role = 'platform_owner'))
GROUP BY s.id, r.party_id ORDER BY 3 DESC LIMIT 1
"""
FINANCE = """
SELECT DISTINCT s.id FROM staff s JOIN staff_role r ON r.staff_id = s.id
WHERE r.party_id = %s AND r.role IN ('owner', 'finance') AND s.disabled_at IS NULL
"""


def find_person(*, email: str, party_id: int) -> Actor:
    """Who has this login, as somebody who sees to a party's money: one of its own people or of the platform's owners.

    Raises `NotAllowed`.
    """
    rows = execute(FIND, {"email": email.strip(), "party": party_id})
    if not rows:
        raise NotAllowed(what="payout")
    staff_id, roles, is_own = rows[0]
    return Actor(ActorKind.STAFF, id=staff_id, party_id=party_id if is_own else None, roles=frozenset(roles))


def require_person(actor: Actor, party_id: int, *, what: str) -> UUID:
    """The person who acts for a party's money. Raises `NotFound(what)` for a foreign one's, else `NotAllowed`."""
    require_change(actor, party_id, Role.FINANCE, what=what)
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise NotAllowed(what=what)
    return actor.id


def only_person(party_id: int) -> UUID | None:
    """Who sees to a party's money where nobody else of it does."""
    people = execute(FINANCE, (party_id,))
    return people[0][0] if len(people) == 1 else None
