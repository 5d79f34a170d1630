"""Turns decoded rows into rows for the database: checked against the SKU's rule, sealed, fingerprinted, masked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from core.custody.decoder.problems import RowProblem
from core.custody.decoder.tables import Row
from core.custody.fingerprint import CardRule, fingerprint, kept_fields
from core.custody.keys import OpenVault
from core.ids import new_id
from core.vault.client import RefusedRow
from core.vault.seal import CardContext, seal_card
from core.vault.shapes import description, shape

_NONCE = 12


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """One import: the batch that it fills, whose cards they are, how they are read, and how many rows are done.

    `owner_id` is whose pool the cards join, `uploader_id` who brought them; `unit_cost_micro` in 10⁻⁶ major units.
    What came by a chat has its `restock`, the member of `staff` who brought it, and may have `most_rows` and no more.
    """

    id: UUID
    upload: UUID
    upload_key: bytes
    file_name: str
    column: str | None
    batch: UUID
    batch_no: int
    batch_key: bytes
    sku_id: int
    issuer_id: int
    owner_id: int
    uploader_id: int
    terms: str
    unit_cost_micro: int
    rule: CardRule
    rows_done: int = 0
    restock: UUID | None = None
    staff: UUID | None = None
    most_rows: int | None = None


@dataclass(slots=True, repr=False)
class Chunk:
    """Rows ready for the database, a list per column, and the refused ones with their number in the file."""

    ids: list[UUID] = field(default_factory=list)
    sealed: list[bytes] = field(default_factory=list)
    prints: list[bytes] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    ends: list[date | None] = field(default_factory=list)
    refused: list[tuple[int, RefusedRow]] = field(default_factory=list)

    def columns(self, places: list[int]) -> dict[str, list[Any]]:
        """The chosen rows as one list per column."""
        named: list[tuple[str, list[Any]]] = [("ids", self.ids), ("sealed", self.sealed), ("prints", self.prints)]
        named += [("masks", self.masks), ("ends", self.ends)]
        return {name: [values[place] for place in places] for name, values in named}


def prepare(vault: OpenVault, job: Job, rows: list[Row], *, done: int, today: date) -> Chunk:
    """Seal the good rows and describe the refused ones; `done` rows came before, `today` is the store's date."""
    chunk, nonces = Chunk(), os.urandom(_NONCE * len(rows))
    for place, row in enumerate(rows):
        fields = kept_fields(row.fields, job.rule)
        problem = row.problem or _problem(fields, today)
        if problem is not None:
            seen = fields.get("secret", "")
            refused = RefusedRow(row.place, problem.value, description(seen) if seen else "")
            chunk.refused.append((done + place, refused))
            continue
        card = new_id()
        context = CardContext(vault.vault_id, job.owner_id, job.batch, card)
        nonce = nonces[_NONCE * place : _NONCE * (place + 1)]
        chunk.ids.append(card)
        chunk.sealed.append(seal_card(job.batch_key, nonce, fields, context))
        chunk.prints.append(fingerprint(vault.keys.fingerprint, fields, job.rule))
        chunk.masks.append(shape(fields["secret"]))
        chunk.ends.append(_end(fields))
    return chunk


def _problem(fields: dict[str, str], today: date) -> RowProblem | None:
    if not fields.get("secret"):
        return RowProblem.NO_SECRET
    end = _end(fields)
    return RowProblem.EXPIRED if end is not None and end < today else None


def _end(fields: dict[str, str]) -> date | None:
    return date.fromisoformat(fields["expires"]) if "expires" in fields else None
