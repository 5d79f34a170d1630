"""Which shoppers became parts of one, by bindings whose seals prove right: what was sealed for them is its own now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.custody import sql
from core.custody.keys import OpenVault
from core.db import execute
from core.secret import Secret
from core.vault.bindings import SealedBinding, Side, is_sealed


def parts_of(vault: OpenVault, shopper: UUID) -> frozenset[UUID]:
    """A shopper and all who became a part of it, directly or through another."""
    found = {shopper}
    proved = [one for one in map(_binding, execute(sql.MERGED_INTO, {"shopper": shopper})) if _is_proved(vault, *one)]
    grown = True
    while grown:
        parts = {one.merged_shopper_id for one, _ in proved if one.kept_shopper_id in found and one.merged_shopper_id}
        grown = not parts <= found
        found |= parts
    return frozenset(found)


def _binding(row: tuple[Any, ...]) -> tuple[SealedBinding, bytes]:
    binding_id, merchant, kept, merged, kept_identity, kept_chat, merged_identity, merged_chat, bound, ended, seal = row
    binding = SealedBinding(
        id=binding_id,
        merchant_id=merchant,
        kept_shopper_id=kept,
        merged_shopper_id=merged,
        kept=Side(kept_identity, kept_chat),
        merged=Side(merged_identity, merged_chat),
        bound_at=bound,
        ended_at=ended,
    )
    return binding, bytes(seal)


def _is_proved(vault: OpenVault, binding: SealedBinding, seal: bytes) -> bool:
    return is_sealed(Secret(vault.keys.seal), binding, seal)
