"""Keys with which other systems of a party act: shown once, kept as a hash, each with its scopes and its end."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import secrets
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import atomic, changed, execute
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.parties.rules import PartyKind, Role
from core.parties.service import access_party, require_change
from core.secret import Secret
from core.titles import checked_title


class Scope(StrEnum):
    """What a key may do; each opens one resource of the HTTP API (docs/howto/api-keys.md)."""

    STOCK_READ = "stock:read"  # a supplier's own stock by SKU: GET /api/v1/stock
    BATCHES_READ = "batches:read"  # the party's own batches
    SALES_READ = "sales:read"  # a supplier's sales of its own hop, by day and SKU


SCOPES_OF: Mapping[PartyKind, frozenset[Scope]] = {
    PartyKind.SUPPLIER: frozenset(Scope),
    PartyKind.MERCHANT: frozenset({Scope.BATCHES_READ}),
}

MOST_KEYS = 20
"""Keys of a party that count at a time."""

LONGEST_LIFE = 365
MOST_NETWORKS = 20
FORM = re.compile(r"ks_live_([a-z2-7]{26})_([A-Za-z0-9_-]{43})")
"""`ks_live_<id>_<32 random bytes>`: the id is base32, the secret URL-safe base64 without padding."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7198, hashint8(%s))"
COUNT = "SELECT count(*) FROM api_key WHERE party_id = %s AND revoked_at IS NULL AND expires_at > %s"
STORE = """
INSERT INTO api_key (id, party_id, called, secret_hash, ending, scopes, networks, made_by, made_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s::cidr[], %s, %s, %s)
"""
REVOKE = """
UPDATE api_key SET revoked_at = %s, revoked_by = %s WHERE id = %s AND party_id = %s AND revoked_at IS NULL
"""
FIND = """
SELECT k.secret_hash, k.party_id, p.kind, k.scopes, k.networks::text[], k.used_on FROM api_key k
JOIN party p ON p.id = k.party_id
WHERE k.id = %(id)s AND k.revoked_at IS NULL AND k.expires_at > %(now)s AND p.status = 'active'
"""
USED = "UPDATE api_key SET used_on = %s WHERE id = %s AND used_on IS DISTINCT FROM %s"


class TooManyKeys(Conflict):
    """The party has as many keys as it may: revoke one that is not used."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: `whole` is shown this one time."""

    id: UUID
    whole: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whose key a request carries, and what it may do."""

    id: UUID
    party_id: int
    kind: PartyKind
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """The key as the one who acts for its party; no role comes with it."""
        return Actor(ActorKind.API_KEY, id=self.id, party_id=self.party_id)


def make_key(
    *, actor: Actor, party_id: int, called: str, scopes: Set[str], networks: Sequence[str], days: int, now: datetime
) -> NewKey:
    """Make a key of a party; its owner does, for 1 to 365 days. `networks`: from where it counts (none: anywhere).

    Raises `NotFound`, `NotAllowed`, `Invalid` (name, scope, network, days), `TooManyKeys`.
    """
    person = _owner(actor, party_id)
    kind = access_party(actor=actor, party_id=party_id).kind
    called = checked_title(called, what="name", most=60)
    if not scopes or not scopes <= SCOPES_OF.get(kind, frozenset()):
        raise Invalid(what="scope")
    if not 1 <= days <= LONGEST_LIFE:
        raise Invalid(what="days")
    allowed = sorted({str(_network(one)) for one in networks})
    if len(allowed) > MOST_NETWORKS:
        raise Invalid(what="network")
    key_id, secret = new_id(), secrets.token_urlsafe(32)
    with atomic():
        execute(ONE_AT_A_TIME, (party_id,))
        if execute(COUNT, (party_id, now))[0][0] >= MOST_KEYS:
            raise TooManyKeys(most=MOST_KEYS)
        row = (key_id, party_id, called, _hash(secret), secret[-4:], sorted(scopes), allowed, person, now)
        execute(STORE, (*row, now + timedelta(days=days)))
        _note(actor, "api_key.made", key_id, party_id, now)
    return NewKey(key_id, Secret(f"ks_live_{_letters(key_id)}_{secret}"))


def revoke_key(*, actor: Actor, party_id: int, key_id: UUID, now: datetime) -> None:
    """End a key at once. Raises `NotFound` for a foreign, unknown or revoked one, `NotAllowed`."""
    person = _owner(actor, party_id)
    with atomic():
        if changed(REVOKE, (now, person, key_id, party_id)) != 1:
            raise NotFound("api_key")
        _note(actor, "api_key.revoked", key_id, party_id, now)


def holder_of(*, whole: Secret, address: str, now: datetime) -> KeyHolder:
    """Who holds this key, asking from `address`; notes the day. Raises `NotFound` alike for whatever does not fit."""
    found = FORM.fullmatch(whole.reveal().decode("ascii", "replace"))
    if found is None:
        raise NotFound("api_key")
    key_id = UUID(bytes=base64.b32decode(found[1].upper() + "======"))
    rows = execute(FIND, {"id": key_id, "now": now})
    if not rows:
        raise NotFound("api_key")
    kept, party_id, kind, scopes, networks, used_on = rows[0]
    if not secrets.compare_digest(bytes(kept), _hash(found[2])) or not _is_within(address, networks):
        raise NotFound("api_key")
    if used_on != now.date():
        changed(USED, (now.date(), key_id, now.date()))
    return KeyHolder(key_id, party_id, PartyKind(kind), frozenset(scopes))


def _owner(actor: Actor, party_id: int) -> UUID:
    """A named person, of the party's owners: a key makes no keys."""
    require_change(actor, party_id, Role.OWNER, what="api_key")
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise NotAllowed(what="api_key")
    return actor.id


def _network(said: str) -> Network:
    try:
        return ipaddress.ip_network(said.strip(), strict=False)
    except ValueError:
        raise Invalid(what="network") from None


def _is_within(address: str, networks: Sequence[str]) -> bool:
    if not networks:
        return True
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(asked, ipaddress.IPv6Address) and asked.ipv4_mapped:
        asked = asked.ipv4_mapped
    return any(asked in ipaddress.ip_network(one) for one in networks)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _letters(key_id: UUID) -> str:
    return base64.b32encode(key_id.bytes).decode().rstrip("=").lower()


def _note(actor: Actor, action: str, key_id: UUID, party_id: int, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind="api_key", object_id=key_id, party_id=party_id, now=now)
