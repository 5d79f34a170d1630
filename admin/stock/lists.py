"""Cards that came together, as a list."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from admin.panel import words
from admin.rows import BatchRow, PartyRow, SkuRow
from admin.scoped import ScopedView
from admin.shown import TERMS, pill, when
from admin.stock.facts import BatchFacts, facts_of
from bot.texts import mark
from core.ids import Prefix, public
from core.parties.rules import PLATFORM_ROLES, Role


class Batches(ScopedView):
    """Cards that came together, the newest first."""

    roles = PLATFORM_ROLES | {Role.OWNER, Role.STOCK, Role.CATALOG}
    titled = mark("Batches")
    empty = mark(
        "No cards yet. Every file that you bring is a batch: how many cards came in it, and how they are sold."
    )
    next_steps = (("imports.goods", mark("Bring cards")),)
    shows_steps = True
    details_template = "stock/batch.html.jinja"
    columns = (
        ("number", mark("Batch")),
        ("sku_code", mark("SKU")),
        ("state", mark("State")),
        ("card_count", mark("Cards")),
        ("how", mark("Terms")),
        ("source_name", mark("File")),
        ("came", mark("Came")),
    )

    def rows(self) -> Any:
        joined = BatchRow.select(BatchRow, PartyRow, SkuRow).join(PartyRow).switch(BatchRow)
        return joined.join(SkuRow).order_by(BatchRow.no.desc())

    def number(self, row: BatchRow) -> str:
        return public(Prefix.BATCH, row.id)

    def sku_code(self, row: BatchRow) -> str:
        return str(row.sku.code)

    def state(self, row: BatchRow) -> Markup:
        return pill(row.state)

    def how(self, row: BatchRow) -> str:
        return words().say(TERMS[row.terms])

    def came(self, row: BatchRow) -> str:
        return when(row.created_at)

    def facts(self, row: BatchRow) -> BatchFacts:
        """What the page of one batch tells beside its row."""
        return facts_of(row)
