"""What the vault answers about imports under way, contested cards and who is vetted: acts of the platform on stock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from core.custody.imports import cancelling, contesting, vetting
from core.custody.imports.jobs import ImportRefused
from core.stock.contested import GivenTo


class StockDesk:
    """Acts on stock that only the vault's role may carry out."""

    operations: ClassVar = frozenset({"cancel_import", "decide_contested", "vet_supplier"})

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `ImportRefused`, `DecisionRefused`."""
        if operation == "vet_supplier":
            return self._vet(request)
        batch = _id(request.get("batch"))
        if operation == "cancel_import":
            return asdict(cancelling.cancel(batch, now=self._now()))
        try:
            given_to = GivenTo(str(request.get("given_to")))
        except ValueError:
            raise contesting.DecisionRefused("cards are given to the earlier or the later party") from None
        reason = str(request.get("reason") or "").strip()
        if not reason:
            raise contesting.DecisionRefused("a decision has a reason")
        card = _id(request["card"]) if request.get("card") else None
        return asdict(
            contesting.decide(batch=batch, card=card, given_to=given_to, reason=reason[:500], now=self._now())
        )

    def _vet(self, request: Mapping[str, Any]) -> dict[str, Any]:
        reason = str(request.get("reason") or "").strip()
        if not reason or type(request.get("vetted")) is not bool:
            raise ImportRefused("a vetting says whether it holds from now on, and has a reason")
        supplier = str(request.get("supplier"))
        vetting.vet(supplier, is_vetted=request["vetted"], reason=reason[:500], now=self._now())
        return {}


def _id(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise contesting.DecisionRefused("the id of a batch or card is no id") from None
