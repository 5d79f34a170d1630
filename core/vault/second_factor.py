"""What the panel asks the vault about second factors (RFC 6238), and how a seed is sealed to it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

from core.secret import Secret
from core.vault.asking import Asking
from core.vault.primitives import framed

CODE = re.compile(r"[0-9]{6}")
"""What an authenticator shows: six digits for thirty seconds."""

SEED_BYTES = 20
"""As RFC 4226 recommends for HMAC-SHA-1, which every authenticator knows."""


@dataclass(frozen=True, slots=True)
class NewSeed:
    """A seed that was just made, shown once to the person it is for."""

    seed: Secret = field(repr=False)

    @property
    def letters(self) -> str:
        """For typing: base32 without padding, 32 letters."""
        return base64.b32encode(self.seed.reveal()).decode().rstrip("=")

    def address(self, *, issuer: str, account: str) -> Secret:
        """For a QR code: otpauth://totp/… as authenticators read it."""
        label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
        return Secret(f"otpauth://totp/{label}?secret={self.letters}&issuer={quote(issuer, safe='')}")


def seed_context(vault_id: UUID, staff_id: UUID) -> bytes:
    """What a sealed seed is bound to: given to another person it does not open."""
    return framed("keystall second factor", vault_id, staff_id)


def digits(said: str) -> str:
    """A code as people type it, blanks left out; empty if it cannot be one."""
    code = "".join(said.split())
    return code if CODE.fullmatch(code) and code.isascii() else ""


class SecondFactorRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about second factors."""

    def begin_second_factor(self, staff_id: UUID, /) -> NewSeed:
        """Make a seed for somebody who has none that is confirmed; the former, unconfirmed one is forgotten.

        Raises `VaultAway`, `VaultRefused` (SECOND_REFUSED: there is one already, or no such person).
        """
        answer = self._ask({"op": "totp_begin", "staff": str(staff_id)})
        return NewSeed(Secret(base64.b64decode(answer["seed"])))

    def confirm_second_factor(self, staff_id: UUID, code: str, /) -> None:
        """A first right code makes the seed count. Raises `VaultAway`, `VaultRefused` (SECOND_REFUSED, TOO_OFTEN)."""
        self._ask({"op": "totp_confirm", "staff": str(staff_id), "code": code})

    def check_second_factor(self, staff_id: UUID, code: str, /) -> None:
        """Whether this is the person's code now; a code counts once.

        Raises `VaultAway`, `VaultRefused` (SECOND_REFUSED for wrong, old, used; TOO_OFTEN after five wrong ones).
        """
        self._ask({"op": "totp_check", "staff": str(staff_id), "code": code})

    def replace_second_factor(self, staff_id: UUID, code: str, /) -> NewSeed:
        """Make a next seed for somebody who shows a code of the one that counts; that goes on counting until then.

        Raises `VaultAway`, `VaultRefused` (SECOND_REFUSED, TOO_OFTEN).
        """
        answer = self._ask({"op": "totp_replace", "staff": str(staff_id), "code": code})
        return NewSeed(Secret(base64.b64decode(answer["seed"])))

    def second_factor_replaced(self, staff_id: UUID, code: str, /) -> None:
        """A first right code of the next seed makes it the one that counts. Raises as `confirm_second_factor`."""
        self._ask({"op": "totp_replaced", "staff": str(staff_id), "code": code})

    def take_second_factor_away(self, staff_id: UUID, by: UUID, code: str, /) -> None:
        """A person's second factor is lost: `by`, an owner of the platform, shows a code of the own one.

        Raises `VaultAway`, `VaultRefused` (SECOND_REFUSED for whatever does not fit, TOO_OFTEN).
        """
        self._ask({"op": "totp_take_away", "staff": str(staff_id), "by": str(by), "code": code})

    def forget_second_factor(self, staff_id: UUID, /) -> None:
        """As `take_second_factor_away`, with the operator's key. Raises `VaultAway`, `VaultRefused`."""
        self._ask({"op": "totp_forget", "staff": str(staff_id)})
