"""Second factors as the vault judges them: seeds that only it opens, codes that count once, few wrong ones.

Web asks without a key of its own: one who has taken it over learns yes or no for five guesses a quarter of an hour, and
can neither read a seed nor give a person who has one another.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from core.custody.staff.judging import AUDIT, Judge, refused
from core.custody.staff.seeds import sealed_seed
from core.db import atomic, execute
from core.secret import Secret
from core.vault.second_factor import SEED_BYTES, digits

BEGIN = """
INSERT INTO staff_totp AS t (staff_id, sealed, made_at) SELECT id, %(sealed)s, %(now)s FROM staff
WHERE id = %(staff)s AND disabled_at IS NULL
ON CONFLICT (staff_id) DO UPDATE SET sealed = excluded.sealed, next_sealed = NULL, made_at = excluded.made_at,
    last_step = 0
WHERE t.confirmed_at IS NULL RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The second factors of one vault."""

    operations: ClassVar = frozenset({"totp_begin", "totp_confirm", "totp_check"})

    judge: Judge

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
        seed, now = secrets.token_bytes(SEED_BYTES), self.judge.now()
        sealed = sealed_seed(self.judge.vault, staff_id, seed)
        with atomic():
            if not execute(BEGIN, {"sealed": sealed, "staff": staff_id, "now": now}):
                raise refused()
            execute(AUDIT, (now, staff_id, "staff.second_begun", str(staff_id)))
        return Secret(seed)

    def check(self, staff_id: UUID, code: str, *, confirms: bool) -> None:
        """Take one code: right ones once, in order; wrong ones are counted and kept. Raises `OpeningRefused`."""
        with atomic():
            refusal = self.judge.judged(staff_id, code, confirms=confirms)
        if refusal is not None:
            raise refusal
