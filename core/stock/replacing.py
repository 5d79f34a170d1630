"""Cards that were claimed and must not be handed over any more: their batch was recalled, or they ended meanwhile.

Nobody has seen them, so others take their place: of the same pool on the same terms, so that everybody's share stays as
it was frozen.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID

from core.db import atomic, changed, execute
from core.errors import Conflict
from core.stock import sql

UNFIT = "b.no = c.batch_no AND c.state = 'claimed' AND (b.state = 'recalled' OR c.expires_on < %(today)s)"
"""A claimed card that is not to be handed over."""

SET_FREE = f"""
UPDATE card SET state = 'free', line_id = NULL, pos = nextval('card_pos')
WHERE id IN (SELECT c.id FROM card c JOIN batch b ON {UNFIT} WHERE c.line_id = %(line)s AND c.opened_at IS NULL)
RETURNING (SELECT jsonb_build_array(b.owner_id, b.sku_id, b.terms, b.unit_cost_micro) FROM batch b
           WHERE b.no = card.batch_no)
"""  # noqa: S608 - its parts are constants of this file
"""Back to the tail of their queue, which sells no recalled and no ended card."""

ALIKE = """
SELECT f.no, f.low_pos, pg_advisory_xact_lock_shared(7101, f.no)
FROM (
    SELECT b.no, coalesce(m.low_pos, 0) AS low_pos, b.expires_on
    FROM batch b LEFT JOIN batch_mark m ON m.batch_no = b.no
    WHERE b.owner_id = %(owner)s AND b.sku_id = %(sku)s AND b.state = 'selling'
      AND b.terms = %(terms)s AND b.unit_cost_micro = %(cost)s
      AND EXISTS (SELECT 1 FROM card c WHERE c.batch_no = b.no AND c.state = 'free' AND c.pos >= coalesce(m.low_pos, 0)
                  AND (c.expires_on IS NULL OR c.expires_on >= %(usable_on)s))
    ORDER BY b.expires_on NULLS LAST, b.no LIMIT 20
) f ORDER BY f.expires_on NULLS LAST, f.no
"""
"""Batches of the same pool, SKU, terms and cost that sell now, each locked in share mode as for a hold."""

CLAIM = "UPDATE card SET state = 'claimed' WHERE line_id = %(line)s AND state = 'held'"


class NothingAlike(Conflict):
    """Too few cards on the same terms are left; nothing was changed."""


def replace_unfit(*, line_id: UUID, today: date, usable_on: date) -> int:
    """Replace the claimed cards of a line that are not to be handed over, all or none; returns how many.

    `today` is the day in the store's zone, `usable_on` the day until which the new ones must at least be valid. Inside
    the caller's transaction, with the line's delivery taken. Raises `NothingAlike`.
    """
    with atomic():
        freed = execute(SET_FREE, {"line": line_id, "today": today})
        for (owner, sku, terms, cost), count in Counter(tuple(alike) for (alike,) in freed).items():
            wanted = {"owner": owner, "sku": sku, "terms": terms, "cost": cost, "usable_on": usable_on}
            _take(wanted | {"line": line_id}, count)
        return len(freed)


def _take(wanted: dict[str, Any], count: int) -> None:
    batches = execute(ALIKE, wanted)
    which = {"batches": [no for no, _, _ in batches], "low": [low for _, low, _ in batches], "quantity": count}
    if len(execute(sql.HOLD_CARDS_WAITING, wanted | which)) != count:
        raise NothingAlike
    if changed(CLAIM, wanted) != count:
        raise RuntimeError("a line's held and claimed cards disagree")  # rolls back; its delivery is tried again
