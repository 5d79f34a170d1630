"""Seeds of second factors as they lie sealed: they follow the vault's key when it changes."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from core.custody.keychain.keys import OpenVault
from core.db import changed, execute
from core.vault.primitives import SealError, hpke_open, hpke_seal
from core.vault.second_factor import seed_context

SEEDS = "SELECT staff_id, sealed FROM staff_totp ORDER BY staff_id"
RESEAL = "UPDATE staff_totp SET sealed = %s, next_sealed = NULL WHERE staff_id = %s AND sealed = %s"


def sealed_seed(vault: OpenVault, staff_id: UUID, seed: bytes) -> bytes:
    """A seed for the vault's eyes only, bound to the person it is for."""
    return hpke_seal(vault.keys.public, seed, seed_context(vault.vault_id, staff_id))


def opened_seed(vault: OpenVault, staff_id: UUID, sealed: bytes) -> bytes:
    """The seed again, whichever version sealed it. Raises `SealError`."""
    return vault.keys.ring.opened(partial(_open, vault.vault_id, staff_id, sealed))


def versions_of_seeds(vault: OpenVault) -> list[str]:
    """The version that opens each seed; a seed that none opens needs none."""
    found = []
    for staff_id, sealed in execute(SEEDS):
        try:
            found.append(vault.keys.ring.which(partial(_open, vault.vault_id, staff_id, bytes(sealed))).id)
        except SealError:
            continue
    return found


def reseal_seeds(vault: OpenVault) -> int:
    """Seal with the version in use whatever is sealed with another; a next seed is begun anew. Returns how many."""
    done = 0
    for staff_id, sealed in execute(SEEDS):
        open_with = partial(_open, vault.vault_id, staff_id, bytes(sealed))
        try:
            version = vault.keys.ring.which(open_with)
        except SealError:
            continue
        if version.id != vault.keys.ring.current.id:
            fresh = sealed_seed(vault, staff_id, vault.keys.ring.opened(open_with))
            done += changed(RESEAL, (fresh, staff_id, sealed))
    return done


def _open(vault_id: UUID, staff_id: UUID, sealed: bytes, private: bytes) -> bytes:
    return hpke_open(private, sealed, seed_context(vault_id, staff_id))
