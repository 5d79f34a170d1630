"""The first account of the panel, made from the command line by whoever has the machine."""

from __future__ import annotations

import json
import re
import uuid

import psycopg
from argon2 import PasswordHasher

from core.config import ConfigError

ROLE = "platform_owner"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def has_operator(url: str) -> bool:
    """Whether someone may already enter as the platform's operator."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM staff_role WHERE role = %s", (ROLE,)).fetchone() is not None


def add_operator(url: str, *, email: str, name: str, password: str) -> None:
    """Make the platform, if it is not there yet, and its operator; `url` is the owner's.

    Raises ConfigError for an e-mail that is none or is taken.
    """
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise ConfigError(f"{email!r} is not an e-mail address: give one with --email")
    staff, digest = uuid.uuid4(), PasswordHasher().hash(password)
    try:
        with psycopg.connect(url) as connection:
            connection.execute(
                "INSERT INTO party (kind, code, names, created_at) VALUES ('platform', 'platform', %s, now())"
                " ON CONFLICT DO NOTHING",
                (json.dumps({"zh-CN": "平台", "en": "Platform"}),),
            )
            connection.execute(
                "INSERT INTO staff (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, %s, now())",
                (staff, email, name, digest),
            )
            connection.execute(
                "INSERT INTO staff_role (staff_id, party_id, role)"
                " SELECT %s, id, %s FROM party WHERE kind = 'platform'",
                (staff, ROLE),
            )
            connection.execute(
                "INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id)"
                " VALUES (now(), 'operator', 'staff.created', 'staff', %s)",
                (str(staff),),
            )
    except psycopg.errors.UniqueViolation:
        raise ConfigError(f"an account with the e-mail {email} exists already: give another one") from None
