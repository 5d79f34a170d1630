"""The audit as a list that is filtered by whoever did something, what, to what, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from admin.panel import signed_in, words
from admin.platform.deeds import DEEDS
from admin.platform.said import ACTORS, code_of
from admin.platform.things import THINGS
from admin.reading import panel_db
from admin.rows import AuditRow
from core.errors import NotFound
from core.ids import Prefix, parse
from core.parties.rules import PLATFORM_ROLES
from core.parties.staff_sessions import StaffSession

NAME = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?")
NAMED = frozenset({"staff", "api_key"})
PEOPLE = "SELECT id FROM staff WHERE email = %s"
FIRST_FROM = """
WITH RECURSIVE half (low, high) AS (
    SELECT 0::bigint, (SELECT coalesce(max(id), 0) + 1 FROM audit_entry)
    UNION ALL
    SELECT CASE WHEN t.at < %(from)s THEN t.mid ELSE h.low END, CASE WHEN t.at < %(from)s THEN h.high ELSE t.mid END
    FROM half h CROSS JOIN LATERAL (
        SELECT (h.low + h.high) / 2 AS mid, coalesce((SELECT a.at FROM audit_entry a
            WHERE a.id >= (h.low + h.high) / 2 AND {own} ORDER BY a.id LIMIT 1), 'infinity') AS at) t
    WHERE h.high - h.low > 1
)
SELECT min(high) FROM half
"""
"""The first entry of a moment or later: entries are numbered as time goes, so halving finds it without an index.
A party's own entries have one by their number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody filters by, as it was written; empty: by nothing. Days are those of the store's clock."""

    by: str = ""  # a kind of actor in words or by its code, or a login's address
    action: str = ""  # in words or by its code, as is the kind
    kind: str = ""
    object: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """From an address; what is absurdly long or has no signs to show counts as not given."""
        values = {name: given.get(name, "").replace("\0", "").strip()[:320] for name in cls.__slots__}
        return cls(**values)

    @property
    def is_any(self) -> bool:
        """Whether anything is filtered."""
        return any(getattr(self, name) for name in self.__slots__)

    @property
    def words(self) -> dict[str, str]:
        """As it stands in an address: what somebody filters by; no day that is none, no sign that cannot be seen."""
        given = {name: getattr(self, name) for name in self.__slots__}
        days = {"since", "until"}
        return {
            name: said
            for name, said in given.items()
            if said and said.isprintable() and (name not in days or begin_of(said) is not None)
        }


def filtered(query: Any, asked: Asked) -> Any:
    """The entries that somebody asked for, inside `reading`; what cannot be (no day, an unknown address) finds none."""
    if asked.by:
        query = _by(query, asked.by)
    if asked.action:
        action = code_of(DEEDS, asked.action)
        query = query.where(AuditRow.action == action) if NAME.fullmatch(action) else query.where(False)
    if asked.kind:
        query = query.where(AuditRow.object_kind == code_of(THINGS, asked.kind))
    if asked.object:
        query = query.where(AuditRow.object_id.in_(stored(asked.object)))
        if not asked.kind:
            query = query.where(AuditRow.object_kind.in_(KINDS_OF_OBJECTS))
    return _between(query, asked)


KINDS_OF_OBJECTS = (
    "order", "party", "listing", "batch", "staff", "session", "shopper", "product", "sku", "offer", "trade_account",
    "gateway_account", "chat_account", "payout", "refund", "payment", "plan", "card", "identity", "issuer", "audit",
    "delivery", "line", "settlement", "supplier_account", "supplier_request", "api_key", "kept_filter",
)  # fmt: skip
"""An id alone is looked for among things of these kinds, each a look into the index."""


def first_from(session: StaffSession, moment: datetime) -> int:
    """The number before which no entry that somebody may see is of that moment or later; inside `reading`."""
    own = "true" if session.roles & PLATFORM_ROLES else "a.party_id = %(party)s"
    named = {"from": moment, "party": session.party.id}
    return int(panel_db.execute_sql(FIRST_FROM.format(own=own), named).fetchone()[0])


def _by(query: Any, said: str) -> Any:
    if "@" not in said:
        return query.where(AuditRow.actor_kind == code_of(ACTORS, said))
    found = panel_db.execute_sql(PEOPLE, (said.lower(),)).fetchone()
    if found is None:
        return query.where(False)
    return query.where(AuditRow.actor_id == found[0], AuditRow.actor_kind.in_(sorted(NAMED)))


def _between(query: Any, asked: Asked) -> Any:
    for said, is_end in ((asked.since, False), (asked.until, True)):
        if not said:
            continue
        begin = begin_of(said, days=1 if is_end else 0)
        if begin is None:
            return query.where(False)
        first = first_from(signed_in(), begin)
        query = query.where(AuditRow.id < first) if is_end else query.where(AuditRow.id >= first)
    return query


def stored(said: str) -> list[str]:
    """An id as entries may have it: what people see as ord_… stands there so, or as its UUID."""
    for prefix in Prefix:
        try:
            return [said, str(parse(prefix, said))]
        except NotFound:
            continue
    return [said]


def begin_of(said: str, *, days: int = 0) -> datetime | None:
    """When a day (2026-03-02) of the store's clock began, or so many days later; None for what is none."""
    try:
        day = date.fromisoformat(said) + timedelta(days=days)
        return datetime.combine(day, time(), words().zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
