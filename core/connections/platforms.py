"""What chat platforms say about secrets that somebody typed, as refusals that say the mend."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Conflict, Invalid, Unavailable


class TokenUnknown(Invalid):
    """Telegram does not know this token."""


class AppSecretWrong(Invalid):
    """WeChat says that AppID and AppSecret do not belong together."""


class NotListed(Conflict):
    """This store's address is not on the official account's list of addresses: `address`, where WeChat says it."""


class PlatformRefuses(Conflict):
    """The platform says no, with this `code`, and we know no mend."""


class PlatformAway(Unavailable):
    """The platform does not answer from here."""


@dataclass(frozen=True, slots=True)
class BotName:
    """Whose a token is, as Telegram says: its number, @name and shown name."""

    number: str
    username: str
    name: str
