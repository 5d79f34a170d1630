"""What the command line asks the vault about stock: to take an import back, whose cards are, who is vetted."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.vault.client import VaultClient


@dataclass(frozen=True, slots=True)
class Decided:
    """How many cards were decided; `held` for unpaid orders and `sold` ones could not be given to the later party."""

    decided: int
    held: int
    sold: int


class StockRequests:
    """Acts on stock, by the operator's client. Each raises `VaultAway`, `VaultRefused`."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    def cancel_import(self, batch: UUID, /) -> int:
        """Take an import back that is under way; how many cards had come."""
        return int(self._client.act({"op": "cancel_import", "batch": str(batch)})["taken_back"])

    def decide_contested(self, *, batch: UUID, card: UUID | None, given_to: str, reason: str) -> Decided:
        """Give contested cards of a batch (or one of them) to the `earlier` or the `later` party."""
        named = {"batch": str(batch), "card": str(card) if card else None, "given_to": given_to, "reason": reason}
        answer = self._client.act({"op": "decide_contested"} | named)
        return Decided(*(int(answer[name]) for name in ("decided", "held", "sold")))

    def vet_supplier(self, code: str, *, is_vetted: bool, reason: str) -> None:
        """Say that a supplier is vetted, or that he is not any more."""
        self._client.act({"op": "vet_supplier", "supplier": code, "vetted": is_vetted, "reason": reason})
