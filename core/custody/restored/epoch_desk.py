"""What the vault answers about a restored database, and the end of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from core.custody import sql
from core.custody.restored import epochs
from core.db import execute


class EpochDesk:
    """Holds the vault back while an epoch is open."""

    operations: ClassVar = frozenset({"epoch", "epoch_compared", "epoch_release"})

    def __init__(self, epoch: epochs.Epoch | None, put_aside: epochs.PutAside, now: Callable[[], datetime]) -> None:
        self._epoch = epoch
        self._put_aside = put_aside
        self._now = now

    @property
    def sentence(self) -> str | None:
        """Why nothing is opened; None when nothing holds the vault."""
        return self._epoch.sentence if self._epoch else None

    def holds(self, operation: str) -> bool:
        """Whether this is not answered now."""
        return self._epoch is not None and operation not in epochs.WHILE_HELD

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `EpochRefused`."""
        epoch = self._epoch
        if operation == "epoch":
            return {"epoch": epochs.standing(epoch) if epoch else None}
        if epoch is None:
            raise epochs.EpochRefused("nothing is to be released: the database was not restored, or that is over")
        if operation == "epoch_compared":
            epochs.compared(epoch, str(request.get("account")), now=self._now())
            return {}
        said = {name: str(request.get(name) or "") for name in ("old_stock", "log_until")}
        released = epochs.release(epoch, put_aside=self._put_aside, now=self._now(), **said)
        execute(sql.SAY_STATE, (None, None))
        self._epoch = None
        return {"locked": released.locked, "checkpoints": released.checkpoints}
