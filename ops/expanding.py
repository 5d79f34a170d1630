"""Whether the code that runs may go on beside a new schema: what a migration only adds, nobody sees who does not ask.

What takes something away, or refuses what was allowed, is found by its words; whatever stands in a table that the same
migration makes concerns nobody yet.
"""

from __future__ import annotations

import re

_NAME = r'(?:public\.)?"?(\w+)"?'
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_MADE = re.compile(rf"^CREATE (?:UNLOGGED |TEMPORARY )?TABLE (?:IF NOT EXISTS )?{_NAME}", re.IGNORECASE)
_TABLE = re.compile(rf"^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{_NAME}", re.IGNORECASE)
_DROPPED = re.compile(rf"^DROP (?:MATERIALIZED )?\w+ (?:IF EXISTS )?{_NAME}", re.IGNORECASE)
_ON = re.compile(rf"\bON (?:ONLY )?{_NAME}", re.IGNORECASE)

_TAKES_AWAY = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), verb)
    for pattern, verb in (
        (r"^DROP (TABLE|VIEW|MATERIALIZED VIEW|FUNCTION|SEQUENCE|TYPE|SCHEMA|EXTENSION)\b", "drops"),
        (r"^CREATE UNIQUE INDEX\b", "refuses rows of"),
        (r"^CREATE (CONSTRAINT )?TRIGGER\b", "watches what is written to"),
        (r"^REVOKE\b", "takes rights on"),
        (r"^ALTER \w+ .*\bRENAME\b", "renames"),
    )
)
_ACTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), verb)
    for pattern, verb in (
        (r"^DROP (COLUMN )?(?!CONSTRAINT)\w+", "drops a column of"),
        (r"^ALTER (COLUMN )?\w+ (SET DATA )?TYPE\b", "changes a type in"),
        (r"^ALTER (COLUMN )?\w+ SET NOT NULL\b", "wants a value in"),
        (r"^ADD (CONSTRAINT \w+ )?(CHECK|UNIQUE|EXCLUDE|FOREIGN KEY|PRIMARY KEY)\b", "refuses rows of"),
        (
            r"^ADD (?!CONSTRAINT|CHECK|UNIQUE|EXCLUDE|FOREIGN|PRIMARY)(?!.*\b(DEFAULT|GENERATED)\b).*\bNOT NULL\b",
            "wants a value in",
        ),
    )
)
"""Of ALTER TABLE: each is looked for in each of its parts."""

_BUILDS = re.compile(r"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)", re.IGNORECASE)


def statements(text: str) -> list[str]:
    """The statements of a migration, without comments and without the bodies of functions."""
    plain = _BODY.sub("''", _COMMENT.sub(" ", text))
    return [" ".join(one.split()) for one in plain.split(";") if one.strip()]


def contractions(text: str) -> list[str]:
    """What a migration does that code from before it may run into, in words; empty where it only adds."""
    every = statements(text)
    made = {match[1] for one in every if (match := _MADE.match(one))}
    found = []
    for one in every:
        name = _table(one)
        if name not in made:
            verbs = [verb for pattern, verb in _TAKES_AWAY if pattern.search(one)]
            verbs += [verb for action in _parts(one) for pattern, verb in _ACTIONS if pattern.search(action)]
            found += [f"{verb} {name or one[:60]}" for verb in dict.fromkeys(verbs)]
    return found


def indexed(text: str) -> list[str]:
    """The tables that were there before and get an index: nobody writes to them until it is built."""
    every = statements(text)
    made = {match[1] for one in every if (match := _MADE.match(one))}
    return [name for one in every if _BUILDS.match(one) and (name := _table(one)) and name not in made]


def _table(statement: str) -> str:
    match = _TABLE.match(statement) or _DROPPED.match(statement) or _ON.search(statement)
    return match[1] if match else ""


def _parts(statement: str) -> list[str]:
    """What an ALTER TABLE does, one thing each: split at commas outside of parentheses."""
    match = _TABLE.match(statement)
    if match is None:
        return []
    parts, depth = [""], 0
    for letter in statement[match.end() :]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
