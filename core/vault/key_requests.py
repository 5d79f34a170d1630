"""What the command line asks the vault about its own keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.vault.client import Progress, VaultClient


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One version of the vault's key: since when, and how many batches, cards and files on their way need it."""

    id: str
    is_current: bool
    made_at: datetime
    current_since: datetime | None
    replaced_at: datetime | None
    batches: int
    cards: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Rekeying:
    """A rekeying under way: since when, and how many cards are encrypted anew."""

    started_at: datetime
    cards: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """The version in use now, how many batches were sealed with it, and how many no version opens."""

    version: str
    batches: int
    broken: int


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """Cards encrypted anew, cards that do not open, batches still being imported, batches the vault never signed so."""

    cards: int
    broken: int
    importing: int
    unsigned: int


class KeyRequests:
    """Acts on the vault's keys, by the operator's client. Each raises `VaultAway`, `VaultRefused`."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    def status(self) -> tuple[list[KeyUse], Rekeying | None]:
        """Every version, the one in use first, and the rekeying that is under way."""
        answer = self._client.act({"op": "keys"})
        running = answer["rekey"]
        rekeying = Rekeying(datetime.fromisoformat(running["started_at"]), int(running["cards"])) if running else None
        return [_use(one) for one in answer["keys"]], rekeying

    def rotate(self, *, to: str | None = None, progress: Progress | None = None) -> Rotated:
        """Another version, or one that is there, and every batch's data key sealed with it."""
        answer = self._client.act({"op": "rotate", "to": to}, progress=progress)
        return Rotated(str(answer["version"]), int(answer["batches"]), int(answer["broken"]))

    def rekey(self, *, progress: Progress | None = None) -> Rekeyed:
        """A new version, new data keys, every card encrypted anew; goes on with one that was interrupted."""
        answer = self._client.act({"op": "rekey"}, progress=progress)
        return Rekeyed(*(int(answer[name]) for name in ("cards", "broken", "importing", "unsigned")))

    def retire(self, version: str, /) -> None:
        """Take a version's private key away, if nothing needs it."""
        self._client.act({"op": "retire", "version": version})


def _use(answer: dict[str, Any]) -> KeyUse:
    times = {name: answer[name] for name in ("made_at", "current_since", "replaced_at")}
    aware = {name: datetime.fromisoformat(value) if value else None for name, value in times.items()}
    counts = {name: int(answer[name]) for name in ("batches", "cards", "waiting")}
    return KeyUse(id=str(answer["id"]), is_current=bool(answer["is_current"]), **aware, **counts)  # type: ignore[arg-type]
