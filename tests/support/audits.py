"""What tests of the audit's chain share: entries, rounds of the chainer, and what a superuser may do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core.actor import OPERATOR
from core.audit.service import append
from core.clock import FixedClock
from core.custody.chains.auditing import Auditor
from core.custody.rounds import run_alone
from tests.builders import NOON

Opening = Callable[[], Auditor]

UNGUARDED = "SET session_replication_role = replica; "  # what only a superuser may: the append-only triggers are off
INSERT = (
    "INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id) VALUES (now(), 'a', 'slow', 'c', 'd')"
)


def chained(auditor: Auditor, clock: FixedClock) -> int:
    """One round of the chainer, as the vault's thread runs it."""
    done = run_alone(auditor.rounds()[0], now=clock.move(timedelta(seconds=1)))
    assert done is not None
    return done


def entries(count: int, *, start: int = 0) -> None:
    for place in range(start, start + count):
        append(
            actor=OPERATOR, action="batch.locked", object_kind="batch", object_id=place, detail={"a": place}, now=NOON
        )


def verified(auditor: Auditor, **asked: Any) -> dict[str, Any]:
    return auditor.answer({"act": "verify", **asked}, lambda done, about: None)


def first(auditor: Auditor, **asked: Any) -> list[Any] | None:
    found: list[Any] | None = verified(auditor, **asked)["first"]
    return found
