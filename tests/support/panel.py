"""The panel as tests meet it: its pages through Flask's own client, over a real database and a real vault's desk."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from admin.panel import WORDS, Panel
from admin.platform.checked import Check, Health, Light
from bot.texts import Phrasebook
from channels.web.render import STATIC
from core import db
from core.actor import OPERATOR
from core.parties.rules import PLATFORM_ROLES, Role
from core.parties.service import create_staff
from core.secret import Secret
from tests.support.panel_platforms import connecting
from tests.support.vaults import TestVault

PASSWORD = "correct horse battery"  # not-a-secret
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')
LETTERS = re.compile(r'class="letters">([A-Z2-7 ]+)<')
NOTHING = {
    "Number": "999999999",
    "UUIDConverter": "00000000-0000-7000-8000-000000000000",
    "UnicodeConverter": "nothing",
    "AnyConverter": "approve",
    "PathConverter": "nothing",
}
ERROR_ID = re.compile(r"err_[a-z2-7]{16}")


def code_of(letters: str, *, at: float | None = None) -> str:
    """What an authenticator with this seed shows."""
    seed = base64.b32decode(letters.replace(" ", ""))
    return TOTP(seed, 6, SHA1(), 30).generate(int(at if at is not None else time.time())).decode()


def address_of(rule: Rule) -> str:
    """An address of this route whose numbers and ids are of nothing that is there."""
    given = {name: NOTHING[type(way).__name__] for name, way in rule._converters.items()}
    address = rule.rule
    for name, value in given.items():
        address = re.sub(rf"<(?:\w+(?:\([^)]*\))?:)?{name}>", value, address)
    return address


@dataclass
class Browser:
    """Somebody's browser: it keeps cookies and sends the forms that it was shown."""

    app: Flask
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """One page; redirects are not followed."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, values: Mapping[str, str] | None = None, *, shown: str = "") -> TestResponse:
        """Send a form as the page at `shown` (default: the same address) gives it."""
        page = self.client.get(shown or path).get_data(as_text=True)
        found = TOKEN.search(page)
        assert found is not None, page
        return self.client.post(path, data={"csrf_token": found[1] or found[2], **(values or {})})

    def sign_in(self, email: str, password: str = PASSWORD, *, path: str = "/sign-in") -> TestResponse:
        """Type an address and a password."""
        return self.post(path, {"email": email, "password": password})

    def set_up_second(self) -> str:
        """Set a second factor up; returns the letters of its seed."""
        shown = self.post("/second/begin").get_data(as_text=True)
        found = LETTERS.search(shown)
        assert found is not None, shown
        assert self.post("/second/begin", {"code": code_of(found[1])}).status_code == 302
        return found[1]


def well() -> Health:
    """A store in which everything is well."""
    return Health(db.database_now(), [Check("database", Light.OK, "")], [], 0, None, [], [], [], [])


def panel_values(vault: TestVault) -> Panel:
    """What a panel is handed in tests, with this vault."""
    return Panel(
        book=Phrasebook(zone="Asia/Shanghai", default="en", folder=WORDS),
        vault=vault.client,
        now=db.database_now,
        form_key=Secret(b"k" * 32),
        is_https=False,
        shared=STATIC,
        store_name="Keystall",
        is_demo=False,
        health=well,
        forged_notices=lambda: 0,
        vault_public=vault.config.secret(vault.config.vault.public_key).reveal,
        seal_key=vault.config.secret(vault.config.secrets.seal_key),
        connecting=connecting(),
    )


def a_login(email: str, party_id: int, *roles: Role, name: str = "Li Mei", now: datetime | None = None) -> Any:
    """Somebody who may sign in with PASSWORD."""
    return create_staff(
        actor=OPERATOR,
        party_id=party_id,
        email=email,
        name=name,
        password=Secret(PASSWORD),
        roles=frozenset(roles),
        now=now or datetime.now(UTC),
    )


def signed_in(panel: Callable[[], Browser], email: str, party: int, *roles: Role) -> Browser:
    """A new login at a browser of its own; with a second factor where its roles ask for one."""
    a_login(email, party, *roles)
    browser = panel()
    browser.sign_in(email)
    if {Role.OWNER, Role.FINANCE, *PLATFORM_ROLES} & set(roles):
        browser.set_up_second()
    return browser
