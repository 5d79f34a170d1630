"""Lists of the panel: Flask-Admin's model views, cut to what a party may see, and to reading."""

from __future__ import annotations

import functools
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

import peewee
from flask import Blueprint
from flask_admin.contrib.peewee import ModelView
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.declared import Declared, for_roles
from admin.drawing import draw
from admin.panel import signed_in
from admin.reading import reading
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role

LAST_PAGE = 200
"""Nobody turns further: who looks for something old searches or filters; a list never walks over a whole table."""

SELLING = frozenset({PartyKind.MERCHANT, PartyKind.PLATFORM})
"""Kinds of parties that see what is sold to shoppers; a supplier sees its own hop only (INV-T3)."""


class Unscoped(Exception):
    """A list does not say for whom it is."""


class ScopedView(ModelView):
    """A list and the page of one row, for `roles`; rows come through row-level security, in one read transaction.

    Whatever else Flask-Admin brings with a model (new, edit, delete, bulk actions, AJAX look-ups, its export) has
    no route here: changes are pages of their own that say their consequence and call a use case.
    """

    roles: ClassVar[frozenset[Role]] = frozenset()
    kinds: ClassVar[frozenset[PartyKind]] = frozenset()  # empty: of any party
    titled: ClassVar[str]
    empty: ClassVar[str]  # what will stand here, said where nothing is there yet
    next_steps: ClassVar[Sequence[tuple[str, str]]] = ()  # and what to do then: endpoints, what they are called
    shows_steps: ClassVar[bool] = False  # also above a list that has rows
    columns: ClassVar[Sequence[tuple[str, str]]]  # attribute or function of this view, what it is called
    read: ClassVar[frozenset[str]] = frozenset({"index_view", "details_view"})

    own: ClassVar[str] = ""
    """The column that names the party whose row it is: said in the list's own words too, since a policy that also lets
    the platform see all keeps PostgreSQL from reading a party's rows by their index."""

    is_searched: ClassVar[bool] = False

    can_create = can_edit = can_delete = False
    can_view_details = True
    simple_list_pager = True
    page_size = 25
    list_template = "list.html.jinja"
    details_template = "row.html.jinja"

    def __init__(self, model: type[peewee.Model], *, endpoint: str, url: str) -> None:
        if not self.roles:
            raise Unscoped(f"{type(self).__name__} does not say for whom it is")
        super().__init__(model, name=self.titled, endpoint=endpoint, url=url)

    def create_blueprint(self, admin: Any) -> Blueprint:
        """Only the routes that are read; each says for whom it is."""
        self._urls = [entry for entry in self._urls if entry[1] in self.read]  # type: ignore[has-type]
        made: Blueprint = super().create_blueprint(admin)
        return made

    def declare(self, views: MutableMapping[str, Callable[..., Any]]) -> None:
        """Say for whom the routes of this list are, once they are there."""
        for _, name, _ in self._urls:
            endpoint = f"{self.endpoint}.{name}"
            views[endpoint] = for_roles(*self.roles, kinds=self.kinds)(_as_function(views[endpoint]))

    def rows(self) -> Any:
        """What the list reads, in its order, before it is cut to a party; a list with columns of its own says which."""
        return super().get_query()

    def get_query(self) -> Any:
        """The rows of the party that somebody acts for; the platform's people see all."""
        session, query = signed_in(), self.rows()
        if self.own and not session.roles & PLATFORM_ROLES:
            query = query.where(getattr(self.model, self.own) == session.party.id)
        return query

    def init_search(self) -> bool:
        """Each list that is searched knows its own way; none looks for a part of a text in a big table."""
        return self.is_searched

    def is_accessible(self) -> bool:
        """The guard has looked before; here once more, so that no list depends on it alone."""
        return Declared(roles=self.roles, kinds=self.kinds).admits(signed_in())

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with reading(signed_in()):
            return fn(self, *args, **kwargs)

    def _get_list_extra_args(self) -> Any:
        asked = super()._get_list_extra_args()
        asked.page = max(0, min(asked.page or 0, LAST_PAGE))
        asked.search = (asked.search or "").replace("\0", "")[:100] or None
        return asked

    def get_one(self, id: Any) -> Any:  # noqa: A002 - the name that Flask-Admin calls it by
        """One row that this party may see; a malformed id is one that is not there. Raises NotFound."""
        key = self.model._meta.primary_key
        try:
            value = UUID(str(id)) if isinstance(key, peewee.UUIDField) else _number(str(id))
        except ValueError:
            raise NotFound() from None
        found = self.get_query().where(key == value).first()
        if found is None:
            raise NotFound()
        return found

    def shown_columns(self) -> Sequence[tuple[str, str]]:
        """Its columns for whoever looks: whose a row is says nothing to somebody who sees the own ones only."""
        sees_all = bool(signed_in().roles & PLATFORM_ROLES)
        return [column for column in self.columns if sees_all or column[0] != "merchant_name"]

    def cell(self, row: Any, name: str) -> Any:
        """What stands in one cell: of this view's own function, else the row's attribute."""
        return getattr(self, name)(row) if hasattr(type(self), name) else getattr(row, name)

    def render(self, template: str, **values: Any) -> Response:
        """The list or the row in the panel's own frame."""
        return draw(template, view=self, **values)


def _as_function(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def view(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return view


def _number(said: str) -> int:
    if not (said.isascii() and said.isdecimal() and len(said) < 19):
        raise ValueError
    return int(said)
