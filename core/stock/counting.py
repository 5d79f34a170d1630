"""How many cards the batches have that no checkpoint of the books has counted: by their ids, which tell their time."""

from __future__ import annotations

UNCOUNTED = """
SELECT b.no, b.created_at, b.card_count FROM batch b
WHERE b.state IN ('selling', 'locked', 'recalled')
  AND NOT EXISTS (SELECT 1 FROM checkpoint_batch k WHERE k.batch_no = b.no)
"""
"""Finished batches that no checkpoint has counted."""

YOUNG_CARDS = f"""
SELECT batch_no, count(*)::int AS cards FROM card
WHERE id >= coalesce((
    SELECT lpad(to_hex((extract(epoch FROM min(u.created_at) - interval '1 hour') * 1000)::bigint), 12, '0')
           || repeat('0', 20) FROM ({UNCOUNTED}) AS u), repeat('f', 32))::uuid
GROUP BY batch_no
"""  # noqa: S608 - constants of this module only
"""Cards per batch among those that were minted since the first uncounted batch began (its own at least)."""

COUNT_BATCHES = f"""
INSERT INTO checkpoint_batch (batch_no, number, cards)
SELECT u.no, %(number)s, c.cards FROM ({UNCOUNTED}) AS u JOIN ({YOUNG_CARDS}) AS c ON c.batch_no = u.no
WHERE c.cards = u.card_count
"""  # noqa: S608 - constants of this module only
"""Keep the counts that are right; of a batch that is not as it should be `verify` goes on to count."""
