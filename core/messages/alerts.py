"""What a person must see: written down in the transaction that notices it, told by the worker after the commit.

Each kind is told at most once in `QUIET`; what comes meanwhile is told together then, so nothing is lost and nobody is
flooded. Nothing here leaves the store: the words and the addresses are the worker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import atomic, changed, execute, wake
from core.ids import new_id
from core.waking import WORKERS
from core.work import PRIORITY, QUEUE, Work, encode, enqueue, enqueue_missing

QUIET = timedelta(minutes=5)
"""The least time between two messages of one kind."""

LEASE = timedelta(minutes=2)
"""How long a worker may take to tell what it took."""

KEPT = timedelta(days=30)
"""How long an alert stays in the table, told or not."""


class AlertKind(StrEnum):
    """What can go so wrong that somebody must look."""

    FORGED_WORK = "forged_work"  # a row in the queue that no use case wrote: someone holds a database login
    DELIVERY_HELD = "delivery_held"  # a paid line waits for a person: {"problem"}
    LINE_REFUNDED = "line_refunded"  # paid goods could be neither delivered nor replaced: {"problem"}
    VAULT_AWAY = "vault_away"  # deliveries wait because the vault does not answer
    CHANNEL_MISCONFIGURED = "channel_misconfigured"  # a bot, account, mail or SMS login does not work: {"problem"}
    CHANNEL_BLOCKED = "channel_blocked"  # a platform closed or limited an account: {"problem"}
    MESSAGE_REFUSED = "message_refused"  # a platform certainly does not take a message: {"problem"}
    EVENT_LOST = "event_lost"  # an event of a platform could not be written down: {"event", "problem", "error"}
    AUDIT_BROKEN = "audit_broken"  # the audit's chain, or what was written down of it outside: {"problem"}
    CARDS_CONTESTED = "cards_contested"  # two parties brought the same cards: the platform decides: {"cards"}
    SUPPLIER_TROUBLE = "supplier_trouble"  # what was bought did not come, or nobody knows: {"problem", "missing"}
    REFUND_UNKNOWN = "refund_unknown"  # nobody knows for an hour whether money went back: {"hours"}


RAISE = """
INSERT INTO alert AS a (id, kind, subject, detail, first_at, last_at)
SELECT %(id)s, %(kind)s, %(subject)s, %(detail)s, %(now)s, %(now)s
WHERE NOT EXISTS (SELECT 1 FROM alert t WHERE t.kind = %(kind)s AND t.subject = %(subject)s AND t.told_at > %(since)s)
ON CONFLICT (kind, subject) WHERE told_at IS NULL
DO UPDATE SET seen = a.seen + 1, last_at = EXCLUDED.last_at, detail = EXCLUDED.detail
RETURNING a.id
"""

RAISE_IF = """
WITH raised AS (
    INSERT INTO alert (id, kind, subject, detail, first_at, last_at)
    SELECT %(id)s, %(kind)s, %(subject)s, %(detail)s, %(now)s, %(now)s WHERE %(wanted)s
    ON CONFLICT (kind, subject) WHERE told_at IS NULL DO NOTHING RETURNING id
)
INSERT INTO keystall_task (queue, data, priority) SELECT %(queue)s, %(work)s, %(priority)s FROM raised
"""

TAKE = """
UPDATE alert SET taken_until = %(lease)s
WHERE kind = (SELECT kind FROM alert WHERE id = %(id)s) AND told_at IS NULL
  AND (taken_until IS NULL OR taken_until <= %(now)s)
  AND NOT EXISTS (SELECT 1 FROM alert t WHERE t.kind = alert.kind AND t.told_at > %(since)s)
  AND NOT EXISTS (SELECT 1 FROM alert t WHERE t.kind = alert.kind AND t.told_at IS NULL AND t.taken_until > %(now)s)
RETURNING id, kind, subject, detail, seen, first_at, last_at
"""
"""All open alerts of the kind of one of them, for one worker; none while that kind must be quiet or is being told."""

END = "UPDATE alert SET told_at = %s, taken_until = NULL WHERE id = ANY (%s::uuid[]) AND told_at IS NULL"
GIVE_BACK = "UPDATE alert SET taken_until = %s WHERE id = ANY (%s::uuid[]) AND told_at IS NULL"

DUE = """
SELECT DISTINCT ON (a.kind) a.id FROM alert a
WHERE a.told_at IS NULL AND (a.taken_until IS NULL OR a.taken_until <= %(now)s)
  AND NOT EXISTS (SELECT 1 FROM alert t WHERE t.kind = a.kind AND t.told_at > %(since)s)
ORDER BY a.kind, a.first_at
"""

UNTOLD = "SELECT count(*), min(first_at) FROM alert WHERE told_at IS NULL"
FORGET = "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE first_at < %s LIMIT %s)"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at; `seen` counts how often it happened before it was told."""

    id: UUID
    kind: AlertKind
    subject: str
    detail: Mapping[str, str | int]
    seen: int
    first_at: datetime
    last_at: datetime


def raise_alert(
    *,
    kind: AlertKind,
    subject: str,
    now: datetime,
    detail: Mapping[str, str | int] | None = None,
    quiet: timedelta = timedelta(0),
) -> None:
    """Note, in the caller's transaction or its own, that a person must see something; told after the commit.

    `subject` says what it is about (a public id, `telegram:12`); the same again counts on the first until it is told,
    and after that it is left out for `quiet`. `detail` holds ids, codes and figures only.
    """
    alert_id = new_id()
    values = {"id": alert_id, "kind": kind.value, "subject": subject, "detail": Jsonb(dict(detail or {}))}
    with atomic():
        rows = execute(RAISE, values | {"now": now, "since": now - quiet})
        if rows and rows[0][0] == alert_id:
            enqueue(Work.ALERT, alert_id)


def raise_alert_if(
    wanted: bool, *, kind: AlertKind, subject: str, now: datetime, detail: Mapping[str, str | int]
) -> None:
    """`raise_alert` of something that happens once, or the same statement and wake without any end.

    For a cause that whoever waits for the caller must not learn of by how long it takes.
    """
    alert_id = new_id()
    values = {"id": alert_id, "kind": kind.value, "subject": subject, "detail": Jsonb(dict(detail)), "now": now}
    work = {"queue": QUEUE, "work": encode(Work.ALERT, alert_id), "priority": PRIORITY[Work.ALERT]}
    execute(RAISE_IF, {**values, **work, "wanted": wanted})
    wake(WORKERS)


def take_alerts(*, alert_id: UUID, now: datetime) -> list[Alert]:
    """The open alerts of the kind of this one, oldest first; none while its kind must be quiet or another tells it."""
    rows = execute(TAKE, {"id": alert_id, "lease": now + LEASE, "now": now, "since": now - QUIET})
    found = [Alert(number, AlertKind(kind), *rest) for number, kind, *rest in rows]
    return sorted(found, key=lambda alert: (alert.first_at, alert.id))


def end_alerts(*, alerts: list[Alert], now: datetime) -> None:
    """They were told."""
    changed(END, (now, [alert.id for alert in alerts]))


def give_back_alerts(*, alerts: list[Alert], now: datetime, wait: timedelta) -> None:
    """They could not be told: tried again after a while."""
    changed(GIVE_BACK, (now + wait, [alert.id for alert in alerts]))


def alerts_due(*, now: datetime) -> int:
    """For the sweep: ask the worker again for kinds that have something to tell; returns how many."""
    due = [alert_id for (alert_id,) in execute(DUE, {"now": now, "since": now - QUIET})]
    return enqueue_missing(Work.ALERT, due)


def forget_alerts(*, now: datetime, limit: int = 2000) -> int:
    """Remove what is older than `KEPT`; returns how many."""
    return changed(FORGET, (now - KEPT, limit))
