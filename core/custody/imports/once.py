"""One import job for whatever asks for it, a restock by chat or a supplier's answer: who asks later gets the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import peewee

from core.custody.imports.jobs import ImportRefused, begun, left_behind
from core.custody.imports.preparing import Job
from core.custody.keychain.keys import OpenVault
from core.db import atomic, constraint, execute
from core.workbooks.problems import FileProblem, FileRefused

STANDING = "SELECT state, error FROM import_job WHERE id = %s"


@dataclass(frozen=True, slots=True)
class OneJob:
    """`find` reads the job of what asked, `unique` is the constraint that keeps it one.

    `taken_back` and `given_up` say why a job that was cancelled, or failed without a file's problem, is none any more;
    `taken_back_as` is the problem of the former.
    """

    find: str
    unique: str
    taken_back: str
    given_up: str
    taken_back_as: str = "lost"

    def of(self, vault: OpenVault, asker: UUID, described: Callable[[], Job], *, now: datetime) -> Job:
        """The job as it stands, or begun now as it is `described`.

        Raises `ImportRefused` (with its `problem` where it is for good), `FileRefused` of a job that was given up.
        """
        found = self._found(vault, asker)
        if found is not None:
            return found
        try:
            with atomic():
                return begun(vault, described(), now=now)
        except peewee.IntegrityError as error:
            again = self._found(vault, asker) if constraint(error) == self.unique else None
            if again is None:
                raise
            return again  # a twin was faster

    def _found(self, vault: OpenVault, asker: UUID) -> Job | None:
        rows = execute(self.find, (asker,))
        if not rows:
            return None
        job = left_behind(vault, rows[0])
        ((state, error),) = execute(STANDING, (job.id,))
        if state in ("cancelling", "cancelled"):
            raise ImportRefused(self.taken_back, problem=self.taken_back_as)
        if state == "failed":
            if error in set(FileProblem):
                raise FileRefused(FileProblem(error))
            raise ImportRefused(self.given_up, problem="lost")
        return job
