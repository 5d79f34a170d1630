"""What the command line asks the vault about a restored database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.vault.client import VaultClient


@dataclass(frozen=True, slots=True)
class GatewayToCompare:
    """A gateway account whose own list of payments a person looks through."""

    account: str
    gateway: str
    merchant: str
    compared: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What the opening log had that the database had not, and what is left to do.

    Cards: `resumed` are sent again to whoever bought them, `set_aside` are never sold again, `gone` are not in the
    tables any more; `orders_gone` are lines of orders that are not, either. `unanswered` payments are still asked
    about; `unsold` cards are of before the backup and not known to have gone out. `log_ends` is when the log's last
    entry was written, or `none`.
    """

    restored_at: datetime
    backup_made_at: datetime
    log_is_whole: bool
    log_ends: str
    resumed: int
    set_aside: int
    gone: int
    orders_gone: int
    unanswered: int
    unsold: int
    gateways: tuple[GatewayToCompare, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """How many batches were locked, and the name of the vault's record of checkpoints that was put aside, if it was."""

    locked: int
    checkpoints: str | None


class EpochRequests:
    """Asked by the operator's client. Each raises `VaultAway`, `VaultRefused`."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    def status(self) -> Standing | None:
        """How a restored database stands; None when none waits."""
        answer = self._client.act({"op": "epoch"})["epoch"]
        return _standing(answer) if answer else None

    def compared(self, account: str, /) -> None:
        """Say that a gateway's own list was looked through."""
        self._client.act({"op": "epoch_compared", "account": account})

    def release(self, *, old_stock: str = "", log_until: str = "") -> Released:
        """Sell again. `old_stock` is `lock` or `accept`; else `log_until` confirms `Standing.log_ends`."""
        answer = self._client.act({"op": "epoch_release", "old_stock": old_stock, "log_until": log_until})
        return Released(int(answer["locked"]), answer["checkpoints"])


def _standing(answer: dict[str, Any]) -> Standing:
    counts = ("resumed", "set_aside", "gone", "orders_gone", "unanswered", "unsold")
    return Standing(
        restored_at=datetime.fromisoformat(answer["restored_at"]),
        backup_made_at=datetime.fromisoformat(answer["backup_made_at"]),
        log_is_whole=bool(answer["log_is_whole"]),
        log_ends=str(answer["log_ends"]),
        gateways=tuple(GatewayToCompare(**one) for one in answer["gateways"]),
        **{name: int(answer[name]) for name in counts},
    )
