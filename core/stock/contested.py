"""Cards that two parties brought, as the platform sees them: which batch holds copies of which, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.db import execute


class GivenTo(StrEnum):
    """Whose a contested card is."""

    EARLIER = "earlier"  # the copy that came first stays on sale, the later one becomes void
    LATER = "later"  # the later one goes on sale, the first becomes void


@dataclass(frozen=True, slots=True)
class Contest:
    """Cards of one batch that are copies of cards of another; counts are of the copies that came first.

    `earlier` and its owner are None where that import was cancelled since.
    """

    later: UUID
    later_owner: str
    later_name: str
    earlier: UUID | None
    earlier_owner: str | None
    cards: int
    on_sale: int
    held: int
    sold: int
    since: datetime


OPEN = """
SELECT b.id, p.code, b.source_name, fb.id, fp.code, count(*),
       count(*) FILTER (WHERE f.state = 'free'), count(*) FILTER (WHERE f.state = 'held'),
       count(*) FILTER (WHERE f.state IN ('claimed', 'delivered') OR f.opened_at IS NOT NULL), min(e.created_at)
FROM stock_event e
JOIN batch b ON b.no = e.batch_no JOIN party p ON p.id = coalesce(b.supplier_id, b.owner_id)
LEFT JOIN card f ON f.id = (e.detail ->> 'first')::uuid
LEFT JOIN batch fb ON fb.no = f.batch_no LEFT JOIN party fp ON fp.id = coalesce(fb.supplier_id, fb.owner_id)
WHERE e.kind = 'contested' AND e.handled_at IS NULL AND b.state <> 'importing'
GROUP BY b.id, p.code, b.source_name, fb.id, fp.code
ORDER BY min(e.created_at), b.id
"""


def open_contests() -> list[Contest]:
    """What the platform has to decide, oldest first. For the platform only: no party learns of another's copy."""
    return [Contest(*row) for row in execute(OPEN)]
