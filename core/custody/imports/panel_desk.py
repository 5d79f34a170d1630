"""What the vault does for the panel, which asks by sealed rows that the worker names: looks, take-backs, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from core.actor import Actor, ActorKind
from core.custody.imports import cancelling, contesting
from core.custody.imports.importing import Importer
from core.custody.imports.jobs import ImportRefused
from core.custody.imports.looking import Looker, is_sealed
from core.db import execute
from core.parties.rules import Role
from core.stock.contested import GivenTo
from core.vault.looks import SealedWish, wish_seal

DECIDES = frozenset({Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR})

TAKEN_BACK = """
SELECT j.batch_id FROM restock r LEFT JOIN import_job j ON j.restock_id = r.id
WHERE r.id = %s AND r.cancel_asked_at IS NOT NULL
"""
WISH = """
SELECT w.id, w.staff_id, w.batch_id, w.given_to, w.reason, w.asked_at, w.seal, p.id,
       s.disabled_at IS NULL, ARRAY(SELECT x.role FROM staff_role x WHERE x.staff_id = w.staff_id AND x.party_id = p.id)
FROM contested_wish w JOIN staff s ON s.id = w.staff_id JOIN party p ON p.kind = 'platform'
WHERE w.id = %s AND w.state = 'asked'
"""


class PanelDesk:
    """Acts that people of the panel asked for; each is derived from its row."""

    operations: ClassVar = frozenset({"look", "take_back", "carry_out_wish"})

    def __init__(self, importer: Importer) -> None:
        self._looker = Looker(importer)
        self._importer = importer

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `ImportRefused`, `ImportCancelled`, `DecisionRefused`."""
        if operation == "look":
            self._looker.look(_id(request, "file"))
            return {}
        if operation == "take_back":
            return self._take_back(_id(request, "restock"))
        return self._decide(_id(request, "wish"))

    def _take_back(self, restock: UUID) -> dict[str, Any]:
        """A restock whose job has not begun begins none; of one that runs nothing stays."""
        rows = execute(TAKEN_BACK, (restock,))
        if not rows:
            raise ImportRefused("nobody wants this import taken back")
        if rows[0][0] is not None:
            cancelling.cancel(rows[0][0], now=self._importer.now())
        return {}

    def _decide(self, wish: UUID) -> dict[str, Any]:
        rows = execute(WISH, (wish,))
        if not rows:
            raise contesting.DecisionRefused("nobody wishes this")
        asked, (seal, platform, is_enabled, roles) = SealedWish(*rows[0][:6]), rows[0][6:]
        if not is_sealed(self._importer.vault, wish_seal, asked, bytes(seal)):
            raise contesting.DecisionRefused("this wish does not come from the panel")
        if not is_enabled or not DECIDES & frozenset(roles):
            raise contesting.DecisionRefused("who wishes this may not decide it any more")
        decided = contesting.decide(
            batch=asked.batch_id,
            card=None,
            given_to=GivenTo(asked.given_to),
            reason=asked.reason,
            now=self._importer.now(),
            actor=Actor(ActorKind.STAFF, id=asked.staff_id, party_id=platform, roles=frozenset(roles)),
        )
        return asdict(decided)


def _id(request: Mapping[str, Any], name: str) -> UUID:
    try:
        return UUID(str(request.get(name)))
    except ValueError:
        raise ImportRefused(f"the {name}'s id is no id") from None
