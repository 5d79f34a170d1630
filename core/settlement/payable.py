"""Whether a party is paid anything now: asked at each step that brings money nearer to its bank."""

from __future__ import annotations

from core.db import execute
from core.errors import Conflict
from core.settlement import banks
from core.settlement.found import Payout

IS_DEMO = "SELECT 1 FROM installation WHERE kind = 'demo'"
IS_RESTORED = "SELECT 1 FROM vault_epoch WHERE released_at IS NULL"
IS_SUSPENDED = "SELECT 1 FROM party WHERE id = %s AND status = 'suspended'"


class DemoPaysNobody(Conflict):
    """A demo's money is play money: it pays nobody out."""


class NotReleased(Conflict):
    """The database was restored and not released: what was paid after the backup is forgotten, and would be again."""


class PartySuspended(Conflict):
    """The platform suspended the party: it is paid nothing until that ends."""


class BankChanged(Conflict):
    """The bank details were changed after the payout was asked for: decline it and ask anew."""


def require_payable(party_id: int) -> None:
    """Raises `DemoPaysNobody`, `NotReleased`, `PartySuspended`."""
    if execute(IS_DEMO):
        raise DemoPaysNobody
    if execute(IS_RESTORED):
        raise NotReleased
    if execute(IS_SUSPENDED, (party_id,)):
        raise PartySuspended


def require_same_bank(payout: Payout) -> None:
    """Raises `BankChanged`."""
    if banks.bank_of(party_id=payout.claim.party_id).id != payout.bank_id:
        raise BankChanged
