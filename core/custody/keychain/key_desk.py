"""What the vault answers about its own keys, and what it goes on with by itself after a kill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

import structlog

from core.config import ConfigError
from core.custody.keychain import rekeying, rotating, versions
from core.custody.keychain.keys import OpenVault
from core.custody.rounds import Round
from core.db import execute

Progress = Callable[[int, int], None]
EVERY = 20.0  # seconds between two looks for what a kill left behind

log = structlog.get_logger()


class KeyDesk:
    """Acts on the keys of one vault, one at a time."""

    operations: ClassVar = frozenset({"keys", "rotate", "rekey", "retire"})

    def __init__(self, vault: OpenVault, now: Callable[[], datetime]) -> None:
        self._vault = vault
        self._now = now
        self._turns = rotating.Turns()

    def answer(self, operation: str, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """The answer to one request. Raises `KeyRefused`, OSError."""
        if operation == "keys":
            return self._status()
        try:
            return self._act(operation, request, progress)
        except ConfigError as error:  # keys that cannot be written from here
            raise versions.KeyRefused(str(error)) from None

    def _act(self, operation: str, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        with self._turns.alone():
            match operation:
                case "rotate":
                    return asdict(self._rotate(_text(request.get("to")), progress))
                case "rekey":
                    return asdict(self._rekey(progress))
            versions.retire(self._vault, _text(request.get("version")) or "", now=self._now())
            return {}

    def rounds(self) -> list[Round]:
        """Going on after a kill."""
        return [Round("keys", EVERY, self._go_on)]

    def _status(self) -> dict[str, Any]:
        now = self._now()
        listed = [
            {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(one).items()}
            for one in versions.uses(self._vault, now=now)
        ]
        running = execute(rekeying.RUNNING)
        rekey = {"started_at": running[0][1].isoformat(), "cards": running[0][3]} if running else None
        return {"keys": listed, "rekey": rekey}

    def _rotate(self, to: str | None, progress: Progress) -> rotating.Rotated:
        return rotating.rotate(self._vault, to=to, now=self._now(), progress=progress)

    def _rekey(self, progress: Progress) -> rekeying.Rekeyed:
        """A rekeying that runs already goes on; another begins with a version of its own: the old one may be known."""
        if not execute(rekeying.RUNNING):
            self._rotate(None, progress)
            rekeying.begin(now=self._now())
        done = rekeying.go_on(self._vault, now=self._now(), progress=progress)
        if done is None:
            raise versions.KeyRefused("another vault has ended this rekeying: `keys status` shows how it stands")
        return done

    def _go_on(self, now: datetime) -> int:
        try:
            with self._turns.alone():
                count = rotating.reseal(self._vault, now=now, progress=_silent).batches
                done = rekeying.go_on(self._vault, now=now, progress=_silent)
                return count + (done.cards if done else 0)
        except versions.KeyRefused:  # an act is under way: it does the same
            return 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _silent(done: int, about: int) -> None:
    """Nobody asked."""
