"""What command line and panel ask the vault about a card whose secret somebody holds: which one it is.

The panel's is sealed to the vault's key, for this person at this party; each question needs a code of a second factor,
which the vault judges and which counts once (docs/adr/0050-a-card-by-its-secret.md).
"""

from __future__ import annotations

import base64
from uuid import UUID

from core.db import execute
from core.errors import Invalid
from core.secret import Secret
from core.vault.asking import Asking
from core.vault.payout_requests import Person
from core.vault.primitives import framed, hpke_seal

LONGEST_SECRET = 4096
"""Bytes of what may be traced."""


def typed_secret(typed: bytes) -> Secret:
    """A secret as it was typed or piped in, without the line's end. Raises `Invalid` where it is none or too long."""
    text = typed.removesuffix(b"\n").removesuffix(b"\r")
    if not text or len(text) > LONGEST_SECRET:
        raise Invalid(what="secret")
    return Secret(text)


def question_context(vault_id: UUID, staff_id: UUID, party_id: int) -> bytes:
    """What a sealed question is bound to: asked in another name it does not open."""
    return framed("keystall trace of a card", vault_id, staff_id, party_id)


def sealed_question(person: Person, secret: Secret, *, vault_public: bytes) -> bytes:
    """A secret for the vault's eyes only."""
    vault_id: UUID = execute("SELECT vault_id FROM installation")[0][0]
    return hpke_seal(vault_public, secret.reveal(), question_context(vault_id, person.staff_id, person.party_id))


class TraceRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about cards of which somebody has the secret."""

    def trace_secret(self, secret: Secret) -> list[UUID]:
        """The cards whose fingerprint is that of a secret (or of number and secret, separated by a blank or comma)."""
        answer = self._ask({"op": "trace", "secret": base64.b64encode(secret.reveal()).decode()})
        return [UUID(card) for card in answer["cards"]]

    def trace_by_code(self, person: Person, sealed: bytes, /) -> list[UUID]:
        """The cards that have a sealed secret, of those that this person may see at this party.

        Raises `VaultAway`, `VaultRefused`: SECOND_REFUSED or TOO_OFTEN for the code, OVER_BUDGET when person or party
        have asked too often.
        """
        who = {"staff": str(person.staff_id), "party": person.party_id, "code": person.code}
        answer = self._ask({"op": "trace_by_code", "sealed": base64.b64encode(sealed).decode()} | who)
        return [UUID(card) for card in answer["cards"]]
