"""The keys of official accounts that were heard a moment ago: so that a follower is answered while the database is not.

Only a sentence that says that the shop is busy is ever said with them; nothing is done.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from channels.chat.wechat.cipher import AccountKeys

KEPT_FOR = 600.0
"""Seconds: how long a withdrawn key may still have that sentence said."""

MOST = 200


@dataclass(frozen=True, slots=True)
class Known:
    """An account's keys as the database had them at a time of its clock, and of this machine's monotonic one."""

    keys: AccountKeys
    now: datetime
    mark: float


@dataclass(frozen=True)
class RecentKeys:
    """By the address of the account; the newest of them only."""

    _known: OrderedDict[str, Known] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def keep(self, opaque_id: str, keys: AccountKeys, now: datetime) -> None:
        """These work now."""
        with self._lock:
            self._known[opaque_id] = Known(keys, now, time.monotonic())
            self._known.move_to_end(opaque_id)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def drop(self, opaque_id: str) -> None:
        """The database says that there are none."""
        with self._lock:
            self._known.pop(opaque_id, None)

    def find(self, opaque_id: str) -> tuple[AccountKeys, datetime] | None:
        """The keys and the time now, without asking anybody; None where they were not heard of lately."""
        with self._lock:
            known = self._known.get(opaque_id)
        passed = time.monotonic() - known.mark if known is not None else 0.0
        if known is None or passed > KEPT_FOR:
            return None
        return known.keys, known.now + timedelta(seconds=passed)
