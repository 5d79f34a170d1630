"""The twin: the recorded statements of real orders, said again by bare psycopg with fresh parameters.

Nothing in it is written by hand. Two orders are recorded; where they differ, the difference tells what a value is: an
id of the shopper, an id that the order minted, a value from an earlier answer, a time, or random bytes.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Json, Jsonb

from core.ids import Prefix, new_id, public
from core.waking import Wake, commit_text
from ops.bench.recording import COMMIT, Recording, Step

ID_IN_TEXT = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[a-z]{3}_[a-z2-7]{26}"
)
Path = tuple[int, ...]


@dataclass
class Env:
    """What one replayed order knows: its shopper, the ids it mints, its time, the answers so far."""

    inputs: Mapping[Any, Any]
    now: datetime
    fresh: dict[Any, Any] = field(default_factory=dict)
    answers: list[list[tuple[Any, ...]]] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A parameter or a piece of one; `late` ones need an answer to an earlier statement."""

    make: Callable[[Env], Any]
    late: bool = False


@dataclass(frozen=True)
class Said:
    """One statement of the twin; None for a statement without parameters."""

    sql: str
    params: Part | None


@dataclass
class Ready:
    """An order of the twin whose parameters are there, but for those that wait for an answer."""

    env: Env
    statements: list[tuple[str, Any, bool]]


class Twin:
    """Learns from two recordings of equal orders with other shoppers; `inputs` are what each was given."""

    def __init__(self, one: Recording, other: Recording, inputs: tuple[Sequence[Any], Sequence[Any]]) -> None:
        if [step.sql for step in one.steps] != [step.sql for step in other.steps]:
            raise ValueError("the two recorded orders did not say the same statements")
        self._one, self._other = one, other
        self._inputs = dict(zip(*inputs, strict=True))  # value in the first order -> value in the second
        self._names = {value: number for number, value in enumerate(inputs[0])}
        self._base = next(iter(_times(one.steps)))
        self._other_base = next(iter(_times(other.steps)))
        self.said = [self._learn(number) for number in range(len(one.steps))]

    def prepare(self, inputs: Sequence[Any], now: datetime) -> Ready:
        """An order for another shopper; `inputs` in the order of the recorded ones."""
        env = Env(dict(enumerate(inputs)), now)
        ready = []
        for said in self.said:
            late = said.params is not None and said.params.late
            params = said.params if late or said.params is None else said.params.make(env)
            ready.append((said.sql, params, late))
        return Ready(env, ready)

    @staticmethod
    def say(ready: Ready, connection: psycopg.Connection[Any]) -> None:
        """Say a prepared order."""
        env = ready.env
        for sql, params, late in ready.statements:
            env.answers.append(said(connection, sql, params.make(env) if late else params))

    def _learn(self, number: int) -> Said:
        one, other = self._one.steps[number], self._other.steps[number]
        if not one.params:
            return Said(one.sql, None)
        return Said(one.sql, self._part(one.params, other.params, number))

    def _part(self, one: Any, other: Any, number: int) -> Part:
        if isinstance(one, dict):
            return _joined({key: self._part(value, other[key], number) for key, value in one.items()})
        if isinstance(one, list | tuple) and len(one) == len(other):
            return _joined([self._part(*pair, number) for pair in zip(one, other, strict=True)])
        if isinstance(one, Json | Jsonb):
            inner, kind = self._part(one.obj, other.obj, number), type(one)
            return Part(lambda env: kind(inner.make(env)), inner.late)
        if isinstance(one, UUID):
            return self._id(one, other, number)
        if one == other:
            return Part(lambda env: one)
        if isinstance(one, datetime):
            away = one - self._base
            return Part(lambda env: env.now + away)
        if isinstance(one, bytes):
            return self._bytes(one, other, number)
        if isinstance(one, str):
            return self._text(one, other, number)
        found = self._in_answers(one, other, number)
        return Part(lambda env: one) if found is None else found

    def _id(self, one: UUID, other: UUID, number: int) -> Part:
        if one in self._names:
            name = self._names[one]
            return Part(lambda env: env.inputs[name])
        found = self._in_answers(one, other, number)
        if found is not None:
            return found
        if one == other:
            return Part(lambda env: one)
        return Part(lambda env: env.fresh.setdefault(one, new_id()))

    def _text(self, one: str, other: str, number: int) -> Part:
        if one in self._names:
            name = self._names[one]
            return Part(lambda env: env.inputs[name])
        ids, others = ID_IN_TEXT.findall(one), ID_IN_TEXT.findall(other)
        if not ids or len(ids) != len(others):
            return Part(lambda env: one)
        between = ID_IN_TEXT.split(one)
        parts = [self._id(_uuid(a), _uuid(b), number) for a, b in zip(ids, others, strict=True)]
        forms = [_form_of(text) for text in ids]

        def make(env: Env) -> str:
            made = [form(part.make(env)) for form, part in zip(forms, parts, strict=True)]
            return "".join(piece for pair in zip(between, [*made, ""], strict=True) for piece in pair)

        return Part(make, any(part.late for part in parts))

    def _bytes(self, one: bytes, other: bytes, number: int) -> Part:
        try:
            text = self._text(one.decode(), other.decode(), number)
        except UnicodeDecodeError:
            return Part(lambda env: env.fresh.setdefault(one, os.urandom(len(one))))
        return Part(lambda env: text.make(env).encode(), text.late)

    def _in_answers(self, one: Any, other: Any, number: int) -> Part | None:
        """Where an earlier statement of both orders answered this value, the newest first."""
        for earlier in reversed(range(number)):
            others = dict(_leaves(self._other.steps[earlier].rows))
            for path, value in _leaves(self._one.steps[earlier].rows):
                same = type(value) is type(one) and value == one and others.get(path) == other
                if same and not (one == other and isinstance(one, int | str)):
                    return Part(_getter(earlier, path), late=True)
        return None


def said(connection: psycopg.Connection[Any], sql: str, params: Any) -> list[tuple[Any, ...]]:
    """Say one recorded round trip and return its rows. A COMMIT that wakes somebody does so in the same message."""
    if sql == COMMIT and params:
        connection.execute(commit_text(connection, [Wake(*one) for one in params]), prepare=False)
        return []
    cursor = connection.execute(sql, params or None)
    return cursor.fetchall() if cursor.rownumber is not None else []


def _getter(earlier: int, path: Path) -> Callable[[Env], Any]:
    def get(env: Env) -> Any:
        value: Any = env.answers[earlier]
        for step in path:
            value = value[step]
        return value

    return get


def _joined(parts: dict[Any, Part] | list[Part]) -> Part:
    if isinstance(parts, dict):
        named = parts
        return Part(
            lambda env: {key: part.make(env) for key, part in named.items()}, any(part.late for part in named.values())
        )
    listed = parts
    return Part(lambda env: [part.make(env) for part in listed], any(part.late for part in listed))


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))
    else:
        yield path, value


def _times(steps: Sequence[Step]) -> Iterator[datetime]:
    for step in steps:
        values = step.params.values() if isinstance(step.params, dict) else step.params or ()
        yield from (value for value in values if isinstance(value, datetime))


def _uuid(text: str) -> UUID:
    if "_" in text:
        return UUID(bytes=base64.b32decode(text.partition("_")[2].upper() + "======"))
    return UUID(text)


def _form_of(text: str) -> Callable[[UUID], str]:
    if "_" in text:
        prefix = Prefix(text.partition("_")[0])
        return lambda value: public(prefix, value)
    return str if "-" in text else lambda value: value.hex
