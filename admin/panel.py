"""What the panel is handed when it is built, and what every page of it knows about the request in hand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast
from uuid import UUID

from flask import current_app, g

from admin.platform.checked import Health
from bot.texts import Phrasebook, Texts
from core import db
from core.connections.platforms import BotName
from core.parties.staff_sessions import StaffSession
from core.secret import Secret
from core.vault.payout_requests import PayoutAct, Person
from core.vault.second_factor import NewSeed

WORDS = Path(__file__).parent / "locale"


class SecondFactors(Protocol):
    """The vault, as far as the panel asks it (core.vault.second_factor)."""

    def begin_second_factor(self, staff_id: UUID, /) -> NewSeed: ...

    def confirm_second_factor(self, staff_id: UUID, code: str, /) -> None: ...

    def check_second_factor(self, staff_id: UUID, code: str, /) -> None: ...

    def replace_second_factor(self, staff_id: UUID, code: str, /) -> NewSeed: ...

    def second_factor_replaced(self, staff_id: UUID, code: str, /) -> None: ...

    def take_second_factor_away(self, staff_id: UUID, by: UUID, code: str, /) -> None: ...

    def show_fields(self, task: UUID, staff: UUID, code: str, /) -> dict[str, Secret]: ...

    def trace_by_code(self, person: Person, sealed: bytes, /) -> list[UUID]: ...

    def act_on_payout(self, person: Person, act: PayoutAct, said: dict[str, str], /) -> dict[str, Secret]: ...


class Platforms(Protocol):
    """What only ops asks of others while somebody connects something: fixed or configured hosts, some seconds each.

    Refusals are those of core.connections.platforms; a page asks inside `waiting_elsewhere`.
    """

    def bot_of(self, token: Secret, /) -> BotName: ...

    def check_official_account(self, app_id: str, app_secret: Secret, /) -> None: ...

    def shop_answers(self, code: str, /) -> str:
        """Empty where the shop's page answers; else `away`, `elsewhere` (another page) or an HTTP status."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """What pages that set up a shop are handed. `public_url` is where shoppers reach it, without a closing slash."""

    platforms: Platforms
    verify_key: Secret
    public_url: str
    currency: str
    zone: str
    has_sandbox: bool
    telegram_mode: str


@dataclass(frozen=True, slots=True)
class Panel:
    """`shared` holds the colours, fonts and icon that shop and panel have in common."""

    book: Phrasebook
    vault: SecondFactors
    now: Callable[[], datetime]
    form_key: Secret
    is_https: bool
    shared: Path
    store_name: str
    is_demo: bool
    health: Callable[[], Health]  # asked without a connection
    forged_notices: Callable[[], int]  # payment notices that no gateway signed, in this hour
    vault_public: Callable[[], bytes | None]  # what cards that staff bring are sealed with
    seal_key: Secret
    connecting: Connecting


def panel() -> Panel:
    """The panel of the application in hand."""
    return cast("Panel", current_app.extensions["panel"])


def words() -> Texts:
    """The language of the request in hand."""
    return cast("Texts", g.words)


def signed_in() -> StaffSession:
    """Who is signed in; only pages that are for somebody may ask."""
    found: StaffSession | None = g.session
    if found is None:
        raise LookupError("a page that is open to anyone asked who is signed in")
    return found


def request_time() -> datetime:
    """One time for the whole request."""
    return cast("datetime", g.now)


def take_connection() -> None:
    """From now on the request in hand has a connection of the pool, until `give_connection_back`."""
    g.connection = contextlib.ExitStack()
    g.connection.enter_context(db.connection())


def give_connection_back() -> None:
    """The request in hand needs the database no more."""
    held: contextlib.ExitStack | None = g.pop("connection", None)
    if held is not None:
        held.close()


@contextlib.contextmanager
def waiting_elsewhere() -> Iterator[None]:
    """While somebody else is asked (the vault), the request keeps no connection from others."""
    give_connection_back()
    try:
        yield
    finally:
        take_connection()
