"""Secret buyer fields: sealed at the door to the vault's public key, for one line of one order and one field of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.secret import Secret
from core.vault.primitives import framed, hpke_open, hpke_seal

_FIELD = "keystall buyer field"


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """What a sealed field is bound to: moved to another order, line or field it does not open (INV-K2)."""

    vault: UUID
    order: UUID
    line: UUID
    name: str

    def context(self) -> bytes:
        """The context of its seal."""
        return framed(_FIELD, self.vault, self.order, self.line, self.name)


def seal_field(public: bytes, value: Secret, place: FieldPlace) -> bytes:
    """What a buyer typed, for the vault's eyes only. Raises `SealError` for bytes that are no public key."""
    return hpke_seal(public, value.reveal(), place.context())


def open_field(private: bytes, sealed: bytes, place: FieldPlace) -> Secret:
    """The same again. Raises `SealError`."""
    return Secret(hpke_open(private, sealed, place.context()))
