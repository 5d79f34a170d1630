"""Access tokens as WeChat hands them out: /cgi-bin/token replaces the one before, stable_token keeps it."""

import secrets
from dataclasses import dataclass, field

LASTS = 7200
RENEWED_BEFORE = 300
FORCED_AT_MOST = 20  # a day
FORCED_APART = 30  # seconds


@dataclass
class Token:
    """One token; `refused_as` is the error code that it is refused with, once it is."""

    value: str
    issued_at: float
    ends_at: float
    valid_until: float
    refused_as: int = 42001


@dataclass
class TokenLine:
    """The tokens of one kind of one account, the newest last."""

    is_stable: bool = False
    all: list[Token] = field(default_factory=list)
    fetches: int = 0
    forced_at: list[float] = field(default_factory=list)

    def plain(self, now: float, overlap: float) -> Token:
        """A new one; the one before works `overlap` seconds longer."""
        self.fetches += 1
        self._replace(now, overlap)
        return self._new(now)

    def stable(self, now: float, *, force: bool) -> Token:
        """The same one until its last five minutes; a new one by force, at most so often, and the old one is dead."""
        self.fetches += 1
        newest = self.all[-1] if self.all else None
        if newest is None or (newest.valid_until <= now and not force):
            return self._new(now)
        if force:
            lately = [at for at in self.forced_at if at > now - 86400]
            if len(lately) >= FORCED_AT_MOST or (lately and lately[-1] > now - FORCED_APART):
                return newest
            self.forced_at = [*lately, now]
            self._replace(now, 0)
            return self._new(now)
        if newest.ends_at - now < RENEWED_BEFORE:
            return self._new(now)
        return newest

    def find(self, value: str) -> Token | None:
        """The token of this value."""
        return next((token for token in self.all if secrets.compare_digest(token.value, value)), None)

    def end(self, now: float, code: int) -> None:
        """No token works any more; each is refused as `code`."""
        for token in self.all:
            token.valid_until, token.refused_as = min(token.valid_until, now), code

    def _replace(self, now: float, overlap: float) -> None:
        for token in self.all:
            if token.valid_until > now + overlap:
                token.valid_until, token.refused_as = now + overlap, 40001

    def _new(self, now: float) -> Token:
        token = Token(f"88_{secrets.token_urlsafe(96)}", now, now + LASTS, now + LASTS)
        self.all = [*self.all[-8:], token]
        return token
