"""Whose wallet paid: a wallet goes on when its shopper becomes part of another, and stays when an account leaves."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from core.custody import sql
from core.custody.keychain.keys import OpenVault
from core.custody.openings.readers import bindings_of, proved
from core.db import execute
from core.vault.reading import minted_at


def parts_of(vault: OpenVault, shopper: UUID) -> frozenset[UUID]:
    """A shopper and all with whom it became one, by bindings whose seals prove right: what was theirs is one wallet's.

    A wallet never comes apart again, so bindings that ended count too.
    """
    merges = proved(vault, execute(sql.MERGES, {"shopper": shopper}))
    found, grown = {shopper}, True
    while grown:
        joined = [{one.kept_shopper_id, one.merged_shopper_id} for one in merges]
        more = {part for pair in joined if pair & found for part in pair if part is not None}
        grown = not more <= found
        found |= more
    return frozenset(found)


def wallets_of(vault: OpenVault, *, order: UUID, shopper: UUID, identity: UUID) -> Iterator[frozenset[UUID]]:
    """The wallets that may have paid an order, each as the shoppers whose it is or was.

    The shopper's own; and, where the identity that ordered has left another shopper since, that shopper's.
    """
    yield parts_of(vault, shopper)
    placed_at = minted_at(order)
    for binding in bindings_of(vault, identity):
        is_own = identity in {side.identity_id for side in binding.sides}
        if is_own and (binding.ended_at is None or placed_at <= binding.ended_at):
            yield parts_of(vault, binding.kept_shopper_id)
