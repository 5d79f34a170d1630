"""A card by its secret, for the panel: to whoever may see it, for a code that counts once, and few times an hour.

Web has no key to ask with. One who has taken it over may test one secret for each code that somebody with such a role
types meanwhile, until the hour's questions of that person and party are used up; he learns of no card of another party.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from psycopg.types.json import Jsonb

from core.custody.imports.tracing import cards_seen_by
from core.custody.openings.checks import OpeningRefused
from core.custody.staff.judging import Judge, refused
from core.custody.throttle import Throttle
from core.db import atomic, execute
from core.vault.client import VaultCode
from core.vault.primitives import SealError, hpke_open
from core.vault.second_factor import digits
from core.vault.trace_requests import LONGEST_SECRET, question_context

OF_A_PERSON = 20
OF_A_PARTY = 60
"""Questions within a clock hour."""

A_MINUTE = 60
"""Questions of all parties together: each makes a fingerprint by every rule that cards of the store may have."""

ASKS = """
SELECT p.kind = 'platform' FROM staff_role r JOIN party p ON p.id = r.party_id
JOIN staff s ON s.id = r.staff_id AND s.disabled_at IS NULL
WHERE r.staff_id = %s AND r.party_id = %s AND (p.kind, r.role) IN (('platform', 'platform_owner'),
  ('platform', 'platform_operator'), ('merchant', 'owner'), ('merchant', 'support'), ('supplier', 'owner'),
  ('supplier', 'stock'))
"""
SPEND = """
INSERT INTO trace_budget AS b (subject, hour, used) VALUES (%(subject)s, %(hour)s, 1)
ON CONFLICT (subject, hour) DO UPDATE SET used = b.used + 1 WHERE b.used < %(most)s RETURNING 1
"""
FORGET = "DELETE FROM trace_budget WHERE hour < %s"
AUDIT = """
INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
VALUES (%s, 'staff', %s, %s, %s, 'party', %s, %s)
"""


@dataclass(frozen=True, slots=True)
class TracingByCode:
    """Questions of people of the panel; each is written to the audit, by how many cards were found."""

    operations: ClassVar = frozenset({"trace_by_code"})

    judge: Judge
    rate: Throttle = field(default_factory=lambda: Throttle(A_MINUTE))

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The cards by their ids. Raises `OpeningRefused`."""
        del operation
        staff, party, secret = self._read(request)
        if not self.rate.may_pass():
            raise OpeningRefused(VaultCode.BUSY, f"secrets are traced {A_MINUTE} times a minute")
        with atomic():
            roles = execute(ASKS, (staff, party))
            if not roles:
                raise refused()
            refusal = self.judge.judged(staff, digits(str(request.get("code", ""))), confirms=False)
            if refusal is None:
                refusal = self._spent(staff, party)
        if refusal is not None:
            raise refusal
        key = self.judge.vault.keys.fingerprint  # looked for when nobody waits for this person's budget any more
        with atomic():
            cards = cards_seen_by(party, key, secret, sees_all=any(row[0] for row in roles))
            self._write(staff, party, "cards.traced", {"found": len(cards)})
        return {"cards": [str(one) for one in cards]}

    def _read(self, request: Mapping[str, Any]) -> tuple[UUID, int, bytes]:
        """Who asks what. Raises `OpeningRefused` for what is not sealed for this person at this party."""
        try:
            staff, party = UUID(str(request.get("staff"))), int(str(request.get("party")))
            sealed = base64.b64decode(str(request.get("sealed")), validate=True)
            vault = self.judge.vault
            opened = partial(_open, sealed, question_context(vault.vault_id, staff, party))
            secret: bytes = vault.keys.ring.opened(opened)
        except (ValueError, binascii.Error, SealError):
            raise refused() from None
        if not 0 < party < 2**63 or not 0 < len(secret) <= LONGEST_SECRET:
            raise refused()
        return staff, party, secret

    def _spent(self, staff: UUID, party: int) -> OpeningRefused | None:
        """Count one question of the person and of the party; the one too many is written to the audit."""
        now = self.judge.now()
        execute(FORGET, (now - timedelta(days=1),))
        for subject, most in ((f"person {staff}", OF_A_PERSON), (f"party {party}", OF_A_PARTY)):
            if not spend(subject, most, now=now):
                self._write(staff, party, "cards.trace_refused", {"budget": subject.partition(" ")[0]})
                return OpeningRefused(VaultCode.OVER_BUDGET, "no more cards are traced in this hour")
        return None

    def _write(self, staff: UUID, party: int, action: str, detail: dict[str, str | int]) -> None:
        execute(AUDIT, (self.judge.now(), staff, party, action, str(party), Jsonb(detail)))


def spend(subject: str, most: int, *, now: datetime) -> bool:
    """Count one question of a subject, unless its hour is used up; those who ask at once wait for each other."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return bool(execute(SPEND, {"subject": subject, "hour": hour, "most": most}))


def _open(sealed: bytes, context: bytes, private: bytes) -> bytes:
    return hpke_open(private, sealed, context)
