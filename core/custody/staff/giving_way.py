"""A second factor gives way: to another one of its person, or to none, by the word of the platform's owner.

Both ask for a code that counts now, and the vault judges it: one who has taken web over takes nobody's factor away.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from core.custody.openings.checks import OpeningRefused
from core.custody.staff.judging import AUDIT, Judge, refused
from core.custody.staff.seeds import sealed_seed
from core.db import atomic, execute
from core.secret import Secret
from core.vault.second_factor import SEED_BYTES, digits

NEXT = "UPDATE staff_totp SET next_sealed = %s WHERE staff_id = %s"
NEXT_SEED = "SELECT next_sealed FROM staff_totp WHERE staff_id = %s AND confirmed_at IS NOT NULL FOR NO KEY UPDATE"
TURN = """
UPDATE staff_totp SET sealed = next_sealed, next_sealed = NULL, last_step = %s, made_at = %s, wrong = 0
WHERE staff_id = %s AND next_sealed IS NOT NULL
"""
PLATFORM_OWNER = """
SELECT 1 FROM staff_role r JOIN party p ON p.id = r.party_id AND p.kind = 'platform'
JOIN staff s ON s.id = r.staff_id AND s.disabled_at IS NULL
WHERE r.staff_id = %s AND r.role = 'platform_owner'
"""
TAKE = "DELETE FROM staff_totp WHERE staff_id = %s RETURNING 1"
BY_OPERATOR = """
INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id)
VALUES (%s, 'operator', 'staff.second_taken', 'staff', %s)
"""


@dataclass(frozen=True, slots=True)
class GivingWay:
    """Second factors of one vault that are replaced or taken away."""

    operations: ClassVar = frozenset({"totp_replace", "totp_replaced", "totp_take_away", "totp_forget"})

    judge: Judge

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `OpeningRefused`."""
        staff_id, code = _id(request.get("staff")), digits(str(request.get("code", "")))
        if operation == "totp_replace":
            return {"seed": base64.b64encode(self.replace(staff_id, code).reveal()).decode()}
        if operation == "totp_replaced":
            self.replaced(staff_id, code)
        elif operation == "totp_take_away":
            self.take_away(staff_id, _id(request.get("by")), code)
        else:
            self.forget(staff_id)
        return {}

    def replace(self, staff_id: UUID, code: str) -> Secret:
        """A next seed beside the one that counts, for whoever shows a code of that one. Raises `OpeningRefused`."""
        seed = secrets.token_bytes(SEED_BYTES)
        sealed = sealed_seed(self.judge.vault, staff_id, seed)
        with atomic():
            refusal = self.judge.judged(staff_id, code, confirms=False)
            if refusal is None:
                execute(NEXT, (sealed, staff_id))
        _raise(refusal)
        return Secret(seed)

    def replaced(self, staff_id: UUID, code: str) -> None:
        """A first right code of the next seed: from now on it alone counts. Raises `OpeningRefused`."""
        now = self.judge.now()
        with atomic():
            rows = execute(NEXT_SEED, (staff_id,))
            if not rows or rows[0][0] is None:
                raise refused()
            step, refusal = self.judge.step_now(staff_id, bytes(rows[0][0]), code, now)
            if refusal is None:
                execute(TURN, (step, now, staff_id))
                execute(AUDIT, (now, staff_id, "staff.second_replaced", str(staff_id)))
        _raise(refusal)

    def take_away(self, staff_id: UUID, by: UUID, code: str) -> None:
        """Another person's second factor is lost: an owner of the platform says so with a code of the own one.

        Raises `OpeningRefused` alike for whoever is none, for one's own, for a wrong code, where there is nothing.
        """
        now = self.judge.now()
        if by == staff_id or not execute(PLATFORM_OWNER, (by,)):
            raise refused()
        with atomic():
            refusal = self.judge.judged(by, code, confirms=False)
            if refusal is None:
                refusal = self._taken(staff_id, by, now)
        _raise(refusal)

    def _taken(self, staff_id: UUID, by: UUID, now: datetime) -> OpeningRefused | None:
        if not execute(TAKE, (staff_id,)):
            return refused()
        execute(AUDIT, (now, by, "staff.second_taken", str(staff_id)))
        return None

    def forget(self, staff_id: UUID) -> None:
        """As `take_away`, for whoever has the machine and its operator's key. Raises `OpeningRefused`."""
        with atomic():
            if not execute(TAKE, (staff_id,)):
                raise refused()
            execute(BY_OPERATOR, (self.judge.now(), str(staff_id)))


def _id(said: object) -> UUID:
    try:
        return UUID(str(said))
    except ValueError:
        raise refused() from None


def _raise(refusal: OpeningRefused | None) -> None:
    if refusal is not None:
        raise refusal
