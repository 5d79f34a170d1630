"""What it would gain to move a phase of the order into one database function: its statements in one call, measured.

The function is made from the recorded statements, as the twin is: nothing in it is written by hand, so what is measured
is the way of asking alone. The decision that came of it is ADR 32.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Json, Jsonb

from core import db
from core.config import Config
from ops.bench.figures import Figure
from ops.bench.measure import OPTIONS, inputs_of, learned
from ops.bench.order_path import path_of
from ops.bench.recording import BEGIN, COMMIT
from ops.bench.twin import Ready, Twin, said
from ops.races.trial import trial

PHASES = ("place", "settle")
ORDERS = 400
PARAMETER = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
TYPES = {bool: "boolean", datetime: "timestamptz", UUID: "uuid", bytes: "bytea", Json: "json", Jsonb: "jsonb"}
ARRAYS = {int: "bigint[]", str: "text[]", UUID: "uuid[]"}


@dataclass(frozen=True)
class Asked:
    """One statement with its parameters in order, as PostgreSQL numbers them."""

    sql: str
    values: list[Any]


def asked(sql: str, params: Any) -> Asked:
    """A statement of psycopg's form (`%s`, `%(name)s`) in PostgreSQL's own (`$1`)."""
    values: list[Any] = []
    positional = iter(params) if isinstance(params, list | tuple) else iter(())

    def number(found: re.Match[str]) -> str:
        if found[3]:
            return "%"
        values.append(params[found[1]] if found[1] else next(positional))
        return f"${len(values)}"

    return Asked(PARAMETER.sub(number, sql) if params else sql.replace("%%", "%"), values)


class Function:
    """The statements of one phase as one function of the database."""

    def __init__(self, name: str, statements: Sequence[Asked], connection: psycopg.Connection[Any]) -> None:
        types: list[str] = []
        bodies = []
        for one in statements:
            bodies.append(_numbered(one.sql, after=len(types)))
            types += _types(one, connection)
        body = ";\n".join(bodies)
        connection.execute(
            f"CREATE FUNCTION {name}({', '.join(types)}) RETURNS void LANGUAGE sql AS $body${body}$body$"
        )
        self.call = f"SELECT {name}({', '.join(f'%s::{kind}' for kind in types)})"


def _numbered(sql: str, *, after: int) -> str:
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + after}", sql)


def _types(one: Asked, connection: psycopg.Connection[Any]) -> list[str]:
    """The types of a statement's parameters: those that the driver names, and what PostgreSQL makes of the others."""
    if not one.values:
        return []
    given = ", ".join(_type(value) for value in one.values)
    connection.execute(f"PREPARE asked ({given}) AS {one.sql}".encode())
    found = connection.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'asked'"
    ).fetchone()
    connection.execute("DEALLOCATE asked")
    return list(found[0]) if found else []


def _type(value: Any) -> str:
    if isinstance(value, list):
        return ARRAYS.get(type(value[0]), "unknown") if value else "unknown"
    return TYPES.get(type(value), "unknown")


def measured(config: Config, say: Callable[[str], None]) -> list[Figure]:
    """How many times faster each phase is as one function, one client, in turns; half a minute."""
    with trial(config, cards=2 * ORDERS, names=("vault",)) as store:
        sessions = [buyer.session for buyer in store.buyers(4)]
        owner = store.config.database.url
        db.connect(owner, size=4)
        path = path_of(store)
        recording, twin = learned(path, sessions)
        phases = [step.phase for step in recording.steps]
        with psycopg.connect(owner, autocommit=True, options=OPTIONS) as connection:
            taken = Turns(twin, phases, connection).run(inputs_of(sessions[0]), store.clock.now())
    say(f"{ORDERS} orders, every second one by functions")
    return [
        Figure("functions", f"{phase} by statements to {phase} as one function", ratio, "×")
        for phase, ratio in taken.items()
    ]


class Turns:
    """Says orders of the twin; in every second one the two phases are one call each."""

    def __init__(self, twin: Twin, phases: Sequence[str], connection: psycopg.Connection[Any]) -> None:
        self._twin, self._phases, self._connection = twin, phases, connection
        self._functions: dict[str, Function] = {}
        self._seconds: dict[tuple[str, bool], list[float]] = {}

    def run(self, inputs: list[Any], now: datetime) -> dict[str, float]:
        """The ratio of the medians by phase."""
        for number in range(ORDERS):
            ready = self._twin.prepare(inputs, now + timedelta(microseconds=number))
            for phase in ("place", "intent", "settle"):
                self._say(ready, phase, by_function=number % 2 == 1 and phase in PHASES)
        half = ORDERS // 4  # the first ones plan and warm up
        return {
            phase: median(self._seconds[phase, False][half:]) / median(self._seconds[phase, True][half:])
            for phase in PHASES
        }

    def _say(self, ready: Ready, phase: str, *, by_function: bool) -> None:
        statements = [ready.statements[n] for n, of in enumerate(self._phases) if of == phase]
        if by_function:
            all_asked = self._tried(ready, statements)
            function = self._functions.get(phase)
            if function is None:
                function = self._functions[phase] = Function(f"bench_{phase}", all_asked, self._connection)
            values = [value for one in all_asked for value in one.values]
            began = time.perf_counter()
            self._connection.execute(function.call.encode(), values)
        else:
            began = time.perf_counter()
            for sql, params, late in statements:
                ready.env.answers.append(said(self._connection, sql, params.make(ready.env) if late else params))
        self._seconds.setdefault((phase, by_function), []).append(time.perf_counter() - began)

    def _tried(self, ready: Ready, statements: Sequence[tuple[str, Any, bool]]) -> list[Asked]:
        """Every statement with its values, found by saying them in a transaction that is given up; not timed."""
        found = []
        with self._connection.transaction(force_rollback=True):
            for sql, params, late in statements:
                if sql in (BEGIN, COMMIT):
                    ready.env.answers.append([])
                    continue
                values = params.make(ready.env) if late else params
                ready.env.answers.append(said(self._connection, sql, values))
                found.append(asked(sql, values))
        return found
