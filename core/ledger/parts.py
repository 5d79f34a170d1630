"""What an invariant is asked over: everything, or only what can still have changed since the last checkpoint.

Each question is a template in two forms: over whole tables (what the invariant means) and over a part of the rows (what
`verify` asks, in time that does not grow with the store). Names in braces stand for the rows that it is asked over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Over(StrEnum):
    """By which rows a question goes; each of the others is asked again for every page of ids."""

    BOOKS = "books"  # accounts with their balances, and small tables: asked once
    TRANSFERS = "transfers"  # a range of transfers, {tail}
    ORDERS = "orders"  # {orders} and {lines} of some orders, {cards} of those lines
    EVENTS = "events"  # {events}: some of what gateways said
    PAYMENTS = "payments"  # {payments}
    CARDS = "cards"  # {cards}: of some orders, or a page of all


class Form(StrEnum):
    """In which form a part is asked."""

    BOTH = "both"
    WHOLE = "whole"  # over whole tables only: sums that would have to read everything
    BOUNDED = "bounded"  # beside that sum: what shows, row by row, that it has not changed


@dataclass(frozen=True, slots=True)
class Part:
    """One question of an invariant: a statement that returns the number of violations."""

    invariant: str
    over: Over
    text: str
    form: Form = Form.BOTH


_MOVED = "SELECT debit_id AS id, -amount AS change FROM {0} UNION ALL SELECT credit_id, amount FROM {0}"
_SUMMED = "(SELECT id, sum(change)::bigint AS balance FROM ({}) AS moved GROUP BY id)"
_MARKED = """
SELECT account_id AS id, balance AS change
FROM (SELECT DISTINCT ON (account_id) account_id, balance
      FROM checkpoint_balance ORDER BY account_id, number DESC) AS marks
"""
_LATER = "(SELECT * FROM transfer WHERE id > %(after)s) AS later"

WHOLE: Mapping[str, str] = {
    "balances": _SUMMED.format(_MOVED.format("transfer")),
    "tail": "transfer",
    "orders": "shop_order",
    "lines": "order_line",
    "events": "payment_event",
    "payments": "payment",
    "cards": "card",
}
"""Everything there is."""

BOUNDED: Mapping[str, str] = {
    "balances": _SUMMED.format(f"{_MARKED} UNION ALL {_MOVED.format(_LATER)}"),
    "tail": "(SELECT * FROM transfer WHERE id > %(after)s AND id <= %(upto)s)",
    "orders": "(SELECT * FROM shop_order WHERE id = ANY (%(ids)s::uuid[]))",
    "lines": "(SELECT * FROM order_line WHERE order_id = ANY (%(ids)s::uuid[]))",
    "events": "(SELECT * FROM payment_event WHERE id = ANY (%(ids)s::uuid[]))",
    "payments": "(SELECT * FROM payment WHERE id = ANY (%(ids)s::uuid[]))",
    "cards": """(SELECT c.* FROM card c JOIN order_line x ON x.id = c.line_id
                 WHERE x.order_id = ANY (%(ids)s::uuid[]))""",
}
"""A range of transfers, the balances from the last marks on, and what belongs to some ids."""

PAGED: Mapping[str, str] = {**BOUNDED, "cards": "(SELECT * FROM card WHERE id = ANY (%(ids)s::uuid[]))"}
"""As BOUNDED, but cards by their own ids: those that belong to no order as well."""


def asked(part: Part, rows: Mapping[str, str]) -> str:
    """The statement of a part over `rows` (`WHOLE`, `BOUNDED` or `PAGED`)."""
    return part.text.format_map(rows)


def whole(parts: Iterable[Part]) -> dict[str, str]:
    """One statement over whole tables per invariant: the sum of its parts."""
    texts: dict[str, list[str]] = {}
    for part in parts:
        if part.form is not Form.BOUNDED:
            texts.setdefault(part.invariant, []).append(f"({asked(part, WHOLE)})")
    return {invariant: "SELECT " + " + ".join(questions) for invariant, questions in texts.items()}


def guarded(invariant: str, *, constraints: Sequence[str] = (), triggers: Sequence[str] = ()) -> Part:
    """What the database itself holds of every row, once it is seen that its constraints and triggers are in force."""
    text = f"""
        SELECT (SELECT count(*) FROM unnest(ARRAY[{_names(constraints)}]::text[]) AS wanted (name) WHERE NOT EXISTS (
                    SELECT 1 FROM pg_constraint c WHERE c.conname = wanted.name AND c.convalidated
                    AND c.connamespace = 'public'::regnamespace
                    AND coalesce(to_jsonb(c) ->> 'conenforced', 'true') = 'true'))
             + (SELECT count(*) FROM unnest(ARRAY[{_names(triggers)}]::text[]) AS wanted (name) WHERE NOT EXISTS (
                    SELECT 1 FROM pg_trigger t WHERE t.tgname = wanted.name AND t.tgenabled IN ('O', 'A')))
    """  # noqa: S608 - constants of the rooms only
    return Part(invariant, Over.BOOKS, text, Form.BOUNDED)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
