"""Somebody who is signed in already: rows instead of passwords, so that many roles cost a test little."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.ids import new_id
from core.parties.signing_in import new_secret
from tests.builders import Shop
from tests.support.panel import Browser


def a_seat(
    browser: Browser,
    shop: Shop,
    party_id: int,
    *roles: str,
    name: str = "Li Mei",
    has_second: bool = True,
    proved: timedelta | None = timedelta(0),
) -> UUID:
    """Sit somebody with these roles at this browser; `proved` ago the second factor was shown (None: not at all)."""
    person, secret, now = new_id(), new_secret(), datetime.now(UTC)
    shop.sql(
        "INSERT INTO staff (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, '$argon2id$none', %s)",
        [person, f"{person.hex}@demo.test", name, now - timedelta(days=30)],
    )
    for role in roles:
        shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, %s)", [person, party_id, role])
    if has_second:
        shop.sql(
            "INSERT INTO staff_totp (staff_id, sealed, made_at, confirmed_at) VALUES (%s, 'none', %s, %s)",
            [person, now, now],
        )
    shop.sql(
        "INSERT INTO staff_session (id, staff_id, party_id, secret_hash, browser, network, created_at, seen_at,"
        " ends_at, second_at) VALUES (%s, %s, %s, %s, 'a test', '192.0.2', %s, %s, %s, %s)",
        [
            new_id(),
            person,
            party_id,
            hashlib.sha256(secret.reveal()).digest(),
            now - timedelta(hours=1),
            now,
            now + timedelta(hours=8),
            None if proved is None else now - proved,
        ],
    )
    browser.client.set_cookie("keystall_staff", secret.reveal().decode())
    return person
