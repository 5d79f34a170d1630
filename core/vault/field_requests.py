"""What command line and panel ask the vault about secret buyer fields: to show them to who holds the task."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from core.secret import Secret
from core.vault.asking import Asking


class FieldRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about buyer fields."""

    def open_fields(self, task: UUID, /, *, staff: UUID) -> dict[str, Secret]:
        """The secret fields of a task, by name, once, for the member of staff who holds it.

        Raises `VaultAway`, `VaultRefused` (TASK_REFUSED for whatever is wrong with task or staff).
        """
        return _fields(self._ask({"op": "task_fields", "task": str(task), "staff": str(staff)}))

    def show_fields(self, task: UUID, staff: UUID, code: str, /) -> dict[str, Secret]:
        """As `open_fields`, for a code of that person's second factor instead of the operator's key.

        Raises `VaultAway`, `VaultRefused` (TASK_REFUSED, SECOND_REFUSED, TOO_OFTEN).
        """
        asked = {"op": "task_fields_by_code", "task": str(task), "staff": str(staff), "code": code}
        return _fields(self._ask(asked))


def _fields(answer: dict[str, Any]) -> dict[str, Secret]:
    return {name: Secret(base64.b64decode(value)) for name, value in answer["fields"].items()}
