"""The low-water mark of each batch: no card that can be sold stands before it, so a claim does not read what was sold.

A free card that has expired never becomes sellable again, so the mark passes it and no figure counts it.
"""

from __future__ import annotations

import time
from datetime import datetime

from core.db import changed, execute
from core.stock.service import usable_on

PATIENCE = 2.0  # seconds to wait for the transactions that were open at the first look
_PAUSE = 0.02

LAST_POS = "SELECT coalesce(pg_sequence_last_value('card_pos'), 0)"

FIRST_LOOK = """
SELECT b.no, coalesce((SELECT min(c.pos) FROM card c WHERE c.batch_no = b.no AND c.state = 'free'
                       AND (c.expires_on IS NULL OR c.expires_on >= %(today)s)), %(last_pos)s),
       pg_snapshot_xmax(pg_current_snapshot())::text
FROM batch b WHERE b.state IN ('selling', 'locked')
"""

ALL_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8"

# The least of both looks.
MOVE = """
INSERT INTO batch_mark (batch_no, low_pos, free_count, updated_at)
SELECT l.no, least(l.pos, f.pos), f.count, %(now)s
FROM unnest(%(batches)s::int[], %(first)s::bigint[]) l(no, pos)
CROSS JOIN LATERAL (
    SELECT min(c.pos) AS pos, count(*)::int AS count FROM card c
    WHERE c.batch_no = l.no AND c.state = 'free' AND (c.expires_on IS NULL OR c.expires_on >= %(today)s)) f
ON CONFLICT (batch_no) DO UPDATE
SET low_pos = EXCLUDED.low_pos, free_count = EXCLUDED.free_count, updated_at = EXCLUDED.updated_at
WHERE (batch_mark.low_pos, batch_mark.free_count) <> (EXCLUDED.low_pos, EXCLUDED.free_count)
"""


def move_marks(*, now: datetime, zone: str) -> int:
    """Move the marks to the least free pos and count the free cards; returns how many batches changed.

    A card that an open transaction is giving back has its new pos already but cannot be seen yet. So the batches are
    looked at twice: the second time when every transaction that was open at the first look has ended. A card given back
    later gets a pos from the sequence, above everything seen at the first look. When those transactions last longer
    than 2 s nothing moves this time.
    """
    last_pos = execute(LAST_POS)[0][0]  # read before the look: where nothing is free, the next pos is above it
    today = usable_on(now=now, zone=zone, minimum_life_days=0)
    looks = execute(FIRST_LOOK, {"last_pos": last_pos, "today": today})
    if not looks or not _wait_for_all_before(looks[0][2]):
        return 0
    seen = {"batches": [row[0] for row in looks], "first": [row[1] for row in looks]}
    return changed(MOVE, seen | {"now": now, "today": today})


def _wait_for_all_before(transaction: str) -> bool:
    end = time.monotonic() + PATIENCE
    while not execute(ALL_ENDED, (transaction,))[0][0]:
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
