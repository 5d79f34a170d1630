"""Every route says for whom it is; one that does not stops the panel at its start (INV-D2)."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask

from core.parties.rules import PartyKind, Role
from core.parties.staff_sessions import StaffSession

View = TypeVar("View", bound=Callable[..., Any])
MARK = "_panel_declared"
LARGEST_FORM = 64 * 1024


@dataclass(frozen=True, slots=True)
class Declared:
    """For whom a page is. `roles` empty: for everybody who is signed in; `kinds` empty: for people of any party."""

    is_open: bool = False  # before anybody signed in
    before_second: bool = False  # also while the second factor is still missing
    while_waiting: bool = False  # also for somebody whose party was not let in yet
    before_password: bool = False  # also while somebody else's password is still in use
    steps_up: bool = False  # only within five minutes of a second factor
    reveals: bool = False  # it shows what is kept sealed: a role that may not is told so, and written down
    roles: frozenset[Role] = frozenset()
    kinds: frozenset[PartyKind] = frozenset()
    largest: int = LARGEST_FORM  # bytes of a request to it
    takes_files: bool = False  # of cards, each sealed while it arrives (admin.arriving)

    def admits(self, session: StaffSession) -> bool:
        """Whether the roles of somebody signed in, at the party that they act for, open this page."""
        return self.admits_roles(session.party.kind, session.roles)

    def is_reveal_for(self, session: StaffSession) -> bool:
        """Whether colleagues of somebody signed in see something sealed here."""
        return self.reveals and session.party.kind in self.kinds

    def admits_roles(self, kind: PartyKind, roles: Set[str]) -> bool:
        """Whether these roles at a party of this kind open this page."""
        fits = not self.kinds or kind in self.kinds
        return fits and (not self.roles or bool(self.roles & roles))


class Undeclared(Exception):
    """A route of the panel does not say for whom it is, or is not there at all."""


def open_to_anyone(view: View) -> View:
    """A page before signing in."""
    return _declared(view, Declared(is_open=True))


def for_signed_in(
    view: View,
    *,
    before_second: bool = False,
    before_password: bool = False,
    while_waiting: bool = False,
    steps_up: bool = False,
) -> View:
    """A page for everybody who is signed in."""
    declared = Declared(
        before_second=before_second, before_password=before_password, while_waiting=while_waiting, steps_up=steps_up
    )
    return _declared(view, declared)


def for_roles(
    *roles: Role,
    kinds: frozenset[PartyKind] = frozenset(),
    steps_up: bool = False,
    reveals: bool = False,
    largest: int = LARGEST_FORM,
    takes_files: bool = False,
) -> Callable[[View], View]:
    """A page for these roles at parties of these kinds; others get the answer of a page that is not there.

    `largest` is how many bytes a request to it may have, `takes_files`: its files are cards, sealed while they arrive.
    A page that `reveals` answers another role of the same kind of party with 403 and an entry in the audit.
    """
    declared = Declared(
        roles=frozenset(roles),
        kinds=kinds,
        steps_up=steps_up,
        reveals=reveals,
        largest=largest,
        takes_files=takes_files,
    )
    return lambda view: _declared(view, declared)


def declared_for(app: Flask, endpoint: str | None) -> Declared | None:
    """What the page of this request declared; None where there is no such page."""
    view = app.view_functions.get(endpoint or "")
    return getattr(view, MARK, None)


def check_all_declared(app: Flask) -> None:
    """Raises `Undeclared` for the first route that does not say for whom it is."""
    for rule in app.url_map.iter_rules():
        if declared_for(app, rule.endpoint) is None:
            raise Undeclared(f"{rule.rule} ({rule.endpoint}) does not say for whom it is")


def _declared(view: View, declared: Declared) -> View:
    setattr(view, MARK, declared)
    return view
