"""Filters of the panel's lists that a person keeps under a name: one's own, at one party, opened by a press."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import atomic, execute
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.titles import checked_title

REPORT = frozenset({"range", "since", "until", "currency", "merchant"})
KEYS: Mapping[str, frozenset[str]] = {
    "orders": frozenset({"state", "from", "to", "needs"}),
    "shoppers": frozenset({"blocked"}),
    "audit": frozenset({"by", "action", "kind", "object", "since", "until"}),
    "sales": REPORT,
    "goods": REPORT | {"by", "channel", "terms", "supplier"},
    "profit": REPORT,
    "channels": REPORT,
    "suppliers": REPORT,
    "earned": REPORT,
}
"""The lists that have filters, and what may stand in the address of each; never a page, never another address."""

MOST = 20
"""Filters of a person at a party: more are no shelf any more."""

LONGEST_NAME = 40
LONGEST_CUT = 300
"""Bytes of a filter as it stands in an address."""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7199, hashtext(%s))"
HELD = "SELECT listed, name FROM kept_filter WHERE staff_id = %s AND party_id = %s"
KEEP = """
INSERT INTO kept_filter (id, staff_id, party_id, listed, name, cut, kept_at) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
FORGET = "DELETE FROM kept_filter WHERE id = %s AND staff_id = %s AND party_id = %s RETURNING listed"


class TooManyFilters(Conflict):
    """The person keeps as many filters as fit: forget one first."""


class FilterThere(Conflict):
    """The person keeps a filter of this list by this name already."""


def keep_filter(*, actor: Actor, listed: str, name: str, cut: Mapping[str, str], now: datetime) -> UUID:
    """Keep what somebody cut a list to, under a name of 1 to 40 signs. Returns its id.

    Raises `NotAllowed` for whoever is no person of a party, `Invalid` (filter_name; filter: nothing to keep, or what
    the list has no filter for; filter_size), `FilterThere`, `TooManyFilters`.
    """
    staff_id, party_id = _person(actor)
    name = checked_title(name, what="filter_name", most=LONGEST_NAME)
    if not cut or not all(cut.values()) or not set(cut) <= KEYS.get(listed, frozenset()):
        raise Invalid(what="filter")
    text = address_part(cut)
    if len(text) > LONGEST_CUT:
        raise Invalid(what="filter_size")
    kept = new_id()
    with atomic():
        execute(ONE_AT_A_TIME, (str(staff_id),))
        held = execute(HELD, (staff_id, party_id))
        if (listed, name) in held:
            raise FilterThere(name=name)
        if len(held) >= MOST:
            raise TooManyFilters(most=MOST)
        execute(KEEP, (kept, staff_id, party_id, listed, name, text, now))
        _note(actor, "kept_filter.kept", kept, now)
    return kept


def forget_filter(*, actor: Actor, filter_id: UUID, now: datetime) -> str:
    """Forget one of one's own filters; returns the list that it was of. Raises `NotFound`, also for somebody else's."""
    staff_id, party_id = _person(actor)
    with atomic():
        rows = execute(FORGET, (filter_id, staff_id, party_id))
        if not rows:
            raise NotFound("filter")
        _note(actor, "kept_filter.forgotten", filter_id, now)
    return str(rows[0][0])


def address_part(cut: Mapping[str, str]) -> str:
    """A filter as it stands in an address: the same filter is always the same text."""
    return urlencode(sorted(cut.items()))


def read_part(listed: str, text: str) -> dict[str, str]:
    """A kept filter again, of it only what its list knows: nothing else of a row ever comes into an address."""
    return {name: value for name, value in parse_qsl(text) if name in KEYS.get(listed, frozenset())}


def _person(actor: Actor) -> tuple[UUID, int]:
    if actor.kind is not ActorKind.STAFF or actor.id is None or actor.party_id is None:
        raise NotAllowed()
    return actor.id, actor.party_id


def _note(actor: Actor, action: str, filter_id: UUID, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind="kept_filter", object_id=filter_id, now=now)
