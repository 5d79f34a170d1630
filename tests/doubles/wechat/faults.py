"""What goes wrong on demand, and the book of every request to the API."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the API and its answer; `code` is WeChat's (0 is yes), `host` whom the request spoke to."""

    app_id: str
    path: str
    values: dict[str, Any]
    at: float
    code: int
    host: str


@dataclass
class Spell:
    """Something that befalls so many requests, of one path or of any."""

    path: str | None
    times: int
    seconds: float = 0.0
    code: int = 0


@dataclass
class Faults:
    """Callers hold the world's lock."""

    outage: str | None = None
    """None, `502` (a front server's page), `busy` (errcode -1), or `drop` (the connection ends without an answer)."""
    slow: list[Spell] = field(default_factory=list)
    lost: list[Spell] = field(default_factory=list)
    answers: list[Spell] = field(default_factory=list)

    @staticmethod
    def due(spells: list[Spell], path: str) -> Spell | None:
        """The spell that befalls this request; its count goes down."""
        for spell in spells:
            if spell.path in {None, path} and spell.times > 0:
                spell.times -= 1
                return spell
        return None
