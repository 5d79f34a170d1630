"""Who may ask for money, let it go and say where it goes: named people with a login, never a key or an operator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute
from core.errors import NotAllowed
from core.parties.rules import Role
from core.parties.service import require_change
from core.settlement.rules import ONE_PERSON_DELAY

FIND = """
SELECT s.id, array_agg(r.role), r.party_id = %(party)s FROM staff s JOIN staff_role r ON r.staff_id = s.id
JOIN party p ON p.id = r.party_id
WHERE s.email = lower(%(email)s) AND s.disabled_at IS NULL
  AND ((r.party_id = %(party)s AND r.role IN ('owner', 'finance'))
       OR (p.kind = 'platform' AND r.role = 'platform_owner'))
GROUP BY s.id, r.party_id ORDER BY 3 DESC LIMIT 1
"""
SAYS = "((r.party_id = %(party)s AND r.role IN ('owner', 'finance')) OR r.role = 'platform_owner')"
GIVEN_LATELY = (
    "EXISTS (SELECT 1 FROM role_change c WHERE (c.staff_id, c.party_id, c.role) = (r.staff_id, r.party_id, r.role)"
    " AND c.is_given AND c.at > %(since)s)"
)
FINANCE = f"""
SELECT s.id FROM staff s JOIN staff_role r ON r.staff_id = s.id
WHERE r.party_id = %(party)s AND r.role IN ('owner', 'finance') AND NOT {GIVEN_LATELY}
  AND (s.disabled_at IS NULL OR s.disabled_at > %(since)s)
UNION
SELECT staff_id FROM role_change
WHERE party_id = %(party)s AND role IN ('owner', 'finance') AND NOT is_given AND at > %(since)s
"""  # noqa: S608 - constants
NEWCOMERS = f"""
SELECT s.id FROM staff s WHERE s.id = ANY (%(people)s) AND (s.handed_over_at > %(since)s
  OR EXISTS (SELECT 1 FROM staff_role r WHERE r.staff_id = s.id AND {SAYS} AND {GIVEN_LATELY})
 AND NOT EXISTS (SELECT 1 FROM staff_role r WHERE r.staff_id = s.id AND {SAYS} AND NOT {GIVEN_LATELY}))
"""  # noqa: S608 - constants


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


def newcomers(people: Iterable[UUID], party_id: int, *, now: datetime) -> frozenset[UUID]:
    """Who of these came to the party's money in the last 24 h: by a role, or by a login that was handed over."""
    since = now - ONE_PERSON_DELAY
    rows = execute(NEWCOMERS, {"people": list(people), "party": party_id, "since": since})
    return frozenset(row[0] for row in rows)


def only_person(party_id: int, *, now: datetime) -> UUID | None:
    """Who sees to a party's money where nobody else of it does, or did 24 h ago; who came since is not counted."""
    people = execute(FINANCE, {"party": party_id, "since": now - ONE_PERSON_DELAY})
    return people[0][0] if len(people) == 1 else None
