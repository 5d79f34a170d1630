"""Whether the code that runs may go on beside a new schema: what a migration only adds, nobody sees who does not ask.

The forms that only add are listed here; whatever is not among them is taken for something that the old code may run
into. What stands in a table that the same migration made before concerns nobody yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NAME = r'(?:public\.)?"?(\w+)"?(?![\w."])'
_LITERAL = re.compile(
    r"""(--[^\n]*|/\*.*?\*/)|(\$(\w*)\$.*?\$\3\$|\bE'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')|"[^"]*\"""",
    re.DOTALL | re.IGNORECASE,
)
"""A comment, a text or the body of a function, or a quoted name: what stands in it are no words of a statement."""


def _patterns(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(f"^{pattern}", re.IGNORECASE) for pattern in patterns)


def _worded(*patterns: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(f"^{pattern}", re.IGNORECASE), verb) for pattern, verb in patterns)


_MADE, _TABLE, _ON, _DROPPED = _patterns(
    rf"CREATE (?:UNLOGGED )?TABLE {_NAME}",
    rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{_NAME}",
    rf".*?\bON (?:TABLE )?(?:ONLY )?{_NAME}",
    rf"DROP (?:MATERIALIZED )?\w+ (?:IF EXISTS )?{_NAME}",
)
_ADDS = _patterns(
    r"CREATE (UNLOGGED |TEMPORARY |TEMP )?TABLE (?!.*\b(INHERITS|PARTITION OF)\b)",
    r"CREATE (FUNCTION|PROCEDURE|SEQUENCE|VIEW|MATERIALIZED VIEW|TYPE|DOMAIN|EXTENSION|STATISTICS) ",
    r"CREATE SCHEMA (IF NOT EXISTS )?\w+$",
    r"CREATE INDEX (?!.*::)(CONCURRENTLY )?(IF NOT EXISTS )?(\w+ )?ON (ONLY )?[\w.]+ (USING \w+ )?"
    r"\([^()]*\)( INCLUDE \([^()]*\))?( WHERE .*)?$",
    r"GRANT ",
    r"COMMENT ON ",
    r"SELECT [^(]*$",  # calls nothing
    r"SET (LOCAL )?(lock_timeout|statement_timeout)\b",
)
"""Statements that only add."""

_ADDS_TO_TABLE = _patterns(
    r"ADD (?!CONSTRAINT|CHECK|UNIQUE|EXCLUDE|FOREIGN|PRIMARY)(?!.*\b(UNIQUE|PRIMARY|CHECK|CONSTRAINT)\b)"
    r"((?!.*\bNOT NULL\b)|(?=.*\b(DEFAULT (?!NULL\b)|GENERATED\b)))",
    r"ALTER (COLUMN )?\w+ DROP NOT NULL$",
    r"ALTER (COLUMN )?\w+ SET DEFAULT ",
    r"ALTER (COLUMN )?\w+ SET STATISTICS \S+$",
    r"SET \([^()]*\)$",
    r"VALIDATE CONSTRAINT \w+$",
)
"""What an ALTER TABLE may do, each of its parts."""

_IN_MADE = _patterns(
    rf"CREATE UNIQUE INDEX [^(]*\bON (?:ONLY )?{_NAME}",
    rf"CREATE INDEX [^(]*\bON (?:ONLY )?{_NAME}",
    rf"CREATE (?:CONSTRAINT )?TRIGGER [^(]*?\bON {_NAME}",
    rf"CREATE POLICY \w+ ON {_NAME}",
    rf"REVOKE [^(]*?\bON (?:TABLE )?{_NAME} FROM ",
    rf"INSERT INTO {_NAME} (?!.*\bWITH\b)",
    rf"ALTER TABLE (?:ONLY )?{_NAME} (?!.*\b(?:INHERIT|ATTACH)\b)",
)
"""What concerns nobody in a table that the same migration made."""

_WORDS = _worded(
    (r"DROP (TABLE|VIEW|MATERIALIZED VIEW|FUNCTION|SEQUENCE|TYPE|SCHEMA|EXTENSION|INDEX)\b", "drops"),
    (r"CREATE UNIQUE INDEX\b", "refuses rows of"),
    (r"CREATE INDEX\b", "may refuse rows of"),  # its expression fails for some
    (r"CREATE (OR REPLACE )?(CONSTRAINT )?TRIGGER\b", "watches what is written to"),
    (r"REVOKE\b", "takes rights on"),
    (r"DROP TRIGGER\b", "no longer watches what is written to"),
)
_WORDS_OF_TABLE = _worded(
    (r"DROP CONSTRAINT\b", "drops a constraint of"),  # one that an ON CONFLICT may name
    (r"DROP (COLUMN )?\w+", "drops a column of"),
    (r"RENAME\b", "renames"),
    (r"ALTER (COLUMN )?\w+ (SET DATA )?TYPE\b", "changes a type in"),
    (r"ALTER (COLUMN )?\w+ SET NOT NULL\b", "wants a value in"),
    (r"ALTER (COLUMN )?\w+ DROP DEFAULT\b", "wants a value in"),
    (r"ADD (CONSTRAINT \w+ )?(CHECK|UNIQUE|EXCLUDE|FOREIGN KEY|PRIMARY KEY)\b", "refuses rows of"),
    (r"ADD .*\b(UNIQUE|PRIMARY|CHECK|CONSTRAINT)\b", "refuses rows of"),
    (r"ADD .*\bNOT NULL\b", "wants a value in"),
)
"""How what does not only add is said; what has no words here is shown as it stands."""

_BUILDS = re.compile(r"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)", re.IGNORECASE)


def statements(text: str) -> list[str]:
    """The statements of a migration, without comments, and with nothing in its texts and the bodies of functions."""

    def emptied(match: re.Match[str]) -> str:
        return " " if match[1] else "''" if match[2] else match[0]

    return [" ".join(one.split()) for one in _LITERAL.sub(emptied, text).split(";") if one.strip()]


def contractions(text: str) -> list[str]:
    """What a migration does that code from before it may run into, in words; empty where it only adds."""
    found = []
    for one, made in _with_tables_made(text):
        found += list(dict.fromkeys(_against(one, made)))
    return found


def indexed(text: str) -> list[str]:
    """The tables that were there before and get an index: nobody writes to them until it is built."""
    found = [(one, made, _ON.match(one)) for one, made in _with_tables_made(text) if _BUILDS.match(one)]
    return [name[1] for _, made, name in found if name and name[1] not in made]


def _with_tables_made(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each statement with the tables that the migration made before it."""
    made: frozenset[str] = frozenset()
    for one in statements(text):
        yield one, made
        if match := _MADE.match(one):
            made |= {match[1]}


def _against(one: str, made: frozenset[str]) -> Iterable[str]:
    if any(pattern.match(one) for pattern in _ADDS):
        return []
    if any(match[1] in made for pattern in _IN_MADE if (match := pattern.match(one))):
        return []
    if table := _TABLE.match(one):
        parts = [part for part in _parts(one[table.end() :]) if not any(adds.match(part) for adds in _ADDS_TO_TABLE)]
        return [_said(part, _WORDS_OF_TABLE, table[1]) for part in parts]
    name = _ON.match(one) or _DROPPED.match(one)
    return [_said(one, _WORDS, name[1] if name else one[:60])]


def _said(what: str, words: Iterable[tuple[re.Pattern[str], str]], name: str) -> str:
    verb = next((verb for pattern, verb in words if pattern.match(what)), None)
    return f"{verb} {name}" if verb else f"does more than add: {what[:60]}"


def _parts(actions: str) -> list[str]:
    """What an ALTER TABLE does, one thing each: split at commas outside of parentheses."""
    parts, depth = [""], 0
    for letter in actions:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
