"""Asks the questions of the invariants and adds up what they find: the one way of `verify` and of checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from core.db import execute
from core.ledger.parts import BOUNDED, Form, Over, Part, asked
from core.payments.moving import Since, moving

PAGE = 5000
"""Ids that one statement gets."""

NO_END = 2**63 - 1


def count_since(parts: Sequence[Part], since: Since) -> Counter[str]:
    """What the parts find among everything that moves or came after a checkpoint; each invariant has its count."""
    found = Counter({part.invariant: 0 for part in parts})
    found.update(count_books(parts, after=since.transfer_id))
    found.update(count_transfers(parts, after=since.transfer_id, upto=NO_END))
    for over, ids in moving(since).items():
        for page in pages(ids):
            found.update(count_rows(parts, over, page))
    return found


def count_books(parts: Sequence[Part], *, after: int) -> Counter[str]:
    """What is asked once, of balances: those marked by checkpoints up to the transfer `after`, and what came later."""
    return _count(parts, Over.BOOKS, {"after": after}, BOUNDED)


def count_transfers(parts: Sequence[Part], *, after: int, upto: int) -> Counter[str]:
    """What is asked of a range of transfers."""
    return _count(parts, Over.TRANSFERS, {"after": after, "upto": upto}, BOUNDED)


def count_rows(
    parts: Sequence[Part], over: Over, ids: Sequence[UUID], rows: Mapping[str, str] = BOUNDED
) -> Counter[str]:
    """What is asked of some rows by their ids."""
    return _count(parts, over, {"ids": list(ids)}, rows)


def pages(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """The ids, as many at a time as a statement gets."""
    for first in range(0, len(ids), PAGE):
        yield ids[first : first + PAGE]


def _count(parts: Sequence[Part], over: Over, params: Mapping[str, object], rows: Mapping[str, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in parts:
        if part.over is over and part.form is not Form.WHOLE:
            found[part.invariant] += int(execute(asked(part, rows), params)[0][0])
    return found
