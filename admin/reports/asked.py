"""What a report was asked: days, currency, whose sales, further filters; and its questions to the roll-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask import request, url_for

from admin.kept import Kept, Shelf
from admin.panel import panel, request_time, signed_in, words
from admin.reading import panel_db
from admin.reports.kept import kept_of, shelf_of
from admin.reports.ranges import Range, chosen
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, PartyKind

WHERE = """
day >= %(first)s AND day <= %(last)s AND (%(all)s OR {party} = %(party)s)
AND (%(merchant)s::bigint IS NULL OR {party} = %(merchant)s)
"""
CURRENCIES = "SELECT currency FROM {table} WHERE {where} GROUP BY 1 ORDER BY count(*) DESC, 1"
MERCHANTS = """
SELECT id, names FROM party WHERE id IN (SELECT DISTINCT merchant_id FROM report_order
    WHERE day >= %(first)s AND day <= %(last)s) ORDER BY code LIMIT 500
"""
FRESH = "SELECT read_at FROM report_mark"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a report; `currencies` are those of its days: money of one is never added to another's."""

    range: Range
    currency: str
    currencies: Sequence[str]
    merchants: Sequence[tuple[int, str]]
    fresh_at: datetime | None
    params: Mapping[str, Any]
    filters: Mapping[str, str] = field(default_factory=dict)
    kept: Sequence[Kept] = ()

    def rows(self, statement: str, days: Range | None = None) -> list[tuple[Any, ...]]:
        """What a statement finds in these days (others where given), in this currency."""
        return ask(statement, {**self.params, **_days(days or self.range), "currency": self.currency})

    def money(self, minor: int) -> str:
        """An amount of this currency in words."""
        return words().money(Money(int(minor), self.currency))

    def link(self, endpoint: str, **changed: object) -> str:
        """The same question at another page, or a changed one."""
        given: dict[str, Any] = {**self.range.words, "currency": self.currency, **self.filters, **changed}
        return url_for(endpoint, **{name: value for name, value in given.items() if value not in ("", None)})

    @property
    def here(self) -> str:
        return request.endpoint or ""

    @property
    def shelf(self) -> Shelf | None:
        """The filters of this report that somebody keeps; None where none are."""
        return shelf_of(self.here, self.kept, request.args)


def ask(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """One fixed statement as the panel's login."""
    return list(panel_db.execute_sql(statement, params).fetchall())


def today() -> date:
    """The day that it is for the store."""
    return request_time().astimezone(words().zone).date()


def asked(*, table: str = "report_order", party: str = "merchant_id") -> Asked:
    """What the request asks for, inside a read transaction. Junk in an address asks for nothing."""
    session, days = signed_in(), chosen(request.args, today())
    sees_all = bool(session.roles & PLATFORM_ROLES)
    merchant = number(request.args.get("merchant", "")) if sees_all else None
    params = {"all": sees_all, "party": session.party.id, "merchant": merchant, **_days(days)}
    found = ask(CURRENCIES.format(table=table, where=WHERE.format(party=party)), params)
    currencies = [row[0] for row in found]
    wanted = request.args.get("currency", "")
    names = ask(MERCHANTS, params) if sees_all and session.party.kind is PartyKind.PLATFORM else []
    fresh = ask(FRESH, {})
    return Asked(
        days,
        wanted if wanted in currencies else [*currencies, panel().connecting.currency][0],
        currencies,
        [(row[0], words().name(row[1])) for row in names],
        fresh[0][0] if fresh else None,
        params,
        {"merchant": str(merchant)} if merchant is not None else {},
        kept_of(request.endpoint or ""),
    )


def number(said: str) -> int | None:
    """A number of an address; None for anything else."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None


def _days(days: Range) -> dict[str, date]:
    return {"first": days.first, "last": days.last}
