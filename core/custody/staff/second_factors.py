"""Second factors as the vault judges them: seeds that only it opens, codes that count once, few wrong ones.

Web asks without a key of its own: one who has taken it over learns yes or no for five guesses a quarter of an hour, and
can neither read a seed nor give a person who has one another.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from core.custody.keychain.keys import OpenVault
from core.custody.openings.checks import OpeningRefused
from core.custody.staff.seeds import opened_seed, sealed_seed
from core.db import atomic, execute
from core.secret import Secret
from core.vault.client import VaultCode
from core.vault.primitives import SealError
from core.vault.second_factor import SEED_BYTES, digits

STEP_SECONDS = 30
EITHER_WAY = 1
"""Steps that a phone's clock may be off (RFC 6238, 5.2)."""

WRONG_CODES = 5
BLOCKED = timedelta(minutes=15)

BEGIN = """
INSERT INTO staff_totp AS t (staff_id, sealed, made_at) SELECT id, %(sealed)s, %(now)s FROM staff
WHERE id = %(staff)s AND disabled_at IS NULL
ON CONFLICT (staff_id) DO UPDATE SET sealed = excluded.sealed, made_at = excluded.made_at, last_step = 0
WHERE t.confirmed_at IS NULL RETURNING 1
"""
SEED = """
SELECT t.sealed, t.last_step, t.blocked_until, t.confirmed_at IS NOT NULL FROM staff_totp t
WHERE t.staff_id = %s FOR NO KEY UPDATE
"""
RIGHT = """
UPDATE staff_totp SET last_step = %(step)s, wrong = 0, confirmed_at = coalesce(confirmed_at, %(now)s)
WHERE staff_id = %(staff)s
"""
WRONG = """
UPDATE staff_totp SET wrong = CASE WHEN wrong + 1 >= %(allowed)s THEN 0 ELSE wrong + 1 END,
       blocked_until = CASE WHEN wrong + 1 >= %(allowed)s THEN %(until)s ELSE blocked_until END
WHERE staff_id = %(staff)s
"""
AUDIT = """
INSERT INTO audit_entry (at, actor_kind, actor_id, action, object_kind, object_id)
VALUES (%s, 'staff', %s, %s, 'staff', %s)
"""


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The second factors of one vault."""

    operations: ClassVar = frozenset({"totp_begin", "totp_confirm", "totp_check"})

    vault: OpenVault
    now: Callable[[], datetime]

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `OpeningRefused`."""
        try:
            staff_id = UUID(str(request.get("staff")))
        except ValueError:
            raise refused() from None
        if operation == "totp_begin":
            return {"seed": base64.b64encode(self.begin(staff_id).reveal()).decode()}
        self.check(staff_id, digits(str(request.get("code", ""))), confirms=operation == "totp_confirm")
        return {}

    def begin(self, staff_id: UUID) -> Secret:
        """A new seed, for somebody without a confirmed one. Raises `OpeningRefused`."""
        seed, now = secrets.token_bytes(SEED_BYTES), self.now()
        sealed = sealed_seed(self.vault, staff_id, seed)
        with atomic():
            if not execute(BEGIN, {"sealed": sealed, "staff": staff_id, "now": now}):
                raise refused()
            execute(AUDIT, (now, staff_id, "staff.second_begun", str(staff_id)))
        return Secret(seed)

    def check(self, staff_id: UUID, code: str, *, confirms: bool) -> None:
        """Take one code: right ones once, in order; wrong ones are counted and kept. Raises `OpeningRefused`."""
        with atomic():
            refusal = self._judged(staff_id, code, confirms=confirms)
        if refusal is not None:
            raise refusal

    def _judged(self, staff_id: UUID, code: str, *, confirms: bool) -> OpeningRefused | None:
        now = self.now()
        rows = execute(SEED, (staff_id,))
        if not rows or rows[0][3] is confirms:
            return refused()
        sealed, last_step, blocked_until, _ = rows[0]
        if blocked_until is not None and blocked_until > now:
            return OpeningRefused(VaultCode.TOO_OFTEN, "too many wrong codes: a quarter of an hour must pass")
        step = self._step(staff_id, bytes(sealed), code, now)
        if step is None or step <= last_step:
            execute(WRONG, {"allowed": WRONG_CODES, "until": now + BLOCKED, "staff": staff_id})
            return refused()
        execute(RIGHT, {"step": step, "now": now, "staff": staff_id})
        if confirms:
            execute(AUDIT, (now, staff_id, "staff.second_confirmed", str(staff_id)))
        return None

    def _step(self, staff_id: UUID, sealed: bytes, code: str, now: datetime) -> int | None:
        try:
            return _step_of(opened_seed(self.vault, staff_id, sealed), code, now)
        except SealError:
            return None


def _step_of(seed: bytes, code: str, now: datetime) -> int | None:
    """The step whose code this is, of those that the clock allows; all are compared, each in constant time."""
    totp = TOTP(seed, 6, SHA1(), STEP_SECONDS)  # noqa: S303 - what RFC 6238 names and authenticators know
    this = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(this - EITHER_WAY, this + EITHER_WAY + 1):
        try:
            totp.verify(code.encode(), step * STEP_SECONDS)
        except InvalidToken:
            continue
        found = step
    return found


def refused() -> OpeningRefused:
    """One sentence for whatever is wrong: person, seed, code, a code that was used."""
    return OpeningRefused(VaultCode.SECOND_REFUSED, "this code does not count")
