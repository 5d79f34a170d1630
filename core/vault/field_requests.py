"""What the command line asks the vault about secret buyer fields: to show them to who holds the task."""

from __future__ import annotations

import base64
from uuid import UUID

from core.secret import Secret
from core.vault.asking import Asking


class FieldRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about buyer fields."""

    def open_fields(self, task: UUID, /, *, staff: UUID) -> dict[str, Secret]:
        """The secret fields of a task, by name, once, for the member of staff who holds it.

        Raises `VaultAway`, `VaultRefused` (TASK_REFUSED for whatever is wrong with task or staff).
        """
        answer = self._ask({"op": "task_fields", "task": str(task), "staff": str(staff)})
        return {name: Secret(base64.b64decode(value)) for name, value in answer["fields"].items()}
