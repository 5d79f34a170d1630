"""The demo's logins for the panel: one password for all, and the second factors of those who must have one."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from core import db
from core.actor import OPERATOR
from core.config import Config, ConfigError
from core.errors import NotFound
from core.parties.rules import PartyKind, Role
from core.parties.service import create_party, create_staff, find_party, platform_id
from core.parties.signing_in import replace_password
from core.secret import Secret
from core.vault.client import VaultClient

PASSWORD_VARIABLE = "KEYSTALL_DEMO_PASSWORD"  # noqa: S105 (the name of a variable)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
FILE = "demo.logins"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """One person of the demo."""

    email: str
    name: str
    party: str
    role: Role


LOGINS = (
    DemoLogin("platform@demo.test", "周岚", "", Role.PLATFORM_OWNER),
    DemoLogin("merchant@demo.test", "李梅", "demo", Role.OWNER),
    DemoLogin("other@demo.test", "王海", "other", Role.OWNER),
    DemoLogin("newshop@demo.test", "林星", "newshop", Role.OWNER),
    DemoLogin("supplier@demo.test", "陈杰", "brand1", Role.OWNER),
)


NEW_SHOP: Mapping[str, Mapping[str, str]] = {"newshop": {"zh-CN": "新店", "en": "New shop"}}
"""A merchant that has nothing yet: whoever signs in there opens the shop."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What the console tells: the password, and each login with the letters of its authenticator."""

    password: str
    letters: Mapping[str, str]


def demo_logins(config: Config) -> Printed:
    """Make the logins that are missing, with the vault running; what a second start prints is what the first one did.

    Raises ConfigError for a password under 12 characters, or where the file that keeps them is gone.
    """
    kept = _read(config.data_dir / FILE)
    password = os.environ.get(PASSWORD_VARIABLE) or kept.get("password") or _new_password()
    if len(password) < 12:
        raise ConfigError(f"{PASSWORD_VARIABLE} is too short: use 12 characters or more")
    vault = VaultClient(config.vault_socket)
    db.connect(config.database.roles.shop, size=1)
    try:
        letters = {login.email: _made(login, password, kept, vault) for login in LOGINS}
    finally:
        db.disconnect()
    _write(config.data_dir / FILE, {"password": password, **letters})
    return Printed(password, letters)


def _made(login: DemoLogin, password: str, kept: Mapping[str, str], vault: VaultClient) -> str:
    now = db.database_now()
    rows = db.execute("SELECT id FROM staff WHERE email = %s", (login.email,))
    if not rows:
        staff_id = _new(login, password, now)
    else:
        staff_id = rows[0][0]
        replace_password(actor=OPERATOR, staff_id=staff_id, password=Secret(password), now=now)
    has_second = db.execute("SELECT 1 FROM staff_totp WHERE staff_id = %s AND confirmed_at IS NOT NULL", (staff_id,))
    if has_second:
        return kept.get(login.email, "(set up already: the app has it)")
    seed = vault.begin_second_factor(staff_id)
    vault.confirm_second_factor(staff_id, code_of(seed.letters, now))
    return seed.letters


def _new(login: DemoLogin, password: str, now: datetime) -> UUID:
    return create_staff(
        actor=OPERATOR,
        party_id=_party(login.party, now),
        email=login.email,
        name=login.name,
        password=Secret(password),
        roles=frozenset({login.role}),
        now=now,
    )


def _party(code: str, now: datetime) -> int:
    if not code:
        return platform_id()
    try:
        return find_party(code=code).id
    except NotFound:
        names = NEW_SHOP[code]
        return create_party(actor=OPERATOR, kind=PartyKind.MERCHANT, code=code, names=names, now=now)


def code_of(letters: str, at: datetime) -> str:
    """What an authenticator with these letters shows at a moment."""
    seed = base64.b32decode(letters + "=" * (-len(letters) % 8))
    return TOTP(seed, 6, SHA1(), 30).generate(int(at.timestamp())).decode()  # noqa: S303 - RFC 6238


def _new_password() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def _read(file: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _write(file: Path, said: Mapping[str, str]) -> None:
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    fresh.replace(file)
