"""Who redeems cards: brands that all may sell, and a merchant's own name for what it redeems itself.

Cards are told apart within an issuer. A merchant that gave its cards a brand's name it does not have could contest the
cards of others; under its own name it can neither contest them nor learn whether they are there (ADR 43).
"""

from __future__ import annotations

from datetime import datetime

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, execute
from core.errors import Invalid
from core.parties.service import PartyKind, Role, access_party, require_change

OWN = "SELECT id FROM issuer WHERE owner_id = %s"
ADD = """
INSERT INTO issuer (code, names, owner_id) VALUES (%s, %s, %s) ON CONFLICT (owner_id) DO NOTHING RETURNING id
"""


def own_issuer(*, actor: Actor, merchant_id: int, now: datetime) -> int:
    """The merchant as the issuer of its own cards; made when it is first wanted.

    Raises `NotFound`, `NotAllowed`, `Invalid` for a party that sells nothing.
    """
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    party = access_party(actor=actor, party_id=merchant_id)
    if party.kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    with atomic():
        made = execute(ADD, (f"own-{party.id}", Jsonb(party.names), party.id))
        if not made:
            return int(execute(OWN, (merchant_id,))[0][0])
        audit.append(
            actor=actor,
            action="issuer.created",
            object_kind="issuer",
            object_id=made[0][0],
            party_id=merchant_id,
            now=now,
        )
    return int(made[0][0])
