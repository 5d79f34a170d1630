"""What the worker asks the vault about imports of the panel: to look at a file, to take one back, to decide."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.vault.asking import Asking


@dataclass(frozen=True, slots=True)
class Wished:
    """How many cards were decided; `held` for unpaid orders and `sold` ones could not be given to the later party."""

    decided: int
    held: int
    sold: int


class ImportRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about imports. Each raises `VaultAway`, `VaultRefused`."""

    def look_at_file(self, file: UUID, /) -> None:
        """Have a brought file looked at, once however often it is asked; what was found is written down."""
        self._ask({"op": "look", "file": str(file)}, timeout=600.0)

    def take_back(self, restock: UUID, /) -> None:
        """Take the import of a restock back, as its row asks; refused with IMPORT_REFUSED when it is over."""
        self._ask({"op": "take_back", "restock": str(restock)}, timeout=600.0)

    def carry_out_wish(self, wish: UUID, /) -> Wished:
        """Carry a sealed decision about contested cards out; refused with CONTEST_REFUSED where it does not fit."""
        answer = self._ask({"op": "carry_out_wish", "wish": str(wish)}, timeout=600.0)
        return Wished(*(int(answer[name]) for name in ("decided", "held", "sold")))
