"""Whether a code counts now: of a seed that only the vault opens, once, and few wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from core.custody.keychain.keys import OpenVault
from core.custody.openings.checks import OpeningRefused
from core.custody.staff.seeds import opened_seed
from core.db import execute
from core.vault.client import VaultCode
from core.vault.primitives import SealError

STEP_SECONDS = 30
EITHER_WAY = 1
"""Steps that a phone's clock may be off (RFC 6238, 5.2)."""

WRONG_CODES = 5
BLOCKED = timedelta(minutes=15)

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
class Judge:
    """One vault's judgement of codes; whoever asks opens the transaction, and commits it also for a no."""

    vault: OpenVault
    now: Callable[[], datetime]

    def judged(self, staff_id: UUID, code: str, *, confirms: bool) -> OpeningRefused | None:
        """Take one code: a right one counts once, in order; a wrong one is counted. None where it is right."""
        now = self.now()
        rows = execute(SEED, (staff_id,))
        if not rows or rows[0][3] is confirms:
            return refused()
        step, refusal = self._step_of(staff_id, bytes(rows[0][0]), rows[0][1:3], code, now)
        if refusal is not None:
            return refusal
        execute(RIGHT, {"step": step, "now": now, "staff": staff_id})
        if confirms:
            execute(AUDIT, (now, staff_id, "staff.second_confirmed", str(staff_id)))
        return None

    def step_now(self, staff_id: UUID, sealed: bytes, code: str, now: datetime) -> tuple[int, OpeningRefused | None]:
        """As `judged`, of a seed that does not count yet; wrong codes are counted together with those of the other."""
        rows = execute(SEED, (staff_id,))
        return self._step_of(staff_id, sealed, (0, rows[0][2]), code, now)

    def _step_of(
        self, staff_id: UUID, sealed: bytes, past: Sequence[Any], code: str, now: datetime
    ) -> tuple[int, OpeningRefused | None]:
        last_step, blocked_until = past
        if blocked_until is not None and blocked_until > now:
            return 0, OpeningRefused(VaultCode.TOO_OFTEN, "too many wrong codes: a quarter of an hour must pass")
        step = self._step(staff_id, sealed, code, now)
        if step is None or step <= last_step:
            execute(WRONG, {"allowed": WRONG_CODES, "until": now + BLOCKED, "staff": staff_id})
            return 0, refused()
        return step, None

    def _step(self, staff_id: UUID, sealed: bytes, code: str, now: datetime) -> int | None:
        try:
            return _step_in(opened_seed(self.vault, staff_id, sealed), code, now)
        except SealError:
            return None


def _step_in(seed: bytes, code: str, now: datetime) -> int | None:
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
