"""Secret buyer fields for the panel: to whoever holds the task and shows a code, which counts once (docs/adr/0044).

Web has no key to ask with. One who has taken it over is shown the fields of one task for each code that somebody who
sees to that merchant's orders types meanwhile, and of no other.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from core.custody.openings.fields import refused
from core.custody.staff.judging import Judge
from core.db import atomic, execute
from core.secret import Secret
from core.vault.second_factor import digits

SEES_TO_IT = """
SELECT 1 FROM task t JOIN staff_role r ON r.staff_id = t.staff_id AND r.party_id = t.merchant_id
JOIN staff s ON s.id = r.staff_id AND s.disabled_at IS NULL
WHERE t.id = %s AND t.staff_id = %s AND t.opened_at IS NULL AND r.role IN ('owner', 'support')
"""


@dataclass(frozen=True, slots=True)
class FieldsByCode:
    """`opened` opens the fields of a task for its holder, once, and writes that down first."""

    operations: ClassVar = frozenset({"task_fields_by_code"})

    judge: Judge
    opened: Callable[[UUID, UUID], dict[str, Secret]]

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The fields by name. Raises `OpeningRefused`; a code that is refused for the task is not used up."""
        del operation
        try:
            task, staff = UUID(str(request.get("task"))), UUID(str(request.get("staff")))
        except ValueError:
            raise refused() from None
        with atomic():
            if not execute(SEES_TO_IT, (task, staff)):
                raise refused()
            refusal = self.judge.judged(staff, digits(str(request.get("code", ""))), confirms=False)
        if refusal is not None:
            raise refusal
        fields = self.opened(task, staff)
        return {"fields": {name: base64.b64encode(value.reveal()).decode() for name, value in fields.items()}}
