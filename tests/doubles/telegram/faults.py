"""What goes wrong on demand: floods, outages, lost and slow answers; and the book of every request that came."""

from dataclasses import dataclass, field
from typing import Any

from tests.doubles.telegram.errors import too_many


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer."""

    bot: str
    """The bot's name without @; empty where the token was unknown."""
    method: str
    values: dict[str, Any]
    """The parameters as Python values (as they came, where they could not be read)."""
    at: float
    code: int
    description: str = ""
    result: Any = None
    early: bool = False
    """It came to a chat (or from a bot) that had been told to wait longer."""


@dataclass
class Flood:
    """So many requests of a bot (to one chat) get a 429."""

    bot_id: int
    chat: int | None
    retry_after: int
    times: int


@dataclass
class Spell:
    """Something that befalls so many requests, of one method or of any."""

    method: str | None
    times: int
    seconds: float = 0.0


@dataclass
class Faults:
    """Callers hold the world's lock."""

    outage: str | None = None
    """None, `502`, `html` (what a front server says), or `drop` (the connection ends without an answer)."""
    floods: list[Flood] = field(default_factory=list)
    lost: list[Spell] = field(default_factory=list)
    slow: list[Spell] = field(default_factory=list)
    waits: dict[tuple[int, int | None], float] = field(default_factory=dict)
    """Until when a bot (in a chat) was told to wait."""

    def flood(self, bot_id: int, values: dict[str, Any], now: float) -> None:
        """Raise the 429 that is due for a request that sends something to a chat."""
        chat = values.get("chat_id")
        if chat is None:
            return
        for flood in self.floods:
            if flood.bot_id == bot_id and flood.chat in {None, chat}:
                flood.times -= 1
                self.floods = [each for each in self.floods if each.times > 0]
                self.waits[bot_id, flood.chat] = now + flood.retry_after
                raise too_many(flood.retry_after)

    def is_early(self, bot_id: int, values: dict[str, Any], now: float) -> bool:
        """Whether a request comes before the time that an earlier 429 named."""
        scopes = ((bot_id, None), (bot_id, values.get("chat_id")))
        return "chat_id" in values and any(self.waits.get(scope, 0.0) > now for scope in scopes)

    @staticmethod
    def due(spells: list[Spell], method: str) -> Spell | None:
        """The spell that befalls this request; its count goes down."""
        for spell in spells:
            if spell.method in {None, method} and spell.times > 0:
                spell.times -= 1
                return spell
        return None
