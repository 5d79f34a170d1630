"""An entry of the audit in words: who did what to which thing, and where that thing is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import url_for

from admin.asked import ask
from admin.menu import opens
from admin.orders.sayings import GATES, PROBLEMS, SUSPENSE
from admin.panel import signed_in, words
from admin.people.naming import ROLES
from admin.platform.deeds import DEEDS
from admin.platform.things import DETAILS, THINGS
from admin.rows import AuditRow
from bot.texts import mark
from core.ids import Prefix, parse, public
from core.parties.rules import Role

ACTORS = {
    "shopper": mark("a shopper"),
    "staff": mark("staff"),
    "api_key": mark("another system"),
    "system": mark("the store"),
    "operator": mark("the command line"),
}
PREFIXES = {
    "order": Prefix.ORDER,
    "line": Prefix.LINE,
    "batch": Prefix.BATCH,
    "shopper": Prefix.SHOPPER,
    "identity": Prefix.IDENTITY,
    "conversation": Prefix.CONVERSATION,
    "refund": Prefix.REFUND,
    "payout": Prefix.PAYOUT,
    "settlement": Prefix.SETTLEMENT,
}
"""How people number things of these kinds."""

PEOPLE = """
SELECT p.id, p.name, coalesce(s.email, '') AS email FROM panel_person p LEFT JOIN staff s ON s.id = p.id
WHERE p.id = ANY (%(people)s::uuid[])
"""
PARTIES = "SELECT id, names FROM party WHERE id = ANY (%(parties)s::bigint[])"

PAGES: Mapping[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "order": ("order.order", lambda one: {"number": one}),
    "shopper": ("shoppers.shopper", lambda one: {"number": one}),
    "batch": ("batches.details_view", lambda one: {"id": parse(Prefix.BATCH, one)}),
    "payout": ("payouts.one", lambda one: {"payout_id": parse(Prefix.PAYOUT, one)}),
    "listing": ("listings.details_view", lambda one: {"id": int(one)}),
    "party": ("party.show", lambda one: {"number": int(one)}),
    "product": ("product.page", lambda one: {"number": int(one)}),
    "file": ("imports.file", lambda one: {"file_id": UUID(one)}),
    "chat_account": ("channels.one", lambda one: {"kind": "chat", "number": int(one)}),
    "gateway_account": ("channels.one", lambda one: {"kind": "gateway", "number": int(one)}),
}
"""Where a thing is looked at, and how its number stands in that address."""

OF_ONE_PARTY = frozenset({"product", "file", "chat_account", "gateway_account", "payout"})
"""Kinds whose page is for people of the party alone."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a login, as far as this party may know."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Known:
    """Names of everybody that some entries are about."""

    people: Mapping[UUID, Person]
    parties: Mapping[str, str]


def known_of(rows: Sequence[AuditRow]) -> Known:
    """Whom these entries name, in two questions; inside `reading`."""
    people = {row.actor_id for row in rows if row.actor_kind == "staff" and row.actor_id is not None}
    people |= {number for row in rows if row.object_kind == "staff" and (number := _uuid(row.object_id))}
    parties = {int(row.object_id) for row in rows if row.object_kind == "party" and is_number(row.object_id)}
    return Known(
        {one["id"]: Person(one["name"], one["email"]) for one in ask(PEOPLE, people=sorted(people))},
        {str(one["id"]): words().name(one["names"]) for one in ask(PARTIES, parties=sorted(parties))},
    )


def person_of(row: AuditRow, known: Known) -> Person | None:
    """The person who did it, where it was one that this party may know."""
    if row.actor_kind != "staff" or row.actor_id is None:
        return None
    return known.people.get(row.actor_id)


def who(row: AuditRow, known: Known) -> str:
    """The name of a person; another actor by its kind."""
    person = person_of(row, known)
    return person.name if person else in_words(ACTORS, row.actor_kind)


def in_words(sayings: Mapping[str, str], code: str) -> str:
    """A code in the language of the page; itself where it has no words."""
    return words().say(sayings[code]) if code in sayings else code


def did(row: AuditRow) -> str:
    """What was done."""
    return in_words(DEEDS, row.action)


def kind_of_thing(row: AuditRow) -> str:
    """What kind of thing it was done to."""
    return in_words(THINGS, row.object_kind)


def thing(row: AuditRow, known: Known) -> str:
    """The thing by its name, else by the number that people know."""
    if row.object_kind == "party":
        return known.parties.get(row.object_id, row.object_id)
    number = _uuid(row.object_id)
    if row.object_kind == "staff" and number and number in known.people:
        return known.people[number].name
    prefix = PREFIXES.get(row.object_kind)
    return public(prefix, number) if prefix and number else row.object_id


def address_of(row: AuditRow) -> str:
    """Where the thing is looked at; empty where it has no page, or none that this person may open."""
    session = signed_in()
    if row.object_kind == "staff":
        person = _uuid(row.object_id)
        if person is None or row.party_id is None or not opens("people.one", session):
            return ""
        return url_for("people.one", party=row.party_id, person=person)
    if row.object_kind not in PAGES or (row.object_kind in OF_ONE_PARTY and row.party_id != session.party.id):
        return ""
    endpoint, named = PAGES[row.object_kind]
    number, prefix = _uuid(row.object_id), PREFIXES.get(row.object_kind)
    said = public(prefix, number) if prefix and number else row.object_id
    is_numbered = "_" in said if prefix else number is not None or is_number(said)
    return url_for(endpoint, **named(said)) if is_numbered and opens(endpoint, session) else ""


def details_of(row: AuditRow) -> list[tuple[str, str, str]]:
    """What was written down beside it: code, what that is called, and the value as it is read."""
    return [(name, in_words(DETAILS, name), _value(name, value)) for name, value in sorted((row.detail or {}).items())]


def code_of(sayings: Mapping[str, str], said: str) -> str:
    """The code that somebody means who wrote its words, in the language of the page or in English, or the code."""
    wanted = said.casefold()
    return next((code for code, one in sayings.items() if wanted in (one, words().say(one).casefold())), said)


def is_number(said: str) -> bool:
    """Whether it may be the number of a row."""
    return said.isascii() and said.isdecimal() and len(said) < 19


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return words().say(mark("yes") if value else mark("no"))
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if name == "role":
        return words().say(ROLES[Role(value)][0])
    if name in {"reason", "reasons"}:
        return ", ".join(in_words(GATES | PROBLEMS | SUSPENSE, one) for one in str(value).split(", "))
    return "" if value is None else str(value)


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None
