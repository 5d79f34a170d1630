"""What the vault says of a file before it is imported: counts, shapes, how it was read, what is wrong; never a value.

Like a restock everything is derived from a sealed row. A look tells whoever may ask for one which cards his own party
has brought before, as an import does: so the rows of a day are bounded, and a supplier who is not vetted has them
counted once, not again when the same file is imported.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.custody.imports.decoder.tables import Row
from core.custody.imports.decoding import Decoded, DecodedFile
from core.custody.imports.filling import ImportCancelled
from core.custody.imports.fingerprint import CardRule
from core.custody.imports.importing import Importer
from core.custody.imports.jobs import ImportRefused
from core.custody.imports.preparing import Job
from core.custody.keychain.keys import OpenVault
from core.db import changed, execute, in_transaction
from core.ids import new_id
from core.parties.rules import PartyKind, may_bring_stock
from core.secret import Secret
from core.vault.client import RefusedRow
from core.vault.looks import SealedLook, look_seal
from core.vault.primitives import SealError
from core.vault.seal import new_batch_key
from core.vault.shapes import shape
from core.workbooks.problems import FileRefused

ROWS_A_DAY = 1_500_000
"""Of one party, over all files that were looked at for it within a day: as many as the largest file has."""

SHAPES_KEPT, SHAPES_SHOWN, LONGEST_NAME = 1000, 12, 24

FACTS = """
SELECT f.id, f.staff_id, f.party_id, f.sku_id, f.upload_id, u.sealed_key, f.secret_column, f.brought_at,
       f.seal, u.owner_id, u.file_name, u.complete, p.kind, p.status = 'active', s.disabled_at IS NULL,
       f.left_at IS NULL AND f.restock_id IS NULL, coalesce(l.state, 'looking') = 'looking',
       ARRAY(SELECT x.role FROM staff_role x WHERE x.staff_id = f.staff_id AND x.party_id = f.party_id),
       k.issuer_id, k.trim, k.case_sensitive, k.card_shape = 'number_secret', coalesce(k.secret_bits < 40, false),
       k.archived_at IS NULL AND (o.kind = 'platform' OR o.id = f.party_id OR EXISTS (
           SELECT 1 FROM offer g WHERE g.sku_id = k.id AND g.seller_id = f.party_id
           AND g.valid_from <= %(now)s AND (g.valid_to IS NULL OR g.valid_to > %(now)s)))
FROM brought_file f JOIN upload u ON u.id = f.upload_id JOIN party p ON p.id = f.party_id
JOIN staff s ON s.id = f.staff_id JOIN sku k ON k.id = f.sku_id JOIN product t ON t.id = k.product_id
JOIN party o ON o.id = t.owner_id LEFT JOIN file_look l ON l.file_id = f.id
WHERE f.id = %(file)s
"""
ROWS_TODAY = """
SELECT coalesce(sum(l.rows_done), 0) FROM file_look l JOIN brought_file f ON f.id = l.file_id
WHERE f.party_id = %s AND f.brought_at > %s::timestamptz - interval '1 day'
"""
BEGIN = """
INSERT INTO file_look (file_id, state, began_at, moved_at) VALUES (%(file)s, 'looking', %(now)s, %(now)s)
ON CONFLICT (file_id) DO UPDATE SET rows_done = 0, moved_at = %(now)s WHERE file_look.state = 'looking'
"""
MOVE = """
UPDATE file_look l SET rows_done = %(done)s, rows_about = %(about)s, moved_at = %(now)s
FROM brought_file f WHERE l.file_id = %(file)s AND l.state = 'looking' AND f.id = l.file_id AND f.left_at IS NULL
"""
END = """
UPDATE file_look SET state = 'looked', added = %(added)s, duplicates = %(duplicates)s, refused = %(refused)s,
    rows_done = %(rows)s, rows_about = %(rows)s, found = %(found)s, moved_at = %(now)s, ended_at = %(now)s
WHERE file_id = %(file)s AND state = 'looking'
"""
REFUSE = """
INSERT INTO file_look (file_id, state, problem, found, began_at, moved_at, ended_at)
VALUES (%(file)s, 'refused', %(problem)s, %(found)s, %(now)s, %(now)s, %(now)s)
ON CONFLICT (file_id) DO UPDATE
SET state = 'refused', problem = excluded.problem, found = excluded.found, moved_at = excluded.moved_at,
    ended_at = excluded.ended_at
WHERE file_look.state = 'looking'
"""


class TooManyToday(Exception):
    """The file has more rows than may still be looked at for its party within this day."""


@dataclass(slots=True)
class Notes:
    """What was noted of the rows on their way: how often each shape of a secret comes, and the end dates."""

    left: int  # rows that this file may have
    today: str  # ISO; what ended before is refused, and noted as that only
    table: dict[str, Any] = field(default_factory=dict)
    shapes: Counter[tuple[str, int]] = field(default_factory=Counter)
    ends: list[str] = field(default_factory=list)  # first and last, once there is one

    def noting(self, file: DecodedFile, rows: Iterator[Decoded]) -> Iterator[Decoded]:
        """The rows as they come. Raises `TooManyToday` before the first."""
        if file.about > self.left:
            raise TooManyToday
        names = {name: safe_name(heading) for name, heading in file.columns.items()}
        self.table = {"format": file.format, "encoding": file.encoding, "separator": file.separator, "columns": names}
        at = {name: place for place, name in enumerate(file.fields, start=1)}
        return self._noted(rows, at["secret"], at.get("expires"))

    def _noted(self, rows: Iterator[Decoded], secret: int, expires: int | None) -> Iterator[Decoded]:
        for row in rows:
            if not isinstance(row, Row):
                self._note(row[secret], row[expires] if expires is not None else "")
            yield row

    def _note(self, secret: str, end: str) -> None:
        drawn = (shape(secret), len(secret))
        if drawn in self.shapes or len(self.shapes) < SHAPES_KEPT:
            self.shapes[drawn] += 1
        if end >= self.today:
            self.ends = [min(end, *self.ends[:1]), max(end, *self.ends[1:])] if self.ends else [end, end]


class Looker:
    """Looks at files; nothing of them changes."""

    def __init__(self, importer: Importer) -> None:
        self._importer = importer

    def look(self, file: UUID) -> None:
        """Look at one file and write down what was found; once, however often it is asked.

        Raises `ImportCancelled` when nobody wants it any more, `ImportRefused` for an id that is none.
        """
        rows = execute(FACTS, {"file": file, "now": self._importer.now()})
        if not rows:
            raise ImportRefused("nobody asks for this file")
        is_wanted, is_open = rows[0][15:17]
        if not is_wanted:
            raise ImportCancelled
        if not is_open:
            return
        job, problem = self._checked(rows[0])
        if job is None:
            self._refuse(file, problem, {})
            return
        try:
            self._seen(file, job)
        except FileRefused as refused:
            self._refuse(file, refused.problem.value, _safe(refused.params))
        except TooManyToday:
            self._refuse(file, "too_often", {})
        except SealError:
            self._refuse(file, "lost", {})

    def _checked(self, row: Sequence[Any]) -> tuple[Job | None, str]:
        """The file as a job that is never written down, or why there is none."""
        look = SealedLook(row[0], row[1], row[2], row[3], row[4], bytes(row[5]), row[6], row[7])
        seal, owner, name, complete, kind, is_active, is_enabled = row[8:15]
        roles, issuer, *rule, is_within_reach = row[17:]
        if not is_sealed(self._importer.vault, look_seal, look, bytes(seal)) or owner != look.party_id or not complete:
            return None, "lost"
        if not (is_active and is_enabled and may_bring_stock(kind, frozenset(roles)) and is_within_reach):
            return None, "not_allowed"
        return _job(look, name, kind, issuer, rule), ""

    def _seen(self, file: UUID, job: Job) -> None:
        now = self._importer.now
        execute(BEGIN, {"file": file, "now": now()})
        left = ROWS_A_DAY - int(execute(ROWS_TODAY, (job.owner_id, now()))[0][0])
        notes = Notes(left, now().astimezone(self._importer.zone).date().isoformat())

        def progress(done: int, about: int) -> None:
            if not changed(MOVE, {"file": file, "done": done, "about": about, "now": now()}):
                raise ImportCancelled

        counts, refused = self._importer.look(job, progress, noted=notes.noting)
        rows = counts.added + counts.duplicates + counts.refused
        figures = {"added": counts.added, "duplicates": counts.duplicates, "refused": counts.refused, "rows": rows}
        in_transaction(
            lambda: execute(END, figures | {"file": file, "found": Jsonb(_found(notes, refused)), "now": now()})
        )

    def _refuse(self, file: UUID, problem: str, params: dict[str, Any]) -> None:
        said = {"file": file, "problem": problem, "found": Jsonb({"params": params}), "now": self._importer.now()}
        in_transaction(lambda: execute(REFUSE, said))


def is_sealed(vault: OpenVault, sealing: Any, what: Any, seal: bytes) -> bool:
    """Whether the panel made this seal over it."""
    try:
        return hmac.compare_digest(sealing(Secret(vault.keys.seal), what), seal)
    except SealError:
        return False


def safe_name(heading: str) -> str:
    """A column's name as it may be shown: in a file without a header a card may stand where names are."""
    is_word = len(heading) <= LONGEST_NAME and not any(character.isdigit() for character in heading)
    return heading if is_word else shape(heading)


def _job(look: SealedLook, name: str, kind: str, issuer: int, rule: Sequence[bool]) -> Job:
    return Job(
        id=new_id(),
        upload=look.upload_id,
        upload_key=look.upload_key,
        file_name=name,
        column=look.column,
        batch=new_id(),
        batch_no=0,
        batch_key=new_batch_key(),
        sku_id=look.sku_id,
        issuer_id=issuer,
        owner_id=look.party_id,
        uploader_id=look.party_id,
        terms="consigned" if kind == PartyKind.SUPPLIER else "own",
        unit_cost_micro=0,
        rule=CardRule(*rule),
    )


def _found(notes: Notes, refused: Sequence[RefusedRow]) -> dict[str, Any]:
    shapes = [[drawn, length, count] for (drawn, length), count in notes.shapes.most_common(SHAPES_SHOWN)]
    reasons = Counter(row.reason for row in refused)
    return notes.table | {
        "shapes": shapes,
        "kinds": len(notes.shapes),
        "ends": notes.ends,
        "reasons": dict(reasons),
        "rows": [[row.place, row.reason, row.shape] for row in refused],
    }


def _safe(params: dict[str, str | int]) -> dict[str, Any]:
    columns = params.get("columns", "")
    names = [safe_name(name) for name in columns.split(", ")] if isinstance(columns, str) and columns else []
    width = columns if isinstance(columns, int) else len(names)
    return {"columns": names, "width": width} | {name: params[name] for name in ("most", "left") if name in params}


def file_of(request: Any, name: str) -> UUID:
    """The id that a request names. Raises `ImportRefused`."""
    try:
        return UUID(str(request.get(name)))
    except ValueError:
        raise ImportRefused(f"the {name}'s id is no id") from None
