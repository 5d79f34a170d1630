"""Who may open what, as a table that people look at: `python -m tests.doors.panel.access --write`, then read the diff.

A route that opens for more roles than before shows as a changed line of access.txt, in review. Without
`--write` the table is printed. Every row: what the route takes, its address, its endpoint, who; `+code` asks for the
second factor anew, `+waiting`, `+password`, `+second` is open also while a party, a password, a second
factor waits; `+reveals` shows what is sealed, so other roles of the same kind of party are told no, and it is written
down.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from flask import Flask
from werkzeug.routing import Rule

from admin.app import make_app
from admin.declared import Declared, declared_for
from core.parties.rules import ROLES_OF, PartyKind, Role
from core.secret import Secret

TABLE = Path(__file__).with_name("access.txt")
SIGNS = {
    "steps_up": "code",
    "reveals": "reveals",
    "while_waiting": "waiting",
    "before_password": "password",
    "before_second": "second",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    methods: tuple[str, ...]
    address: str
    endpoint: str
    who: frozenset[str]  # "merchant:owner"; {"anyone"} before signing in
    signs: frozenset[str]

    def text(self) -> str:
        """As it stands in the file."""
        signs = [f"+{sign}" for sign in sorted(self.signs)]
        return " ".join([",".join(self.methods), self.address, self.endpoint, *_grouped(self.who), *signs])


def _grouped(who: frozenset[str]) -> list[str]:
    """`merchant:owner,catalog`: one word a kind; `everybody` where no role is left out."""
    if who == EVERYBODY:
        return ["everybody"]
    kinds: dict[str, list[str]] = {}
    for one in sorted(who):
        kind, _, role = one.partition(":")
        kinds.setdefault(kind, []).append(role)
    return [f"{kind}:{','.join(roles)}" if roles != [""] else kind for kind, roles in kinds.items()]


PAIRS: tuple[tuple[PartyKind, Role], ...] = tuple((kind, role) for kind in PartyKind for role in sorted(ROLES_OF[kind]))
EVERYBODY = frozenset(f"{kind}:{role}" for kind, role in PAIRS)


def rows_of(app: Flask) -> list[Row]:
    """The table as the routes of an application declare it."""
    return sorted(_rows(app), key=lambda row: (row.address, row.methods))


def _rows(app: Flask) -> Iterator[Row]:
    for rule in app.url_map.iter_rules():
        declared = declared_for(app, rule.endpoint)
        assert declared is not None, rule.endpoint
        yield Row(methods_of(rule), said(rule), rule.endpoint, _who(declared), _signs(declared))


def said(rule: Rule) -> str:
    """A route's address as one word."""
    return rule.rule.replace(" ", "")


def methods_of(rule: Rule) -> tuple[str, ...]:
    """What a route takes, but for HEAD and OPTIONS."""
    return tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def _who(declared: Declared) -> frozenset[str]:
    if declared.is_open:
        return frozenset({"anyone"})
    return frozenset(f"{kind}:{role}" for kind, role in PAIRS if declared.admits_roles(kind, {role}))


def _signs(declared: Declared) -> frozenset[str]:
    return frozenset(sign for name, sign in SIGNS.items() if getattr(declared, name, False))


def read_table() -> list[Row]:
    """The table that was looked at last."""
    return [_read(line) for line in TABLE.read_text(encoding="utf-8").splitlines() if line]


def _read(line: str) -> Row:
    methods, address, endpoint, *said = line.split()
    who: set[str] = set()
    for word in said:
        if word.startswith("+"):
            continue
        kind, _, roles = word.partition(":")
        who |= EVERYBODY if word == "everybody" else {f"{kind}:{role}" if role else kind for role in roles.split(",")}
    signs = frozenset(word[1:] for word in said if word.startswith("+"))
    return Row(tuple(methods.split(",")), address, endpoint, frozenset(who), signs)


def an_app() -> Flask:
    """The panel without anything behind it: its routes are all that is asked of it."""
    values: Any = SimpleNamespace(form_key=Secret(b"k" * 32), is_https=False)
    return make_app(cast("Any", values))


if __name__ == "__main__":
    text = "\n".join(row.text() for row in rows_of(an_app())) + "\n"
    if "--write" in sys.argv[1:]:
        TABLE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
